//! Scheduling: policies and priorities, which are kept and reported (there is one CPU, and all tasks share it alike).

use super::Args;
use crate::error::{Errno, Result, SysResult};
use crate::kernel::Kernel;
use crate::task::Task;
use crate::task::process::rlimit;
use crate::user;
use crate::wait::Tid;
use alloc::vec::Vec;
use zerocopy::{FromBytes, Immutable, IntoBytes};

const RESET_ON_FORK: i32 = 0x4000_0000;
const DEADLINE: i32 = 6;

/// sched_yield(2).
pub fn sys_sched_yield(k: &mut Kernel, _: Tid, _: &Args) -> SysResult {
    k.sched.resched = true;
    Ok(0)
}

fn sched_target(k: &Kernel, t: Tid, pid: i32) -> Result<Tid> {
    match pid {
        p if p < 0 => Err(Errno::EINVAL),
        0 => Ok(t),
        p => k.tables.task(p).map(|x| x.tid).ok_or(Errno::ESRCH),
    }
}

/// sched_getaffinity(2): one CPU.
pub fn sys_sched_getaffinity(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if a.usize(1) < 8 || !a.usize(1).is_multiple_of(8) {
        return Err(Errno::EINVAL.into());
    }
    // A negative number is nobody here, not nonsense: programs try larger masks for ever on EINVAL.
    sched_target(k, t, a.i32(0)).map_err(|_| Errno::ESRCH)?;
    user::put(a.u64(2), &1u64)?;
    Ok(8)
}

/// sched_setaffinity(2): the mask must contain the one CPU.
pub fn sys_sched_setaffinity(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let first = if a.usize(1) == 0 { 0 } else { user::get::<u8>(a.u64(2))? };
    sched_target(k, t, a.i32(0)).map_err(|_| Errno::ESRCH)?;
    if first & 1 == 0 { Err(Errno::EINVAL.into()) } else { Ok(0) }
}

/// Priorities of a policy, lowest and highest; `EINVAL` if there is no such policy.
fn priorities(policy: i32) -> Result<(i32, i32)> {
    match policy {
        1 | 2 => Ok((1, 99)),
        0 | 3 | 5 | 6 => Ok((0, 0)),
        _ => Err(Errno::EINVAL),
    }
}

/// sched_get_priority_max(2).
pub fn sys_sched_get_priority_max(_: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    Ok(priorities(a.i32(0))?.1.into())
}

/// sched_get_priority_min(2).
pub fn sys_sched_get_priority_min(_: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    Ok(priorities(a.i32(0))?.0.into())
}

/// Whether the caller may change how the task is scheduled: its user's own tasks, or all for root.
fn may_schedule(k: &Kernel, t: Tid, target: Tid) -> Result<()> {
    let (me, you) = (&k.task(t).cred, &k.task(target).cred);
    if me.privileged() || me.euid == you.uid || me.euid == you.euid { Ok(()) } else { Err(Errno::EPERM) }
}

fn set_policy(k: &mut Kernel, t: Tid, target: Tid, policy: i32, priority: i32) -> Result<()> {
    let (lo, hi) = priorities(policy & !RESET_ON_FORK)?;
    // A deadline is a promise of time that is not kept here.
    if !(lo..=hi).contains(&priority) || policy & !RESET_ON_FORK == DEADLINE {
        return Err(Errno::EINVAL);
    }
    if hi > 0 && !k.task(t).cred.privileged() && k.limit(t, rlimit::RTPRIO) < priority as u64 {
        return Err(Errno::EPERM);
    }
    may_schedule(k, t, target)?;
    let task = k.task_mut(target);
    task.policy = (policy & !RESET_ON_FORK, priority);
    task.settings.reset_on_fork = policy & RESET_ON_FORK != 0;
    Ok(())
}

/// sched_setscheduler(2).
pub fn sys_sched_setscheduler(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let target = sched_target(k, t, a.i32(0))?;
    let priority = user::get::<i32>(a.u64(2))?;
    set_policy(k, t, target, a.i32(1), priority)?;
    Ok(0)
}

/// sched_getscheduler(2).
pub fn sys_sched_getscheduler(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let target = sched_target(k, t, a.i32(0))?;
    let task = k.task(target);
    let reset = if task.settings.reset_on_fork { RESET_ON_FORK } else { 0 };
    Ok((task.policy.0 | reset).into())
}

/// sched_setparam(2).
pub fn sys_sched_setparam(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let target = sched_target(k, t, a.i32(0))?;
    let priority = user::get::<i32>(a.u64(1))?;
    let task = k.task(target);
    let reset = if task.settings.reset_on_fork { RESET_ON_FORK } else { 0 };
    set_policy(k, t, target, task.policy.0 | reset, priority)?;
    Ok(0)
}

/// sched_getparam(2).
pub fn sys_sched_getparam(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let target = sched_target(k, t, a.i32(0))?;
    user::put(a.u64(1), &k.task(target).policy.1)?;
    Ok(0)
}

/// `struct sched_attr` (sched_setattr(2)), version 1.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable)]
struct SchedAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    /// Runtime, deadline and period, ns.
    deadline: [u64; 3],
    /// Utilization hints, least and most.
    utilization: [u32; 2],
}

const ATTR_VER0: usize = 48;
const ATTR_RESET_ON_FORK: u64 = 1;

/// sched_getattr(2).
pub fn sys_sched_getattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let size = a.u32(2) as usize;
    if a.u64(1) == 0 || a.u32(3) != 0 || !(ATTR_VER0..=4096).contains(&size) {
        return Err(Errno::EINVAL.into());
    }
    let task = k.task(sched_target(k, t, a.i32(0))?);
    let known = size.min(size_of::<SchedAttr>());
    let attr = SchedAttr {
        size: known as u32,
        policy: task.policy.0 as u32,
        flags: if task.settings.reset_on_fork { ATTR_RESET_ON_FORK } else { 0 },
        nice: if task.policy.1 == 0 { task.nice } else { 0 },
        priority: task.policy.1 as u32,
        ..SchedAttr::default()
    };
    user::put_bytes(a.u64(1), &attr.as_bytes()[..known])?;
    Ok(0)
}

/// sched_setattr(2).
pub fn sys_sched_setattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if a.u64(1) == 0 || a.u32(2) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let size = match user::get::<u32>(a.u64(1))? as usize {
        0 => ATTR_VER0,
        n => n,
    };
    if !(ATTR_VER0..=4096).contains(&size) {
        user::put(a.u64(1), &(size_of::<SchedAttr>() as u32))?;
        return Err(Errno::E2BIG.into());
    }
    let raw = user::bytes(a.u64(1), size)?;
    let known = size.min(size_of::<SchedAttr>());
    if raw[known..].iter().any(|b| *b != 0) {
        user::put(a.u64(1), &(size_of::<SchedAttr>() as u32))?;
        return Err(Errno::E2BIG.into());
    }
    let mut attr = SchedAttr::default();
    attr.as_mut_bytes()[..known].copy_from_slice(&raw[..known]);
    // What keeps parts of the old policy, and utilization hints, nobody here could follow.
    if attr.policy as i32 & RESET_ON_FORK != 0
        || (attr.policy as i32) < 0
        || attr.flags & !ATTR_RESET_ON_FORK != 0
    {
        return Err(Errno::EINVAL.into());
    }
    let target = sched_target(k, t, a.i32(0))?;
    let reset = if attr.flags & ATTR_RESET_ON_FORK != 0 { RESET_ON_FORK } else { 0 };
    let nice = attr.nice.clamp(-20, 19);
    if attr.priority == 0 && !may_renice(k, t, target, nice) {
        return Err(Errno::EPERM.into());
    }
    set_policy(k, t, target, attr.policy as i32 | reset, attr.priority as i32)?;
    if attr.priority == 0 {
        k.task_mut(target).nice = nice;
    }
    Ok(0)
}

/// sched_rr_get_interval(2).
pub fn sys_sched_rr_get_interval(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    sched_target(k, t, a.i32(0))?;
    user::put(a.u64(1), &crate::time::Timespec::from_ns(llano_machine::clock::TICK_NS))?;
    Ok(0)
}

fn priority_targets(k: &Kernel, t: Tid, which: i32, who: i32) -> Result<Vec<Tid>> {
    let me = k.task(t);
    let uid = if who == 0 { me.cred.uid } else { who as u32 };
    let pgid = if who == 0 { k.process_of(t).pgid } else { who };
    let hit = |x: &&crate::task::Task| match which {
        0 => x.tid == if who == 0 { t } else { who },
        1 => k.tables.process(x.pid).is_some_and(|p| p.pgid == pgid),
        _ => x.cred.uid == uid,
    };
    if !(0..3).contains(&which) {
        return Err(Errno::EINVAL);
    }
    let tids: Vec<Tid> = k.tables.tasks().filter(hit).map(|x| x.tid).collect();
    if tids.is_empty() { Err(Errno::ESRCH) } else { Ok(tids) }
}

/// getpriority(2): 20 minus the nice value, so that errors stay negative.
pub fn sys_getpriority(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let tids = priority_targets(k, t, a.i32(0), a.i32(1))?;
    let nice = tids.iter().map(|x| k.task(*x).nice).min().unwrap_or(0);
    Ok((20 - nice).into())
}

/// Whether the caller may give the task this nice value: a lower one within RLIMIT_NICE only.
fn may_renice(k: &Kernel, t: Tid, target: Tid, nice: i32) -> bool {
    let floor = 20 - k.limit(t, rlimit::NICE).min(40) as i32;
    nice >= k.task(target).nice || nice >= floor || k.task(t).cred.privileged()
}

/// setpriority(2).
pub fn sys_setpriority(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let nice = a.i32(2).clamp(-20, 19);
    for tid in priority_targets(k, t, a.i32(0), a.i32(1))? {
        may_schedule(k, t, tid)?;
        if !may_renice(k, t, tid, nice) {
            return Err(Errno::EACCES.into());
        }
        k.task_mut(tid).nice = nice;
    }
    Ok(0)
}

/// What ioprio_set(2) and ioprio_get(2) call a process, a group and a user, as getpriority(2) numbers them.
fn io_targets(k: &Kernel, t: Tid, a: &Args) -> Result<Vec<Tid>> {
    match a.i32(0) {
        which @ 1..=3 => priority_targets(k, t, which - 1, a.i32(1)),
        _ => Err(Errno::EINVAL),
    }
}

const IO_CLASS_SHIFT: u16 = 13;

/// ioprio_get(2): the best of the tasks named.
pub fn sys_ioprio_get(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let all = io_targets(k, t, a)?;
    if a.i32(0) == 1 {
        return Ok(k.task(all[0]).settings.io_priority.into());
    }
    let effective = |task: &Task| match task.settings.io_priority {
        0 => 2 << IO_CLASS_SHIFT | ((task.nice + 20) / 5) as u16,
        set => set,
    };
    Ok(all.iter().map(|tid| effective(k.task(*tid))).min().unwrap_or(0).into())
}

/// ioprio_set(2): kept and reported; the host orders what reaches its disks.
pub fn sys_ioprio_set(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const LEVEL: i32 = (1 << IO_CLASS_SHIFT) - 1;
    let (class, level) = (a.i32(2) >> IO_CLASS_SHIFT, a.i32(2) & LEVEL);
    match class {
        0 if level == 0 => {}
        1 if !k.task(t).cred.privileged() => return Err(Errno::EPERM.into()),
        1 | 2 if level & 7 == level => {}
        3 => {}
        _ => return Err(Errno::EINVAL.into()),
    }
    for tid in io_targets(k, t, a)? {
        may_schedule(k, t, tid)?;
        k.task_mut(tid).settings.io_priority = a.i32(2) as u16;
    }
    Ok(0)
}
