//! How a guest's `syscall` instruction becomes a trap, wherever it is: libc, dlopen'ed code, JIT output.
//!
//! Both ways let llano's own text through by instruction pointer, so nothing has to be switched between guest and kernel.

use crate::signals::text_range;
use crate::{HostError, check};
use core::sync::atomic::AtomicU8;
use std::sync::OnceLock;

/// The interception mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Syscall User Dispatch (Linux 5.11, `Documentation/admin-guide/syscall-user-dispatch.rst`).
    Sud,
    /// A seccomp filter on the instruction pointer.
    Seccomp,
}

impl Mode {
    /// The name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Sud => "sud",
            Mode::Seccomp => "seccomp",
        }
    }
}

const SELECTOR_BLOCK: u8 = 1;
static SELECTOR: AtomicU8 = AtomicU8::new(SELECTOR_BLOCK);
static ACTIVE: OnceLock<Mode> = OnceLock::new();

/// Starts interception on the calling thread.
///
/// # Errors
/// What the host said: EINVAL from SUD means a kernel before 5.11 or a debugger such as rr in the way.
pub fn start(mode: Mode) -> Result<(), HostError> {
    match mode {
        Mode::Sud => start_sud(),
        Mode::Seccomp => start_seccomp(),
    }?;
    let _ = ACTIVE.set(mode);
    Ok(())
}

/// The mode that was started.
pub fn active() -> Option<Mode> {
    ACTIVE.get().copied()
}

fn start_sud() -> Result<(), HostError> {
    const PR_SET_SYSCALL_USER_DISPATCH: i32 = 59;
    const PR_SYS_DISPATCH_ON: u64 = 1;
    let text = text_range();
    let selector = SELECTOR.as_ptr() as u64;
    // SAFETY: the selector byte is a static; the range is llano's own text, which holds the handler's rt_sigreturn.
    let r = unsafe {
        libc::prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, text.start, text.end - text.start, selector)
    };
    check(r.into()).map(|_| ())
}

fn start_seccomp() -> Result<(), HostError> {
    const IP_LOW: u32 = 8;
    const IP_HIGH: u32 = 12;
    let text = text_range();
    let stmt = |code: u32, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
    let jump = |code: u32, k: u32, jt: u8, jf: u8| libc::sock_filter { code: code as u16, jt, jf, k };
    let (ld, jeq, jge) = (
        libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K,
    );
    let ret = libc::BPF_RET | libc::BPF_K;
    // The text is a few megabytes; it may cross a 4 GiB boundary only if the loader is very unlucky.
    if text.start >> 32 != text.end >> 32 {
        return Err(HostError(libc::ERANGE));
    }
    let mut program = [
        stmt(ld, IP_HIGH),
        jump(jeq, (text.start >> 32) as u32, 0, 4),
        stmt(ld, IP_LOW),
        jump(jge, text.start as u32, 0, 2),
        jump(jge, text.end as u32, 1, 0),
        stmt(ret, libc::SECCOMP_RET_ALLOW),
        stmt(ret, libc::SECCOMP_RET_TRAP),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: prctl copies the filter; no_new_privs takes rights away from this process only.
    unsafe {
        check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).into())?;
        check(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter).into())?;
    }
    Ok(())
}
