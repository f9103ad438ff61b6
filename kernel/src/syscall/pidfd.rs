//! pidfd_open(2), pidfd_send_signal(2): processes by descriptor.

use super::Args;
use crate::error::{Errno, Result, SysResult};
use crate::fs::file::{File, oflag};
use crate::ipc::pidfd::PidFd;
use crate::kernel::Kernel;
use crate::signal::{may_signal, send_to_process};
use crate::sigstate::{SigInfo, code, sig};
use crate::task::Pid;
use crate::user;
use crate::wait::Tid;
use alloc::boxed::Box;
use alloc::rc::Rc;

/// pidfd_open(2).
pub fn sys_pidfd_open(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (pid, flags) = (a.i32(0), a.u32(1));
    if pid <= 0 || flags & !oflag::NONBLOCK != 0 {
        return Err(Errno::EINVAL.into());
    }
    if k.tables.process(pid).is_none() {
        // A thread that is no leader has a number, but is no process.
        return Err(if k.tables.task(pid).is_some() { Errno::EINVAL } else { Errno::ESRCH }.into());
    }
    open(k, t, pid, flags).map(i64::from).map_err(Into::into)
}

/// A new descriptor of `t` for the process `pid`.
pub fn open(k: &mut Kernel, t: Tid, pid: Pid, flags: u32) -> Result<i32> {
    let end = k.process(pid)?.end.clone();
    let file = File::new(Box::new(PidFd { pid, end }), oflag::RDWR | flags, None);
    k.install(t, file, true)
}

/// The process behind a pidfd; `ESRCH` once it was reaped.
///
/// # Errors
/// `EBADF` if the descriptor is none.
pub fn process(k: &Kernel, t: Tid, fd: i32) -> Result<Pid> {
    let file = k.file(t, fd)?;
    let pidfd = file.downcast::<PidFd>().ok_or(Errno::EBADF)?;
    let same = k.process(pidfd.pid).is_ok_and(|p| Rc::ptr_eq(&p.end, &pidfd.end));
    if same { Ok(pidfd.pid) } else { Err(Errno::ESRCH) }
}

/// pidfd_send_signal(2).
pub fn sys_pidfd_send_signal(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (fd, signo) = (a.i32(0), a.i32(1));
    if a.u32(3) != 0 || !(0..=sig::MAX).contains(&signo) {
        return Err(Errno::EINVAL.into());
    }
    let pid = process(k, t, fd)?;
    let me = (k.task(t).pid, k.task(t).cred.uid);
    let info = match user::get_opt::<SigInfo>(a.u64(2))? {
        None => SigInfo::from_process(signo, code::SI_USER, me.0, me.1),
        Some(info) if info.signo != signo => return Err(Errno::EINVAL.into()),
        Some(info) if pid != me.0 && (info.code >= 0 || info.code == code::SI_TKILL) => {
            return Err(Errno::EPERM.into());
        }
        Some(info) => info,
    };
    if !may_signal(k, t, pid, signo) {
        return Err(Errno::EPERM.into());
    }
    if signo != 0 {
        send_to_process(k, pid, info);
    }
    Ok(0)
}
