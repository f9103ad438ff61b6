//! Signal calls: sigaction, masks, kill and its relatives, waiting for signals, alternate stacks.

use super::Args;
use crate::error::{Errno, Fail, Result, SysResult};
use crate::kernel::Kernel;
use crate::signal::{self, frame, may_signal, send_to_group, send_to_process, send_to_task};
use crate::sigstate::{SigAction, SigInfo, SigSet, code, sig};
use crate::task::AltStack;
use crate::time::Timespec;
use crate::user;
use crate::wait::{OnSignal, Tid, Wait, Why};
use llano_machine::clock;
use llano_machine::cpu::reg;

const SIG_BLOCK: i32 = 0;
const SIG_UNBLOCK: i32 = 1;
const SIG_SETMASK: i32 = 2;
const MINSIGSTKSZ: u64 = 2048;

fn signo(n: i32) -> Result<i32> {
    if (1..=sig::MAX).contains(&n) { Ok(n) } else { Err(Errno::EINVAL) }
}

/// Reads a signal set of the size rt_* calls demand.
pub fn sigset(addr: u64, size: usize) -> Result<SigSet> {
    if size != 8 {
        return Err(Errno::EINVAL);
    }
    Ok(SigSet(user::get::<u64>(addr)? & !SigSet::UNBLOCKABLE.0))
}

/// rt_sigaction(2).
pub fn sys_rt_sigaction(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let n = signo(a.i32(0))?;
    if a.usize(3) != 8 {
        return Err(Errno::EINVAL.into());
    }
    let new = user::get_opt::<SigAction>(a.u64(1))?;
    if new.is_some() && SigSet::UNBLOCKABLE.has(n) {
        return Err(Errno::EINVAL.into());
    }
    let hand = &k.task(t).sighand;
    user::put_opt(a.u64(2), hand.borrow().get(n))?;
    let Some(mut action) = new else { return Ok(0) };
    action.mask &= !SigSet::UNBLOCKABLE.0;
    *hand.borrow_mut().get_mut(n) = action;
    let ignored = action.handler == crate::sigstate::SIG_IGN
        || action.handler == crate::sigstate::SIG_DFL && signal::default_action(n) == signal::Default::Ignore;
    if ignored {
        // POSIX: what is pending is discarded when a signal becomes ignored.
        k.process_of_mut(t).pending.discard(SigSet::of(n));
        for thread in k.process_of(t).threads.clone() {
            k.task_mut(thread).pending.discard(SigSet::of(n));
        }
    }
    Ok(0)
}

/// rt_sigprocmask(2).
pub fn sys_rt_sigprocmask(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if a.usize(3) != 8 {
        return Err(Errno::EINVAL.into());
    }
    let old = k.task(t).sigmask;
    if a.u64(1) != 0 {
        let set = sigset(a.u64(1), 8)?;
        let new = match a.i32(0) {
            SIG_BLOCK => SigSet(old.0 | set.0),
            SIG_UNBLOCK => SigSet(old.0 & !set.0),
            SIG_SETMASK => set,
            _ => return Err(Errno::EINVAL.into()),
        };
        let task = k.task_mut(t);
        task.sigmask = new;
        task.attention = true;
    }
    user::put_opt(a.u64(2), &old.0)?;
    Ok(0)
}

/// rt_sigpending(2).
pub fn sys_rt_sigpending(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if a.usize(1) > 8 {
        return Err(Errno::EINVAL.into());
    }
    let task = k.task(t);
    let set = (task.pending.set.0 | k.process_of(t).pending.set.0) & task.sigmask.0;
    user::put_bytes(a.u64(0), &set.to_le_bytes()[..a.usize(1)])?;
    Ok(0)
}

/// rt_sigsuspend(2).
pub fn sys_rt_sigsuspend(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if k.task(t).saved_sigmask.is_none() {
        let set = sigset(a.u64(0), a.usize(1))?;
        let task = k.task_mut(t);
        task.saved_sigmask = Some(task.sigmask);
        task.sigmask = set;
        task.attention = true;
    }
    Err(Wait::new(Why::Signal).signals(OnSignal::Interrupt).into())
}

/// pause(2).
pub fn sys_pause(_: &mut Kernel, _: Tid, _: &Args) -> SysResult {
    Err(Wait::new(Why::Signal).signals(OnSignal::Interrupt).into())
}

/// rt_sigtimedwait(2).
pub fn sys_rt_sigtimedwait(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let set = sigset(a.u64(0), a.usize(3))?;
    if k.task(t).progress.deadline.is_none()
        && let Some(ts) = user::get_opt::<Timespec>(a.u64(2))?
    {
        let ns = ts.ns()?;
        let now = k.refresh_now();
        k.task_mut(t).progress.deadline = Some(now.saturating_add(ns));
    }
    if let Some(info) = signal::deliver::take(k, t, set) {
        user::put_opt(a.u64(1), &info)?;
        return Ok(info.signo.into());
    }
    let task = k.task_mut(t);
    let deadline = task.progress.deadline;
    if task.progress.timed_out || deadline.is_some_and(|d| d <= k.env.now.get()) {
        return Err(Errno::EAGAIN.into());
    }
    k.task_mut(t).progress.sigwait = set;
    Err(Wait::new(Why::Signal).until(deadline).signals(OnSignal::Interrupt).into())
}

/// rt_sigreturn(2).
pub fn sys_rt_sigreturn(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    let task = k.task_mut(t);
    task.attention = true;
    if frame::pop(task).is_err() {
        signal::deliver::force(k, t, SigInfo::new(sig::SEGV, code::SI_KERNEL));
    }
    if k.trace.on() {
        let regs = k.task(t).ctx.regs();
        let (sp, ip) = (regs.regs[reg::RSP], regs.rip);
        k.trace.signal_returned(clock::tsc(), t as u32, sp, ip);
    }
    Err(Fail::NoReturn)
}

/// sigaltstack(2).
pub fn sys_sigaltstack(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const SS_ONSTACK: i32 = 1;
    const SS_DISABLE: i32 = 2;
    const SS_AUTODISARM: i32 = 1 << 31;
    let task = k.task(t);
    let (alt, sp) = (task.altstack, task.ctx.regs().regs[reg::RSP]);
    let flags = frame::altstack_flags(&alt, sp);
    if let Some([new_sp, new_flags, size]) = user::get_opt::<[u64; 3]>(a.u64(0))? {
        if frame::on_altstack(&alt, sp) {
            return Err(Errno::EPERM.into());
        }
        let mode = new_flags as i32 & !SS_AUTODISARM;
        if mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE {
            return Err(Errno::EINVAL.into());
        }
        let keep = new_flags as i32 & SS_AUTODISARM;
        let new = if mode == SS_DISABLE {
            AltStack::default()
        } else if size < MINSIGSTKSZ {
            return Err(Errno::ENOMEM.into());
        } else {
            AltStack { sp: new_sp, flags: keep, size }
        };
        k.task_mut(t).altstack = new;
    }
    user::put_opt(a.u64(1), &[alt.sp, u64::from(flags as u32), alt.size])?;
    Ok(0)
}

/// What kill and its relatives send: from the caller.
fn from_caller(k: &Kernel, t: Tid, n: i32, code: i32) -> SigInfo {
    SigInfo::from_process(n, code, k.task(t).pid, k.task(t).cred.uid)
}

/// kill(2).
pub fn sys_kill(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (pid, n) = (a.i32(0), a.i32(1));
    if n != 0 {
        signo(n)?;
    }
    let info = from_caller(k, t, n, code::SI_USER);
    match pid {
        p if p > 0 => to_process(k, t, p, n, info)?,
        0 => send_to_group(k, Some(t), k.process_of(t).pgid, n, info)?,
        -1 => to_all(k, t, n, info)?,
        i32::MIN => return Err(Errno::ESRCH.into()),
        p => send_to_group(k, Some(t), -p, n, info)?,
    }
    Ok(0)
}

fn to_process(k: &mut Kernel, t: Tid, pid: i32, n: i32, info: SigInfo) -> Result<()> {
    // A thread's number names its process, as on Linux.
    let pid = k.tables.task(pid).map_or(pid, |task| task.pid);
    k.process(pid)?;
    if !may_signal(k, t, pid, n) {
        return Err(Errno::EPERM);
    }
    if n != 0 {
        send_to_process(k, pid, info);
    }
    Ok(())
}

fn to_all(k: &mut Kernel, t: Tid, n: i32, info: SigInfo) -> Result<()> {
    let me = k.task(t).pid;
    let targets: alloc::vec::Vec<i32> =
        k.tables.processes().map(|p| p.pid).filter(|p| *p != me && *p != 1).collect();
    let allowed: alloc::vec::Vec<i32> = targets.into_iter().filter(|p| may_signal(k, t, *p, n)).collect();
    if allowed.is_empty() {
        return Err(Errno::ESRCH);
    }
    for pid in allowed {
        if n != 0 {
            send_to_process(k, pid, info);
        }
    }
    Ok(())
}

fn to_thread(k: &mut Kernel, t: Tid, tgid: Option<i32>, tid: i32, n: i32, info: SigInfo) -> Result<()> {
    if tid <= 0 || tgid.is_some_and(|g| g <= 0) {
        return Err(Errno::EINVAL);
    }
    if n != 0 {
        signo(n)?;
    }
    let pid = k.tables.task(tid).ok_or(Errno::ESRCH)?.pid;
    if tgid.is_some_and(|g| g != pid) {
        return Err(Errno::ESRCH);
    }
    if !may_signal(k, t, pid, n) {
        return Err(Errno::EPERM);
    }
    if n != 0 {
        send_to_task(k, tid, info);
    }
    Ok(())
}

/// tkill(2).
pub fn sys_tkill(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let info = from_caller(k, t, a.i32(1), code::SI_TKILL);
    to_thread(k, t, None, a.i32(0), a.i32(1), info)?;
    Ok(0)
}

/// tgkill(2).
pub fn sys_tgkill(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let info = from_caller(k, t, a.i32(2), code::SI_TKILL);
    to_thread(k, t, Some(a.i32(0)), a.i32(1), a.i32(2), info)?;
    Ok(0)
}

/// A siginfo from user space may not look like the kernel's, except to oneself.
fn checked_info(k: &Kernel, t: Tid, addr: u64, n: i32, target: i32) -> Result<SigInfo> {
    let mut info = user::get::<SigInfo>(addr)?;
    info.signo = n;
    let foreign = k.task(t).pid != k.tables.task(target).map_or(target, |x| x.pid);
    if foreign && (info.code >= 0 || info.code == code::SI_TKILL) {
        return Err(Errno::EPERM);
    }
    signal::queue_limit(k, t)?;
    Ok(info)
}

/// rt_sigqueueinfo(2).
pub fn sys_rt_sigqueueinfo(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let info = checked_info(k, t, a.u64(2), a.i32(1), a.i32(0))?;
    if a.i32(1) != 0 {
        signo(a.i32(1))?;
    }
    to_process(k, t, a.i32(0), a.i32(1), info)?;
    Ok(0)
}

/// rt_tgsigqueueinfo(2).
pub fn sys_rt_tgsigqueueinfo(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let info = checked_info(k, t, a.u64(3), a.i32(2), a.i32(0))?;
    to_thread(k, t, Some(a.i32(0)), a.i32(1), a.i32(2), info)?;
    Ok(0)
}
