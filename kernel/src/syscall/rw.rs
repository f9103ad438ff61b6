//! read(2), write(2) and their relatives; lseek(2).

use super::Args;
use super::eventfd;
use super::inotify;
use super::message;
use super::tty;
use crate::error::{Errno, Result, SysResult};
use crate::fs::file::{File, Piece, Positions, Seek, oflag};
use crate::fs::inode::{SetAttr, mode};
use crate::ipc::eventfd::EventFd;
use crate::ipc::inotify::bits;
use crate::ipc::signalfd::SignalFd;
use crate::ipc::unix::SocketFile;
use crate::kernel::Kernel;
use crate::signal;
use crate::sigstate::{SigInfo, code, sig};
use crate::task::process::{UNLIMITED, rlimit};
use crate::tty::{TtyFile, Wish};
use crate::user::{Dst, Src, UserIov};
use crate::wait::{OnSignal, Tid, Wait, Why, poll};
use alloc::rc::Rc;

/// Flags of preadv2(2) and pwritev2(2).
mod rwf {
    pub(super) const HIPRI: u32 = 1;
    pub(super) const DSYNC: u32 = 2;
    pub(super) const SYNC: u32 = 4;
    pub(super) const NOWAIT: u32 = 8;
    pub(super) const APPEND: u32 = 0x10;
    pub(super) const KNOWN: u32 = HIPRI | DSYNC | SYNC | NOWAIT | APPEND;
}

/// Where a call reads or writes, and how.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// An offset of its own (pread), or the file's position.
    at: Option<u64>,
    flags: u32,
}

const HERE: Place = Place { at: None, flags: 0 };

/// Runs `f`, and waits if it says `EAGAIN` for a file that blocks: until one of `events` comes, a receive or send
/// timeout of the file's is over, or a signal arrives.
///
/// # Errors
/// What `f` says; `EAGAIN` after the timeout.
pub fn blocking(
    k: &mut Kernel,
    t: Tid,
    file: &Rc<File>,
    events: u32,
    why: Why,
    f: impl FnOnce(&File) -> Result<i64>,
) -> SysResult {
    match f(file) {
        Err(Errno::EAGAIN) if !file.nonblocking() => {
            let timeout = file.ops().timeout_ns(events);
            let now = k.now();
            let progress = &mut k.task_mut(t).progress;
            if progress.timed_out {
                return Err(Errno::EAGAIN.into());
            }
            let deadline = timeout.map(|ns| *progress.deadline.get_or_insert(now.saturating_add(ns)));
            Err(wait_for(file, events, why)?.until(deadline).into())
        }
        result => Ok(result?),
    }
}

/// A wait for `events` of a file.
///
/// # Errors
/// `EAGAIN` if the file has nothing to wait on.
pub fn wait_for(file: &File, events: u32, why: Why) -> Result<Wait> {
    let queue = file.ops().queue(file, events).ok_or(Errno::EAGAIN)?;
    // A timeout of the file's own is not started again by a handler's SA_RESTART (signal(7)).
    let timed = file.ops().timeout_ns(events).is_some();
    let on_signal = if timed { OnSignal::Interrupt } else { OnSignal::Restart };
    Ok(Wait::new(why).on(&queue, events).signals(on_signal))
}

/// The file to transfer bytes from or to, and where its next byte is. What has no offsets says so to those who name one
/// even if they may not transfer at all.
fn opened(k: &Kernel, t: Tid, fd: i32, place: Place) -> Result<(Rc<File>, u64)> {
    let file = k.file(t, fd)?;
    if file.is_path() {
        return Err(Errno::EBADF);
    }
    let at = match place.at {
        Some(_) if file.positions() == Positions::Stream => return Err(Errno::ESPIPE),
        Some(at) => at,
        None => file.pos.get(),
    };
    Ok((file, at))
}

fn moved(file: &File, place: Place, at: u64) {
    if place.at.is_none() && matches!(file.positions(), Positions::Bytes | Positions::Directory) {
        file.pos.set(at);
    }
}

fn read(k: &mut Kernel, t: Tid, fd: i32, iov: Result<UserIov>, place: Place) -> SysResult {
    let (file, at) = opened(k, t, fd, place)?;
    if !file.readable() {
        return Err(Errno::EBADF.into());
    }
    let mut iov = iov?;
    if iov.left() == 0 && file.positions() != Positions::Directory {
        return Ok(0);
    }
    let terminal = file.downcast::<TtyFile>();
    if let Some(terminal) = terminal {
        tty::may(k, t, terminal, Wish::Read)?;
    }
    let mut dst = Dst::User(&mut iov);
    match file.ops().read(&file, &mut dst, at) {
        Ok(n) => {
            moved(&file, place, at + n as u64);
            if n > 0 && file.positions() == Positions::Bytes {
                inotify::tell_file(k, &file, bits::ACCESS);
            }
            Ok(n as i64)
        }
        // Which signals wait is known to the task alone.
        Err(Errno::EAGAIN) if file.downcast::<SignalFd>().is_some() => {
            eventfd::read_signals(k, t, fd, &file, &mut dst)
        }
        Err(Errno::EAGAIN) if !file.nonblocking() && place.flags & rwf::NOWAIT == 0 => match terminal {
            Some(terminal) if k.task(t).progress.timed_out => Ok(terminal.read_anything(&mut dst)? as i64),
            Some(terminal) => {
                let deadline = tty::read_deadline(k, t, terminal);
                Err(wait_for(&file, poll::IN, Why::Read(fd))?.until(deadline).into())
            }
            None => blocking(k, t, &file, poll::IN, Why::Read(fd), |_| Err(Errno::EAGAIN)),
        },
        Err(e) => Err(e.into()),
    }
}

fn write(k: &mut Kernel, t: Tid, fd: i32, iov: Result<UserIov>, place: Place) -> SysResult {
    let (file, mut at) = opened(k, t, fd, place)?;
    if !file.writable() {
        return Err(Errno::EBADF.into());
    }
    let mut iov = iov?;
    let append = file.flags.get() & oflag::APPEND != 0 || place.flags & rwf::APPEND != 0;
    if file.positions() == Positions::Bytes {
        if append && let Seek::Bytes(size) = file.ops().seek() {
            at = size;
        }
        if file_limit(k, t, at, &mut iov).is_err() {
            return too_large(k, t);
        }
        if iov.left() == 0 {
            return Ok(0);
        }
        let mut src = Src::User(&mut iov);
        let n = file.ops().write(&file, &mut src, at)?;
        moved(&file, place, at + n as u64);
        drop_privileges(k, t, &file);
        inotify::tell_file(k, &file, bits::MODIFY);
        return Ok(n as i64);
    }
    if let Some(terminal) = file.downcast::<TtyFile>() {
        tty::may(k, t, terminal, Wish::Write)?;
    }
    if let Some(socket) = file.downcast::<SocketFile>() {
        socket.0.writer.set(message::sender(k, t));
    }
    let mut done = k.task(t).progress.done;
    iov.advance(done);
    while iov.left() > 0 || done == 0 {
        let left = iov.left();
        match file.ops().write(&file, &mut Src::User(&mut iov), at) {
            Ok(n) => {
                done += n;
                // One write of an eventfd adds one number, however long the buffer is.
                if n == left || n == 0 || file.downcast::<EventFd>().is_some() {
                    break;
                }
            }
            Err(Errno::EAGAIN) if done > 0 && (file.nonblocking() || place.flags & rwf::NOWAIT != 0) => break,
            Err(Errno::EAGAIN) if place.flags & rwf::NOWAIT == 0 => {
                if done > 0 && (k.task(t).progress.timed_out || k.task(t).progress.interrupted) {
                    break;
                }
                k.task_mut(t).progress.done = done;
                return blocking(k, t, &file, poll::OUT, Why::Write(fd), |_| Err(Errno::EAGAIN));
            }
            Err(Errno::EPIPE) => {
                broken_pipe(k, t);
                if done == 0 {
                    return Err(Errno::EPIPE.into());
                }
                break;
            }
            Err(_) if done > 0 => break,
            Err(e) => return Err(e.into()),
        }
    }
    Ok(done as i64)
}

/// The signal that goes with `EPIPE`.
pub fn broken_pipe(k: &mut Kernel, t: Tid) {
    let (pid, uid) = (k.task(t).pid, k.task(t).cred.uid);
    signal::send_to_task(k, t, SigInfo::from_process(sig::PIPE, code::SI_USER, pid, uid));
}

/// The signal that goes with a file larger than RLIMIT_FSIZE.
pub fn too_large(k: &mut Kernel, t: Tid) -> SysResult {
    signal::send_to_task(k, t, SigInfo::new(sig::XFSZ, code::SI_KERNEL));
    Err(Errno::EFBIG.into())
}

/// Cuts a write to what RLIMIT_FSIZE and the largest offset allow.
fn file_limit(k: &Kernel, t: Tid, at: u64, iov: &mut UserIov) -> Result<()> {
    let limit = k.limit(t, rlimit::FSIZE).min(i64::MAX as u64);
    if limit >= UNLIMITED >> 1 && at + (iov.left() as u64) < limit {
        return Ok(());
    }
    if at >= limit && iov.left() > 0 {
        return Err(Errno::EFBIG);
    }
    iov.truncate((limit - at.min(limit)) as usize);
    Ok(())
}

/// A write by someone without privilege takes set-user-id and set-group-id away from a program.
pub fn drop_privileges(k: &Kernel, t: Tid, file: &File) {
    let now = k.mounts.privileges();
    let cred = &k.task(t).cred;
    if cred.privileged() || file.plain_since.replace(now) == now {
        return;
    }
    let Some(path) = &file.path else { return };
    if let Ok(attr) = path.inode().attr() {
        let kept = super::attr::without_privileges(&attr, cred);
        if attr.kind() == mode::REG && kept != attr.mode {
            // The write itself has succeeded; what the filesystem cannot store stays as it is.
            let _ = path.inode().set_attr(&SetAttr { mode: Some(kept & 0o7777), ..SetAttr::default() });
        }
    }
}

/// read(2).
pub fn sys_read(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    read(k, t, a.i32(0), UserIov::single(a.u64(1), a.usize(2)), HERE)
}

/// write(2).
pub fn sys_write(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    write(k, t, a.i32(0), UserIov::single(a.u64(1), a.usize(2)), HERE)
}

/// readv(2).
pub fn sys_readv(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    read(k, t, a.i32(0), UserIov::from_iovecs(a.u64(1), a.usize(2)), HERE)
}

/// writev(2).
pub fn sys_writev(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    write(k, t, a.i32(0), UserIov::from_iovecs(a.u64(1), a.usize(2)), HERE)
}

/// An offset argument; `EINVAL` if negative.
fn offset(a: &Args, i: usize) -> Result<Place> {
    match u64::try_from(a.i64(i)) {
        Ok(at) => Ok(Place { at: Some(at), flags: 0 }),
        Err(_) => Err(Errno::EINVAL),
    }
}

/// pread64(2).
pub fn sys_pread64(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    read(k, t, a.i32(0), UserIov::single(a.u64(1), a.usize(2)), offset(a, 3)?)
}

/// pwrite64(2).
pub fn sys_pwrite64(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    write(k, t, a.i32(0), UserIov::single(a.u64(1), a.usize(2)), offset(a, 3)?)
}

/// preadv(2).
pub fn sys_preadv(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    read(k, t, a.i32(0), UserIov::from_iovecs(a.u64(1), a.usize(2)), offset(a, 3)?)
}

/// pwritev(2).
pub fn sys_pwritev(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    write(k, t, a.i32(0), UserIov::from_iovecs(a.u64(1), a.usize(2)), offset(a, 3)?)
}

/// Offset and flags of the calls with a 2: -1 is the file's position.
fn place2(a: &Args) -> Result<Place> {
    let flags = a.u32(5);
    if flags & !rwf::KNOWN != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    match a.i64(3) {
        -1 => Ok(Place { at: None, flags }),
        _ => Ok(Place { flags, ..offset(a, 3)? }),
    }
}

/// preadv2(2).
pub fn sys_preadv2(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let place = place2(a)?;
    if place.flags & rwf::APPEND != 0 {
        return Err(Errno::EOPNOTSUPP.into());
    }
    read(k, t, a.i32(0), UserIov::from_iovecs(a.u64(1), a.usize(2)), place)
}

/// pwritev2(2).
pub fn sys_pwritev2(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let place = place2(a)?;
    let n = write(k, t, a.i32(0), UserIov::from_iovecs(a.u64(1), a.usize(2)), place)?;
    if place.flags & (rwf::DSYNC | rwf::SYNC) != 0
        && let Some(path) = &k.file(t, a.i32(0))?.path
    {
        path.inode().sync()?;
    }
    Ok(n)
}

/// lseek(2).
pub fn sys_lseek(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const SET: i32 = 0;
    const CUR: i32 = 1;
    const END: i32 = 2;
    const DATA: i32 = 3;
    const HOLE: i32 = 4;
    let file = k.file(t, a.i32(0))?;
    if file.is_path() {
        return Err(Errno::EBADF.into());
    }
    let (offset, whence) = (a.i64(1), a.i32(2));
    if !(SET..=HOLE).contains(&whence) {
        return Err(Errno::EINVAL.into());
    }
    let kind = file.ops().seek();
    let size = match kind {
        Seek::Stream => return Err(Errno::ESPIPE.into()),
        Seek::Ignored => return Ok(0),
        Seek::Bytes(size) => size as i64,
        _ => 0,
    };
    let to = match whence {
        SET => Some(offset),
        CUR => (file.pos.get() as i64).checked_add(offset),
        END if kind != Seek::Directory => size.checked_add(offset),
        DATA | HOLE if kind != Seek::Directory => {
            if offset < 0 || offset >= size {
                return Err(Errno::ENXIO.into());
            }
            let what = if whence == DATA { Piece::Data } else { Piece::Hole };
            Some(file.ops().next(what, offset as u64, size as u64)? as i64)
        }
        _ => return Err(Errno::EINVAL.into()),
    };
    match to {
        None => Err(Errno::EOVERFLOW.into()),
        Some(to) if to < 0 => Err(Errno::EINVAL.into()),
        Some(to) => {
            file.pos.set(to as u64);
            Ok(to)
        }
    }
}
