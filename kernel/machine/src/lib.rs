//! The computer that llano runs on, made of one host process.
//!
//! This is the only crate with `unsafe`. It knows no tasks and speaks no Linux *to the guest*: errors of the host are
//! [`HostError`] numbers, guest memory is addresses that are checked and copied with fault fix-up, and running guest
//! code is one function that returns a reason, [`enter`].
//!
//! | module | what |
//! |---|---|
//! | [`cpu`] | `enter(&mut Context) -> Trap`: registers in and out, the entry assembly |
//! | [`context`] | a task's CPU state: what is saved, what is live in the CPU |
//! | [`fast`] | the way in without a signal, for patched sites |
//! | [`border`] | from the guest's FS to the host's, where the host is called |
//! | [`signals`] | the host signal handler: whatever arrives, decided by instruction pointer |
//! | [`own`] | llano's own code under a debugger: the parked vCPU, breakpoints in the kernel, the debugger's table |
//! | [`registers`] [`suspect`] [`panicked`] | llano's own registers; what may be looked at when it crashed, and what it meant to say |
//! | [`patch`] | guest `syscall` instructions rewritten to jumps |
//! | [`intercept`] | how guest `syscall` instructions become traps: SUD or a seccomp filter |
//! | [`usermem`] | fault-safe copies from and to guest memory |
//! | [`peek`] [`watch`] [`fence`] | memory as a debugger sees it; stores to it that trap, by the CPU's watches and by page protection |
//! | [`space`] | the guest's address space: one reservation, pages mapped into it |
//! | [`overlay`] | several address spaces at the same addresses: fork, and programs linked to fixed ones |
//! | [`shared`] | memory shared with other threads: the trace ring |
//! | [`pool`] | RAM that files and shared maps are made of: one sparse memfd |
//! | [`clock`] | time, the tick, the deadline timer |
//! | [`bell`] [`requests`] | idle waiting (one epoll), the doorbell; requests from other threads |
//! | [`host`] [`host_meta`] [`host_dir`] | host files: contents, what is known of them, directories |
//! | [`host_watch`] | noticing changes of the host's directories |
//! | [`host_stream`] | standard input, output and error when they are no terminal |
//! | [`term`] | the host terminal: raw mode, always restored |
//! | [`heap`] | the vCPU's own allocator |
//! | [`journal`] | lines on their way to the kernel's log |
//! | [`memfn`] | `memcpy` and friends without vector registers |
//! | `gdb_script` | what gdb loads with the executable |

pub mod bell;
pub mod border;
mod chunks;
pub mod clock;
pub mod context;
pub mod cpu;
mod extents;
pub mod fast;
pub mod fence;
mod gdb_script;
pub mod heap;
pub mod host;
pub mod host_dir;
pub mod host_meta;
pub mod host_stream;
pub mod host_watch;
pub mod intercept;
pub mod journal;
pub mod memfn;
pub mod overlay;
pub mod own;
pub mod panicked;
pub mod patch;
pub mod peek;
pub mod pool;
pub mod registers;
pub mod requests;
pub mod shared;
pub mod signals;
pub mod space;
pub mod suspect;
pub mod term;
pub mod usermem;
mod vector;
pub mod watch;

pub use border::on_host;
pub use context::Context;
pub use cpu::{Fault, Trap, enter};
pub use heap::on_vcpu;

/// An error number of the host, as `errno` gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostError(pub i32);

impl HostError {
    /// The calling thread's `errno`.
    pub(crate) fn last() -> HostError {
        // SAFETY: `__errno_location` always returns the calling thread's valid, aligned errno cell.
        HostError(unsafe { *libc::__errno_location() })
    }
}

impl core::fmt::Display for HostError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", std::io::Error::from_raw_os_error(self.0))
    }
}

/// `-1` of a libc call becomes the error, anything else the value.
pub(crate) fn check(r: i64) -> Result<i64, HostError> {
    if r == -1 { Err(HostError::last()) } else { Ok(r) }
}

/// The page size; llano runs on x86-64 only, where it is fixed.
pub const PAGE: usize = 4096;
