//! pipe(2).

use super::Args;
use crate::error::{Errno, SysResult};
use crate::fs::file::{File, oflag};
use crate::ipc::pipe::{Pipe, PipeEnd};
use crate::kernel::Kernel;
use crate::user;
use crate::wait::Tid;

fn new_pipe(k: &mut Kernel, t: Tid, addr: u64, flags: u32) -> SysResult {
    if flags & !(oflag::CLOEXEC | oflag::NONBLOCK | oflag::DIRECT) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let cloexec = flags & oflag::CLOEXEC != 0;
    let status = flags & (oflag::NONBLOCK | oflag::DIRECT);
    let (read, write) = Pipe::pair(&k.env);
    let read = File::new(read, oflag::RDONLY | status, None);
    if let Some(end) = read.downcast::<PipeEnd>() {
        let cred = &k.task(t).cred;
        end.pipe().owner.set((cred.fsuid, cred.fsgid));
    }
    let read = k.install(t, read, cloexec)?;
    let write = k.install(t, File::new(write, oflag::WRONLY | status, None), cloexec);
    let result = write.and_then(|write| user::put(addr, &[read, write]));
    if let Err(e) = result {
        let mut files = k.task(t).files.borrow_mut();
        let made = [files.remove(read), write.and_then(|fd| files.remove(fd))];
        drop(files);
        drop(made);
        return Err(e.into());
    }
    Ok(0)
}

/// pipe(2).
pub fn sys_pipe(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    new_pipe(k, t, a.u64(0), 0)
}

/// pipe2(2).
pub fn sys_pipe2(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    new_pipe(k, t, a.u64(0), a.u32(1))
}
