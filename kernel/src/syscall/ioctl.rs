//! ioctl(2): what every descriptor knows, what terminals know of tasks, and the rest by the file itself.

use super::Args;
use crate::error::{Errno, SysResult};
use crate::fs::file::{Seek, oflag};
use crate::kernel::Kernel;
use crate::tty::TtyFile;
use crate::user;
use crate::wait::Tid;

const FIONCLEX: u32 = 0x5450;
const FIOCLEX: u32 = 0x5451;
const FIONBIO: u32 = 0x5421;
const FIOASYNC: u32 = 0x5452;
const FIONREAD: u32 = 0x541b;

/// ioctl(2).
pub fn sys_ioctl(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (fd, cmd, arg) = (a.i32(0), a.u32(1), a.u64(2));
    let file = k.file(t, fd)?;
    if file.is_path() {
        return Err(Errno::EBADF.into());
    }
    match cmd {
        FIOCLEX | FIONCLEX => {
            k.task(t).files.borrow_mut().fd_mut(fd)?.cloexec = cmd == FIOCLEX;
            return Ok(0);
        }
        FIONBIO | FIOASYNC => {
            let on = user::get::<i32>(arg)? != 0;
            let bit = if cmd == FIONBIO { oflag::NONBLOCK } else { oflag::ASYNC };
            let flags = file.flags.get();
            file.flags.set(if on { flags | bit } else { flags & !bit });
            return Ok(0);
        }
        _ => {}
    }
    if let Some(tty) = file.downcast::<TtyFile>() {
        return super::tty::terminal_ioctl(k, t, &file, tty, cmd, arg);
    }
    if cmd == FIONREAD
        && let Seek::Bytes(size) = file.ops().seek()
    {
        let left = size.saturating_sub(file.pos.get()).min(i32::MAX as u64) as i32;
        user::put(arg, &left)?;
        return Ok(0);
    }
    Ok(file.ops().ioctl(&file, cmd, arg)?)
}
