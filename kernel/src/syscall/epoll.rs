//! epoll(7): epoll_create, epoll_ctl, epoll_wait and their variants.

use super::Args;
use super::poll::{deadline, over, ready, swap_mask, waitable};
use crate::error::{Errno, Result, SysResult};
use crate::fs::file::{File, oflag};
use crate::ipc::epoll::{Epoll, Event};
use crate::kernel::Kernel;
use crate::time::Timespec;
use crate::user;
use crate::wait::{OnSignal, Tid, Wait, Why, poll};
use alloc::boxed::Box;
use alloc::rc::Rc;
use llano_abi::poll::EpollEvent;

/// Where programs' addresses end.
const TASK_SIZE: u64 = 0x7fff_ffff_f000;

const CTL_ADD: i32 = 1;
const CTL_DEL: i32 = 2;
const CTL_MOD: i32 = 3;

fn create(k: &mut Kernel, t: Tid, cloexec: bool) -> SysResult {
    let file = File::new(Box::new(Epoll::new(&k.env)), oflag::RDWR, None);
    Ok(k.install(t, file, cloexec)?.into())
}

/// epoll_create(2).
pub fn sys_epoll_create(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if a.i32(0) <= 0 {
        return Err(Errno::EINVAL.into());
    }
    create(k, t, false)
}

/// epoll_create1(2).
pub fn sys_epoll_create1(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if a.u32(0) & !oflag::CLOEXEC != 0 {
        return Err(Errno::EINVAL.into());
    }
    create(k, t, a.u32(0) != 0)
}

/// epoll_ctl(2).
pub fn sys_epoll_ctl(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (op, fd) = (a.i32(1), a.i32(2));
    let mut event = Event { events: 0, data: 0 };
    if op != CTL_DEL {
        let given: EpollEvent = user::get(a.u64(3))?;
        event = Event { events: given.events, data: given.data };
    }
    let this = waitable(k, t, a.i32(0))?;
    let file = waitable(k, t, fd)?;
    if file.ops().queue(&file, poll::IN).is_none() {
        return Err(Errno::EPERM.into());
    }
    let epoll = this.downcast::<Epoll>().filter(|_| !Rc::ptr_eq(&this, &file)).ok_or(Errno::EINVAL)?;
    let mut look = |file: &File| ready(k, t, file);
    match op {
        CTL_ADD => epoll.add(&this, fd, &file, event, &mut look)?,
        CTL_MOD => epoll.modify(fd, &file, event, &mut look)?,
        CTL_DEL => epoll.remove(fd, &file)?,
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(0)
}

fn wait(k: &mut Kernel, t: Tid, a: &Args, timeout_ns: Option<u64>) -> SysResult {
    const SIZE: usize = size_of::<EpollEvent>();
    let (events, max) = (a.u64(1), a.i32(2));
    if max <= 0 || max as usize > i32::MAX as usize / SIZE {
        return Err(Errno::EINVAL.into());
    }
    // Linux looks at the address before it knows whether it will write there, but only whether it is a program's.
    if events.saturating_add(max as u64 * SIZE as u64) > TASK_SIZE {
        return Err(Errno::EFAULT.into());
    }
    let file = waitable(k, t, a.i32(0))?;
    let epoll = file.downcast::<Epoll>().ok_or(Errno::EINVAL)?;
    let mut look = |file: &File| ready(k, t, file);
    let mut report = |i: usize, e: Event| {
        user::put(events + (i * SIZE) as u64, &EpollEvent { events: e.events, data: e.data })
    };
    let count = epoll.collect(max as usize, &mut look, &mut report)?;
    if count > 0 || timeout_ns == Some(0) && k.task(t).progress.deadline.is_none() {
        return Ok(count as i64);
    }
    let deadline = deadline(k, t, timeout_ns);
    if over(k, t, deadline) {
        return Ok(0);
    }
    let wait = Wait::new(Why::Poll).on(epoll.ready_queue(), poll::IN);
    Err(wait.until(deadline).signals(OnSignal::Interrupt).into())
}

fn milliseconds(a: &Args) -> Option<u64> {
    u64::try_from(a.i32(3)).ok().map(|ms| ms * 1_000_000)
}

/// epoll_wait(2).
pub fn sys_epoll_wait(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    wait(k, t, a, milliseconds(a))
}

/// epoll_pwait(2).
pub fn sys_epoll_pwait(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    swap_mask(k, t, a.u64(4), a.usize(5))?;
    wait(k, t, a, milliseconds(a))
}

/// epoll_pwait2(2).
pub fn sys_epoll_pwait2(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let timeout = user::get_opt::<Timespec>(a.u64(3))?;
    let timeout_ns: Result<Option<u64>> = timeout.map(|ts| ts.ns()).transpose();
    swap_mask(k, t, a.u64(4), a.usize(5))?;
    wait(k, t, a, timeout_ns?)
}
