//! Why a system call did not simply succeed: an error number, or a reason to wait.

use crate::wait::Wait;
use alloc::boxed::Box;
pub use llano_abi::errno::Errno;
use llano_machine::{HostError, usermem::BadAddress};

/// The result of nouns: they fail with an error number; "would block" is `EAGAIN`, and the caller decides to wait.
pub type Result<T, E = Errno> = core::result::Result<T, E>;

/// How a system call that did not finish goes on.
#[derive(Debug)]
pub enum Fail {
    /// The call is over, with this error.
    Err(Errno),
    /// The task sleeps until something happens, then the call is invoked again.
    Wait(Box<Wait>),
    /// A signal interrupted the call before it did anything; restart it or end with `EINTR` as the handler's flags
    /// say (Linux's ERESTARTSYS).
    Interrupted,
    /// The task's registers are as they shall be: no result is stored (`execve`, `rt_sigreturn`, `exit`).
    NoReturn,
}

impl From<Errno> for Fail {
    fn from(e: Errno) -> Fail {
        Fail::Err(e)
    }
}

impl From<Wait> for Fail {
    fn from(w: Wait) -> Fail {
        Fail::Wait(Box::new(w))
    }
}

/// The result of a system call's handler.
pub type SysResult = core::result::Result<i64, Fail>;

/// Converts a host error: the numbers are the same.
pub fn host(e: HostError) -> Errno {
    Errno::from_raw(e.0)
}

/// A bad guest address is `EFAULT`.
pub fn fault(_: BadAddress) -> Errno {
    Errno::EFAULT
}
