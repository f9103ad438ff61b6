//! eventfd(2) and signalfd(2).

use super::Args;
use crate::error::{Errno, Result, SysResult};
use crate::fs::file::{File, oflag};
use crate::ipc::eventfd::{EventFd, Take};
use crate::ipc::signalfd::SignalFd;
use crate::kernel::Kernel;
use crate::sigstate::{SigInfo, SigSet, code, sig};
use crate::user::{self, Dst};
use crate::wait::{Tid, Why, poll};
use alloc::boxed::Box;
use alloc::rc::Rc;
use llano_abi::poll::SignalfdSiginfo;
use zerocopy::{FromZeros, IntoBytes};

const SEMAPHORE: u32 = 1;
const COMMON: u32 = oflag::CLOEXEC | oflag::NONBLOCK;

fn new_eventfd(k: &mut Kernel, t: Tid, count: u32, flags: u32) -> SysResult {
    if flags & !(COMMON | SEMAPHORE) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let take = if flags & SEMAPHORE != 0 { Take::One } else { Take::All };
    let event = EventFd::new(&k.env, count, take);
    let file = File::new(Box::new(event), oflag::RDWR | flags & oflag::NONBLOCK, None);
    Ok(k.install(t, file, flags & oflag::CLOEXEC != 0)?.into())
}

/// eventfd(2), as it was without flags.
pub fn sys_eventfd(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    new_eventfd(k, t, a.u32(0), 0)
}

/// eventfd2(2).
pub fn sys_eventfd2(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    new_eventfd(k, t, a.u32(0), a.u32(1))
}

fn do_signalfd(k: &mut Kernel, t: Tid, a: &Args, flags: u32) -> SysResult {
    if flags & !COMMON != 0 || a.usize(2) != 8 {
        return Err(Errno::EINVAL.into());
    }
    let mask = SigSet(user::get::<u64>(a.u64(1))? & !SigSet::UNBLOCKABLE.0);
    let fd = a.i32(0);
    if fd != -1 {
        let file = k.file(t, fd)?;
        file.downcast::<SignalFd>().ok_or(Errno::EINVAL)?.mask.set(mask);
        k.env.ipc.signal_sent();
        return Ok(fd.into());
    }
    let signals = SignalFd::new(&k.env, mask);
    let file = File::new(Box::new(signals), oflag::RDWR | flags & oflag::NONBLOCK, None);
    Ok(k.install(t, file, flags & oflag::CLOEXEC != 0)?.into())
}

/// signalfd(2), as it was without flags.
pub fn sys_signalfd(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    do_signalfd(k, t, a, 0)
}

/// signalfd4(2).
pub fn sys_signalfd4(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    do_signalfd(k, t, a, a.u32(3))
}

/// The poll bits of a signalfd for task `t`.
pub fn signals_ready(k: &Kernel, t: Tid, signals: &SignalFd) -> u32 {
    let pending = k.task(t).pending.set.0 | k.process_of(t).pending.set.0;
    if pending & signals.mask.get().0 != 0 { poll::IN } else { 0 }
}

/// A read from a signalfd: takes signals from the calling task's queues, as many as fit.
///
/// # Errors
/// `EINVAL`: no room for one; `EAGAIN`.
pub fn read_signals(k: &mut Kernel, t: Tid, fd: i32, file: &Rc<File>, dst: &mut Dst<'_>) -> SysResult {
    const SIZE: usize = size_of::<SignalfdSiginfo>();
    let mask = file.downcast::<SignalFd>().ok_or(Errno::EINVAL)?.mask.get();
    if dst.left() < SIZE {
        return Err(Errno::EINVAL.into());
    }
    let mut done = 0;
    while dst.left() >= SIZE {
        let Some(info) = crate::signal::deliver::take(k, t, mask) else { break };
        put_all(dst, &describe(&info))?;
        done += SIZE;
    }
    if done > 0 {
        return Ok(done as i64);
    }
    super::rw::blocking(k, t, file, poll::IN, Why::Read(fd), |_| Err(Errno::EAGAIN))
}

fn put_all(dst: &mut Dst<'_>, info: &SignalfdSiginfo) -> Result<()> {
    let bytes = info.as_bytes();
    if dst.put(bytes)? == bytes.len() { Ok(()) } else { Err(Errno::EFAULT) }
}

/// What the siginfo's union holds depends on where the signal comes from.
fn describe(info: &SigInfo) -> SignalfdSiginfo {
    let mut out = SignalfdSiginfo::new_zeroed();
    (out.signo, out.errno, out.code) = (info.signo as u32, info.errno, info.code);
    let fault = matches!(info.signo, sig::SEGV | sig::BUS | sig::ILL | sig::FPE | sig::TRAP);
    match info.code {
        code::SI_TIMER => {
            (out.tid, out.overrun) = (info.fields[0] as u32, (info.fields[0] >> 32) as u32);
            (out.int, out.ptr) = (info.value() as i32, info.value());
        }
        c if c > 0 && fault => out.addr = info.fields[0],
        c if c > 0 && info.signo == sig::CHLD => {
            (out.pid, out.uid, out.status) = (info.pid() as u32, info.uid(), info.fields[1] as i32);
            (out.utime, out.stime) = (info.fields[2], info.fields[3]);
        }
        c => {
            (out.pid, out.uid) = (info.pid() as u32, info.uid());
            if c < 0 && c != code::SI_TKILL {
                (out.int, out.ptr) = (info.value() as i32, info.value());
            }
        }
    }
    out
}
