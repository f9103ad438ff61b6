//! splice(2), tee(2), vmsplice(2): from and to pipes without the program. The bytes are copied.

use super::Args;
use super::rw::{broken_pipe, wait_for};
use crate::error::{Errno, Result, SysResult};
use crate::fs::file::{File, Positions, oflag};
use crate::ipc::pipe::{Pipe, PipeEnd};
use crate::kernel::Kernel;
use crate::user::{self, Dst, Src, UserIov};
use crate::wait::{Tid, Why, poll};
use alloc::rc::Rc;
use alloc::vec;

const NONBLOCK: u32 = 2;
/// SPLICE_F_MOVE, NONBLOCK, MORE, GIFT.
const KNOWN: u32 = 0xf;
/// How much goes through the kernel at a time.
const CHUNK: usize = 65536;

fn pipe_of(file: &File) -> Option<&Rc<Pipe>> {
    file.downcast::<PipeEnd>().map(PipeEnd::pipe)
}

/// One side of a splice: a pipe, or a file that is read or written at an offset or where it stands.
struct Side {
    fd: i32,
    file: Rc<File>,
    /// Where the program keeps the offset, or 0.
    offset_addr: u64,
    at: u64,
}

impl Side {
    fn new(k: &Kernel, t: Tid, fd: i32, offset_addr: u64) -> Result<Side> {
        let file = k.file(t, fd)?;
        let mut at = file.pos.get();
        if offset_addr != 0 {
            if pipe_of(&file).is_some() {
                return Err(Errno::ESPIPE);
            }
            at = u64::try_from(user::get::<i64>(offset_addr)?).map_err(|_| Errno::EINVAL)?;
            if file.positions() == Positions::Stream {
                return Err(Errno::ESPIPE);
            }
        }
        Ok(Side { fd, file, offset_addr, at })
    }

    /// Notes that `n` bytes were moved.
    fn moved(&self, n: usize) -> Result<()> {
        let to = self.at + n as u64;
        if self.offset_addr != 0 {
            return user::put(self.offset_addr, &to);
        }
        if self.file.positions() == Positions::Bytes {
            self.file.pos.set(to);
        }
        Ok(())
    }

    /// "Not now": waits, unless this call or the file does not block.
    fn not_now(&self, flags: u32, events: u32) -> SysResult {
        if flags & NONBLOCK != 0 || self.file.nonblocking() {
            return Err(Errno::EAGAIN.into());
        }
        let why = if events == poll::IN { Why::Read(self.fd) } else { Why::Write(self.fd) };
        Err(wait_for(&self.file, events, why)?.into())
    }
}

/// splice(2).
pub fn sys_splice(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (len, flags) = (a.usize(4), a.u32(5));
    if len == 0 {
        return Ok(0);
    }
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL.into());
    }
    let (from, to) = (Side::new(k, t, a.i32(0), a.u64(1))?, Side::new(k, t, a.i32(2), a.u64(3))?);
    if !from.file.readable() || !to.file.writable() {
        return Err(Errno::EBADF.into());
    }
    let same = match (pipe_of(&from.file), pipe_of(&to.file)) {
        (None, None) => true,
        (Some(from), Some(to)) => Rc::ptr_eq(from, to),
        _ => false,
    };
    if same || to.file.flags.get() & oflag::APPEND != 0 {
        return Err(Errno::EINVAL.into());
    }
    let mut buf = vec![0; len.min(CHUNK)];
    let mut done = 0;
    while done < len {
        let want = buf.len().min(len - done);
        let moved = step(k, t, &from, &to, &mut buf[..want], done, flags);
        match moved {
            Ok(0) => break,
            Ok(n) => done += n as usize,
            Err(_) if done > 0 => break,
            Err(e) => return Err(e),
        }
        // What is in the pipe now is what the caller gets; it does not wait for more.
        if from.file.downcast::<PipeEnd>().is_none() && from.file.positions() == Positions::Stream {
            break;
        }
    }
    from.moved(done)?;
    to.moved(done)?;
    Ok(done as i64)
}

/// Moves what fits into `buf`, `done` bytes behind where both sides were.
fn step(
    k: &mut Kernel,
    t: Tid,
    from: &Side,
    to: &Side,
    buf: &mut [u8],
    done: usize,
    flags: u32,
) -> SysResult {
    let mut want = buf.len();
    if let Some(pipe) = pipe_of(&to.file) {
        if !pipe.has_readers() {
            broken_pipe(k, t);
            return Err(Errno::EPIPE.into());
        }
        want = want.min(pipe.room());
        if want == 0 {
            return to.not_now(flags, poll::OUT);
        }
    }
    let dst = &mut Dst::Kernel(&mut buf[..want], 0);
    let source = pipe_of(&from.file);
    let read = match source {
        Some(pipe) if pipe.is_empty() && !pipe.has_writers() => Ok(0),
        Some(pipe) if pipe.is_empty() => Err(Errno::EAGAIN),
        Some(pipe) => pipe.peek(dst, 0),
        None => from.file.ops().read(&from.file, dst, from.at + done as u64),
    };
    let n = match read {
        Ok(0) => return Ok(0),
        Ok(n) => n,
        Err(Errno::EAGAIN) => return from.not_now(flags, poll::IN),
        Err(e) => return Err(e.into()),
    };
    match to.file.ops().write(&to.file, &mut Src::Kernel(&buf[..n]), to.at + done as u64) {
        Ok(written) => {
            if let Some(pipe) = source {
                pipe.discard(written);
            }
            Ok(written as i64)
        }
        Err(Errno::EAGAIN) => to.not_now(flags, poll::OUT),
        Err(e) => {
            if e == Errno::EPIPE {
                broken_pipe(k, t);
            }
            Err(e.into())
        }
    }
}

/// tee(2).
pub fn sys_tee(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (len, flags) = (a.usize(2), a.u32(3));
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL.into());
    }
    if len == 0 {
        return Ok(0);
    }
    let (from, to) = (Side::new(k, t, a.i32(0), 0)?, Side::new(k, t, a.i32(1), 0)?);
    if !from.file.readable() || !to.file.writable() {
        return Err(Errno::EBADF.into());
    }
    let (Some(source), Some(sink)) = (pipe_of(&from.file), pipe_of(&to.file)) else {
        return Err(Errno::EINVAL.into());
    };
    if Rc::ptr_eq(source, sink) {
        return Err(Errno::EINVAL.into());
    }
    if source.is_empty() {
        return if source.has_writers() { from.not_now(flags, poll::IN) } else { Ok(0) };
    }
    if !sink.has_readers() {
        broken_pipe(k, t);
        return Err(Errno::EPIPE.into());
    }
    let want = len.min(source.len()).min(sink.room());
    if want == 0 {
        return to.not_now(flags, poll::OUT);
    }
    let mut buf = vec![0; want];
    let n = source.peek(&mut Dst::Kernel(&mut buf, 0), 0)?;
    let written = to.file.ops().write(&to.file, &mut Src::Kernel(&buf[..n]), 0)?;
    Ok(written as i64)
}

/// vmsplice(2).
pub fn sys_vmsplice(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let flags = a.u32(3);
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL.into());
    }
    let side = Side::new(k, t, a.i32(0), 0)?;
    if pipe_of(&side.file).is_none() {
        return Err(Errno::EBADF.into());
    }
    let mut iov = UserIov::from_iovecs(a.u64(1), a.usize(2))?;
    if iov.left() == 0 {
        return Ok(0);
    }
    let (result, events) = if side.file.writable() {
        (side.file.ops().write(&side.file, &mut Src::User(&mut iov), 0), poll::OUT)
    } else {
        (side.file.ops().read(&side.file, &mut Dst::User(&mut iov), 0), poll::IN)
    };
    match result {
        Ok(n) => Ok(n as i64),
        Err(Errno::EAGAIN) => side.not_now(flags, events),
        Err(e) => {
            if e == Errno::EPIPE {
                broken_pipe(k, t);
            }
            Err(e.into())
        }
    }
}
