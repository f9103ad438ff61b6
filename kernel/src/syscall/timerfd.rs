//! timerfd_create(2), timerfd_settime(2), timerfd_gettime(2).

use super::Args;
use crate::error::{Errno, Result, SysResult};
use crate::fs::file::{File, oflag};
use crate::ipc::timerfd::{Base, Setting, Timer, TimerFd};
use crate::kernel::Kernel;
use crate::time::Timespec;
use crate::user;
use crate::wait::Tid;
use alloc::boxed::Box;
use alloc::rc::Rc;

const CLOCK_REALTIME: i32 = 0;
const CLOCK_MONOTONIC: i32 = 1;
const CLOCK_BOOTTIME: i32 = 7;
const CLOCK_REALTIME_ALARM: i32 = 8;
const CLOCK_BOOTTIME_ALARM: i32 = 9;

const ABSTIME: u32 = 1;
const CANCEL_ON_SET: u32 = 2;

/// timerfd_create(2).
pub fn sys_timerfd_create(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (clock, flags) = (a.i32(0), a.u32(1));
    if flags & !(oflag::CLOEXEC | oflag::NONBLOCK) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let base = match clock {
        CLOCK_REALTIME | CLOCK_REALTIME_ALARM => Base::Realtime,
        CLOCK_MONOTONIC | CLOCK_BOOTTIME | CLOCK_BOOTTIME_ALARM => Base::Monotonic,
        _ => return Err(Errno::EINVAL.into()),
    };
    if matches!(clock, CLOCK_REALTIME_ALARM | CLOCK_BOOTTIME_ALARM) && !k.task(t).cred.privileged() {
        return Err(Errno::EPERM.into());
    }
    let timer = TimerFd::new(&k.env, base);
    let file = File::new(Box::new(timer), oflag::RDWR | flags & oflag::NONBLOCK, None);
    Ok(k.install(t, file, flags & oflag::CLOEXEC != 0)?.into())
}

fn timer(k: &Kernel, t: Tid, fd: i32) -> Result<Rc<Timer>> {
    Ok(k.file(t, fd)?.downcast::<TimerFd>().ok_or(Errno::EINVAL)?.0.clone())
}

fn put(addr: u64, setting: &Setting) -> Result<()> {
    user::put(addr, &[Timespec::from_ns(setting.interval), Timespec::from_ns(setting.value)])
}

/// timerfd_settime(2).
pub fn sys_timerfd_settime(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let flags = a.u32(1);
    let [interval, value]: [Timespec; 2] = user::get(a.u64(2))?;
    let (interval, value) = (interval.ns(), value.ns());
    if flags & !(ABSTIME | CANCEL_ON_SET) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let setting = Setting {
        value: value?,
        interval: interval?,
        absolute: flags & ABSTIME != 0,
        cancel_on_set: flags & CANCEL_ON_SET != 0,
    };
    let timer = timer(k, t, a.i32(0))?;
    k.refresh_now();
    let old = timer.set(setting);
    k.arm_deadline();
    if a.u64(3) != 0 {
        put(a.u64(3), &old)?;
    }
    Ok(0)
}

/// timerfd_gettime(2).
pub fn sys_timerfd_gettime(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let timer = timer(k, t, a.i32(0))?;
    k.refresh_now();
    put(a.u64(1), &timer.get())?;
    Ok(0)
}
