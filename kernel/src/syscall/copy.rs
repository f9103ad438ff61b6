//! Copying from one descriptor to another without the program: sendfile(2), copy_file_range(2).

use super::Args;
use super::rw::{broken_pipe, drop_privileges, too_large, wait_for};
use crate::error::{Errno, Result, SysResult};
use crate::fs::file::{File, Positions, Seek, oflag};
use crate::fs::inode::mode;
use crate::fs::path::same_file;
use crate::kernel::Kernel;
use crate::task::process::rlimit;
use crate::user::{self, Dst, Src};
use crate::wait::{Tid, Why, poll};
use alloc::rc::Rc;
use alloc::vec;

/// How much goes through the kernel at a time.
const CHUNK: usize = 65536;
/// The most that one call moves (MAX_RW_COUNT).
const MOST: usize = 0x7fff_f000;

/// Two open files, the one to read and the one to write.
fn pair(k: &Kernel, t: Tid, from: i32, to: i32) -> Result<(Rc<File>, Rc<File>)> {
    let (from, to) = (k.file(t, from)?, k.file(t, to)?);
    if from.readable() && to.writable() { Ok((from, to)) } else { Err(Errno::EBADF) }
}

/// An offset in guest memory, or the file's own.
fn position(addr: u64, file: &File) -> Result<u64> {
    if addr == 0 {
        return Ok(file.pos.get());
    }
    u64::try_from(user::get::<i64>(addr)?).map_err(|_| Errno::EINVAL)
}

fn set_position(addr: u64, file: &File, to: u64) -> Result<()> {
    if addr == 0 {
        file.pos.set(to);
        return Ok(());
    }
    user::put(addr, &to)
}

/// sendfile(2).
pub fn sys_sendfile(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (out_fd, offset, count) = (a.i32(0), a.u64(2), a.usize(3).min(MOST));
    let (from, to) = pair(k, t, a.i32(1), out_fd)?;
    if from.positions() == Positions::Directory || to.flags.get() & oflag::APPEND != 0 {
        return Err(Errno::EINVAL.into());
    }
    if from.positions() == Positions::Stream {
        return Err(if offset != 0 { Errno::ESPIPE } else { Errno::EINVAL }.into());
    }
    let start = position(offset, &from)?;
    let room = match to.positions() {
        Positions::Bytes => k.limit(t, rlimit::FSIZE).saturating_sub(to.pos.get()),
        _ => u64::MAX,
    };
    if room == 0 && count > 0 {
        return too_large(k, t);
    }
    let count = count.min(room as usize);
    let mut done = 0;
    let mut buf = vec![0; CHUNK.min(count)];
    while done < count {
        let want = buf.len().min(count - done);
        let n = match from.ops().read(&from, &mut Dst::Kernel(&mut buf[..want], 0), start + done as u64) {
            Ok(n) => n,
            Err(_) if done > 0 => break,
            Err(e) => return Err(e.into()),
        };
        if n == 0 {
            break;
        }
        match to.ops().write(&to, &mut Src::Kernel(&buf[..n]), to.pos.get()) {
            Ok(written) => {
                done += written;
                if to.positions() == Positions::Bytes {
                    to.pos.set(to.pos.get() + written as u64);
                }
            }
            Err(_) if done > 0 => break,
            Err(Errno::EAGAIN) if !to.nonblocking() => {
                return Err(wait_for(&to, poll::OUT, Why::Write(out_fd))?.into());
            }
            Err(e) => {
                if e == Errno::EPIPE {
                    broken_pipe(k, t);
                }
                return Err(e.into());
            }
        }
    }
    set_position(offset, &from, start + done as u64)?;
    Ok(done as i64)
}

/// copy_file_range(2).
pub fn sys_copy_file_range(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (from_at, to_at, count) = (a.u64(1), a.u64(3), a.usize(4).min(MOST));
    if a.u32(5) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let (from, to) = (k.file(t, a.i32(0))?, k.file(t, a.i32(2))?);
    if from.is_path() || to.is_path() {
        return Err(Errno::EBADF.into());
    }
    let (Some(from_path), Some(to_path)) = (&from.path, &to.path) else { return Err(Errno::EINVAL.into()) };
    let kinds = [from_path.inode().attr()?.kind(), to_path.inode().attr()?.kind()];
    if kinds.contains(&mode::DIR) {
        return Err(Errno::EISDIR.into());
    }
    if kinds != [mode::REG; 2] {
        return Err(Errno::EINVAL.into());
    }
    if !from.readable() || !to.writable() || to.flags.get() & oflag::APPEND != 0 {
        return Err(Errno::EBADF.into());
    }
    let (start, to_start) = (position(from_at, &from)?, position(to_at, &to)?);
    let size = match from.ops().seek() {
        Seek::Bytes(size) => size,
        _ => 0,
    };
    let mut count = (count as u64).min(size.saturating_sub(start));
    if same_file(from_path.inode(), to_path.inode()) && start < to_start + count && to_start < start + count {
        return Err(Errno::EINVAL.into());
    }
    let limit = k.limit(t, rlimit::FSIZE);
    if count > 0 && to_start >= limit {
        return too_large(k, t);
    }
    count = count.min(limit - to_start.min(limit));
    let mut done = 0;
    let mut buf = vec![0; CHUNK.min(count as usize)];
    while done < count {
        let want = buf.len().min((count - done) as usize);
        let read = from.ops().read(&from, &mut Dst::Kernel(&mut buf[..want], 0), start + done);
        let written = match read {
            Ok(0) => break,
            Ok(n) => to.ops().write(&to, &mut Src::Kernel(&buf[..n]), to_start + done),
            Err(e) => Err(e),
        };
        match written {
            Ok(n) => done += n as u64,
            Err(_) if done > 0 => break,
            Err(e) => return Err(e.into()),
        }
    }
    set_position(from_at, &from, start + done)?;
    set_position(to_at, &to, to_start + done)?;
    if done > 0 {
        drop_privileges(k, t, &to);
    }
    Ok(done as i64)
}
