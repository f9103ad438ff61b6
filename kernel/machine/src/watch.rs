//! Hardware watchpoints on guest memory: the host's perf events that send a SIGTRAP (perf_event_open(2)).
//!
//! A store of guest code to the watched bytes becomes `Trap::Fault` with SIGTRAP, code [`TRAP_PERF`] and the watch's
//! address; rip is behind the store. Stores of llano's own code are let pass and those of the host's kernel do not fire: who
//! wants to know of them compares.

use crate::border::host;
use crate::host::HostFd;
use crate::{HostError, check};

/// `si_code` of a SIGTRAP from a perf event (asm-generic/siginfo.h).
pub const TRAP_PERF: i32 = 6;

const TYPE_BREAKPOINT: u32 = 5;
const BREAKPOINT_W: u32 = 2;
const FLAG_FD_CLOEXEC: u64 = 8;
/// exclude_kernel, exclude_hv, remove_on_exec (which sigtrap needs), sigtrap.
const ATTR_FLAGS: u64 = 1 << 5 | 1 << 6 | 1 << 36 | 1 << 37;

/// `struct perf_event_attr` up to version 7 (linux/perf_event.h).
#[repr(C)]
#[derive(Default)]
struct Attr {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    bp_addr: u64,
    bp_len: u64,
    unused: [u64; 6],
    sig_data: u64,
}

const _: () = assert!(size_of::<Attr>() == 128);

/// A watch; gone when dropped.
#[derive(Debug)]
pub struct Watch {
    _event: HostFd,
}

impl Watch {
    /// Watches stores to `len` bytes (1, 2, 4 or 8, aligned) by the calling thread, the vCPU.
    ///
    /// # Errors
    /// `ENOSPC`: the CPU has no slot left (there are four). `EACCES`: perf_event_paranoid forbids it. `EINVAL`: not
    /// aligned, or another length.
    pub fn new(addr: u64, len: u64) -> Result<Watch, HostError> {
        let attr = Attr {
            kind: TYPE_BREAKPOINT,
            size: size_of::<Attr>() as u32,
            sample_period: 1,
            flags: ATTR_FLAGS,
            bp_type: BREAKPOINT_W,
            bp_addr: addr,
            bp_len: len,
            sig_data: addr,
            ..Attr::default()
        };
        // SAFETY: the host reads the struct, whose size is in it, and returns a fresh descriptor.
        let fd = unsafe { host!(syscall)(libc::SYS_perf_event_open, &attr, 0, -1, -1, FLAG_FD_CLOEXEC) };
        // SAFETY: the descriptor is fresh and nobody else's.
        check(fd).map(|fd| Watch { _event: unsafe { HostFd::from_raw(fd as i32) } })
    }
}
