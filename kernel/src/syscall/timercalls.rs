//! Interval timers (setitimer(2), alarm(2)) and POSIX timers (timer_create(2)).

use super::Args;
use super::times::{Clock, clock_of};
use crate::error::{Errno, Result, SysResult};
use crate::kernel::Kernel;
use crate::signal::{send_to_process, send_to_task};
use crate::sigstate::{SigInfo, code, sig};
use crate::time::{SECOND, Timespec, Timeval};
use crate::timers::{Due, Itimer, PosixTimer, next_period};
use crate::user;
use crate::wait::Tid;

const ITIMER_SIGNALS: [i32; 3] = [sig::ALRM, sig::VTALRM, sig::PROF];

impl Kernel {
    fn itimer_clock(&mut self, pid: i32, which: usize) -> u64 {
        if which == 0 { self.refresh_now() } else { self.process_cpu(pid) }
    }

    /// What is left and the period, as getitimer(2) tells.
    fn itimer_state(&mut self, t: Tid, which: usize) -> (u64, u64) {
        let pid = self.task(t).pid;
        let now = self.itimer_clock(pid, which);
        let timer = self.process_of(t).timers.interval[which];
        // An armed timer never shows zero.
        let left = if timer.at == 0 { 0 } else { timer.at.saturating_sub(now).max(1000) };
        (left, timer.interval)
    }

    fn set_itimer(&mut self, t: Tid, which: usize, value: u64, interval: u64) {
        let pid = self.task(t).pid;
        let now = self.itimer_clock(pid, which);
        if let Some(key) = self.process_of(t).timers.interval[which].key {
            self.timers.remove(key);
        }
        let mut timer = Itimer { at: 0, interval, key: None };
        if value != 0 {
            timer.at = now.saturating_add(value);
            if which == 0 {
                timer.key = Some(self.timers.add(timer.at, Due::Itimer(pid)));
                self.arm_deadline();
            }
        }
        self.process_of_mut(t).timers.interval[which] = timer;
    }

    /// ITIMER_REAL of a process is due.
    pub fn itimer_expired(&mut self, pid: i32) {
        let now = self.now();
        let Some(mut timer) = self.tables.process(pid).map(|p| p.timers.interval[0]) else { return };
        (timer.at, timer.key) = match timer.interval {
            0 => (0, None),
            interval => {
                let (at, _) = next_period(timer.at, interval, now);
                (at, Some(self.timers.add(at, Due::Itimer(pid))))
            }
        };
        if let Some(p) = self.tables.process_mut(pid) {
            p.timers.interval[0] = timer;
        }
        send_to_process(self, pid, SigInfo::new(sig::ALRM, code::SI_KERNEL));
    }

    /// Timers on CPU time, looked at with each tick of a task.
    pub fn cpu_timers(&mut self, tid: Tid) {
        let pid = self.task(tid).pid;
        if !self.process_of(tid).timers.counts_cpu() {
            return self.cpu_limit(pid);
        }
        let now = self.process_cpu(pid);
        for which in [1, 2] {
            let Some(p) = self.tables.process_mut(pid) else { return };
            let timer = &mut p.timers.interval[which];
            if timer.at == 0 || timer.at > now {
                continue;
            }
            timer.at = if timer.interval == 0 { 0 } else { next_period(timer.at, timer.interval, now).0 };
            send_to_process(self, pid, SigInfo::new(ITIMER_SIGNALS[which], code::SI_KERNEL));
        }
        let Some(p) = self.tables.process(pid) else { return };
        let posix: alloc::vec::Vec<PosixTimer> =
            p.timers.posix.iter().filter(|x| x.at != 0 && x.key.is_none()).copied().collect();
        for timer in posix {
            let Ok(clock) = clock_of(self, tid, timer.clock) else { continue };
            if self.clock_ns(clock) >= timer.at {
                self.posix_timer_expired(pid, timer.id);
            }
        }
        self.cpu_limit(pid);
    }

    /// RLIMIT_CPU: SIGXCPU at the soft limit and each second after it, SIGKILL at the hard one.
    fn cpu_limit(&mut self, pid: i32) {
        let Some(p) = self.tables.process(pid) else { return };
        let (soft, hard) = p.limits[crate::task::process::rlimit::CPU];
        if soft == u64::MAX {
            return;
        }
        let used = self.process_cpu(pid);
        let seconds = used / SECOND;
        if seconds >= hard {
            send_to_process(self, pid, SigInfo::new(sig::KILL, code::SI_KERNEL));
        } else if seconds >= soft && used % SECOND < llano_machine::clock::TICK_NS {
            send_to_process(self, pid, SigInfo::new(sig::XCPU, code::SI_KERNEL));
        }
    }

    /// A POSIX timer is due: its signal is sent, or counted as an overrun if the last one still waits.
    pub fn posix_timer_expired(&mut self, pid: i32, id: i32) {
        let Some(leader) = self.tables.process(pid).and_then(|p| p.threads.first().copied()) else { return };
        let Some(mut timer) = find(self, leader, id).ok().copied() else { return };
        let clock = clock_of(self, leader, timer.clock).unwrap_or(Clock::Monotonic);
        let cpu = matches!(clock, Clock::Process(_) | Clock::Thread(_));
        let now = if cpu { self.clock_ns(clock) } else { self.now() };
        let mut missed = 0;
        if timer.interval == 0 {
            timer.at = 0;
            timer.key = None;
        } else {
            (timer.at, missed) = next_period(timer.at, timer.interval, now);
            timer.key = (!cpu).then(|| self.timers.add(timer.at, Due::Posix(pid, id)));
        }
        const SIGEV_NONE: i32 = 1;
        const SIGEV_THREAD_ID: i32 = 4;
        let send = timer.notify != SIGEV_NONE && !timer.queued;
        if timer.queued {
            timer.pending_overrun = timer.pending_overrun.saturating_add(1 + missed as i32);
        } else {
            timer.pending_overrun = missed as i32;
        }
        timer.queued |= send;
        if let Ok(slot) = find_mut(self, leader, id) {
            *slot = timer;
        }
        if send {
            let mut info = SigInfo::new(timer.signo, code::SI_TIMER);
            info.fields[0] = u64::from(id as u32);
            info.fields[1] = timer.value;
            if timer.notify == SIGEV_THREAD_ID {
                send_to_task(self, timer.thread, info);
            } else {
                send_to_process(self, pid, info);
            }
        }
    }

    /// A signal was taken. If it is a timer's, the overruns since it was sent are its own, and `info` tells them.
    pub fn timer_signal_taken(&mut self, tid: Tid, info: &mut SigInfo) {
        if info.code != code::SI_TIMER {
            return;
        }
        let id = info.fields[0] as u32 as i32;
        if let Ok(timer) = find_mut(self, tid, id) {
            timer.queued = false;
            timer.overrun = core::mem::take(&mut timer.pending_overrun);
            info.fields[0] = u64::from(id as u32) | u64::from(timer.overrun as u32) << 32;
        }
    }

    /// All timers of a process end (exit).
    pub fn drop_timers(&mut self, pid: i32) {
        let Some(p) = self.tables.process_mut(pid) else { return };
        let timers = core::mem::take(&mut p.timers);
        let keys =
            timers.interval.iter().filter_map(|t| t.key).chain(timers.posix.iter().filter_map(|t| t.key));
        for key in keys {
            self.timers.remove(key);
        }
    }

    /// POSIX timers do not survive execve; interval timers do.
    pub fn drop_posix_timers(&mut self, tid: Tid) {
        let timers = core::mem::take(&mut self.process_of_mut(tid).timers.posix);
        for key in timers.iter().filter_map(|t| t.key) {
            self.timers.remove(key);
        }
    }
}

fn which(n: i32) -> Result<usize> {
    if (0..3).contains(&n) { Ok(n as usize) } else { Err(Errno::EINVAL) }
}

fn put_itimer(addr: u64, (left, interval): (u64, u64)) -> Result<()> {
    user::put_opt(
        addr,
        &[interval, left].map(|ns| {
            let t = Timeval::from_ns(ns);
            [t.sec, t.usec]
        }),
    )
}

/// getitimer(2).
pub fn sys_getitimer(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let state = k.itimer_state(t, which(a.i32(0))?);
    put_itimer(a.u64(1), state)?;
    Ok(0)
}

/// setitimer(2).
pub fn sys_setitimer(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let n = which(a.i32(0))?;
    let (value, interval) = match a.u64(1) {
        0 => (0, 0),
        at => {
            let [i, v] = user::get::<[[i64; 2]; 2]>(at)?.map(|[sec, usec]| Timeval { sec, usec });
            (v.ns()?, i.ns()?)
        }
    };
    let old = k.itimer_state(t, n);
    k.set_itimer(t, n, value, interval);
    put_itimer(a.u64(2), old)?;
    Ok(0)
}

/// alarm(2).
pub fn sys_alarm(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (left, _) = k.itimer_state(t, 0);
    k.set_itimer(t, 0, u64::from(a.u32(0)) * SECOND, 0);
    // Rounded to the nearest second, but never to zero while it is armed.
    Ok(if left == 0 { 0 } else { ((left + SECOND / 2) / SECOND).max(1) as i64 })
}

fn find(k: &Kernel, t: Tid, id: i32) -> Result<&PosixTimer> {
    k.process_of(t).timers.posix.iter().find(|x| x.id == id).ok_or(Errno::EINVAL)
}

fn find_mut(k: &mut Kernel, t: Tid, id: i32) -> Result<&mut PosixTimer> {
    k.process_of_mut(t).timers.posix.iter_mut().find(|x| x.id == id).ok_or(Errno::EINVAL)
}

/// timer_create(2).
pub fn sys_timer_create(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const SIGEV_SIGNAL: i32 = 0;
    const SIGEV_THREAD_ID: i32 = 4;
    clock_of(k, t, a.i32(0))?;
    let id = k.process_of(t).timers.next_id;
    let mut timer = PosixTimer {
        id,
        clock: a.i32(0),
        notify: SIGEV_SIGNAL,
        signo: sig::ALRM,
        value: id as u64,
        thread: 0,
        at: 0,
        interval: 0,
        key: None,
        queued: false,
        overrun: 0,
        pending_overrun: 0,
    };
    if let Some([value, signo_notify, thread]) = user::get_opt::<[u64; 3]>(a.u64(1))? {
        timer.value = value;
        timer.signo = signo_notify as i32;
        timer.notify = (signo_notify >> 32) as i32;
        timer.thread = thread as i32;
        if ![0, 1, 2, 4].contains(&timer.notify)
            || timer.notify != 1 && !(1..=sig::MAX).contains(&timer.signo)
        {
            return Err(Errno::EINVAL.into());
        }
        let mine = |tid| k.tables.task(tid).is_some_and(|x| x.pid == k.task(t).pid);
        if timer.notify == SIGEV_THREAD_ID && !mine(timer.thread) {
            return Err(Errno::EINVAL.into());
        }
    }
    user::put(a.u64(2), &id)?;
    let timers = &mut k.process_of_mut(t).timers;
    timers.next_id += 1;
    timers.posix.push(timer);
    Ok(0)
}

fn timer_left(k: &mut Kernel, t: Tid, timer: &PosixTimer) -> Result<u64> {
    if timer.at == 0 {
        return Ok(0);
    }
    let now = timer_now(k, t, timer)?;
    Ok(timer.at.saturating_sub(now).max(1))
}

/// The time that `at` is compared with: monotonic time, or CPU time for CPU clocks.
fn timer_now(k: &mut Kernel, t: Tid, timer: &PosixTimer) -> Result<u64> {
    Ok(match clock_of(k, t, timer.clock)? {
        Clock::Real | Clock::Monotonic => k.refresh_now(),
        cpu => k.clock_ns(cpu),
    })
}

fn put_timer(addr: u64, left: u64, interval: u64) -> Result<()> {
    user::put(addr, &[Timespec::from_ns(interval), Timespec::from_ns(left)].map(|t| [t.sec, t.nsec]))
}

/// timer_gettime(2).
pub fn sys_timer_gettime(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let timer = *find(k, t, a.i32(0))?;
    let left = timer_left(k, t, &timer)?;
    put_timer(a.u64(1), left, timer.interval)?;
    Ok(0)
}

/// timer_settime(2).
pub fn sys_timer_settime(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const ABSTIME: i32 = 1;
    let mut timer = *find(k, t, a.i32(0))?;
    let [interval, value] = user::get::<[[i64; 2]; 2]>(a.u64(2))?.map(|[sec, nsec]| Timespec { sec, nsec });
    let (interval, value) = (interval.ns()?, value.ns()?);
    let left = timer_left(k, t, &timer)?;
    if a.u64(3) != 0 {
        put_timer(a.u64(3), left, timer.interval)?;
    }
    if let Some(key) = timer.key.take() {
        k.timers.remove(key);
    }
    let now = timer_now(k, t, &timer)?;
    let clock = clock_of(k, t, timer.clock)?;
    timer.interval = interval;
    timer.at = match (value, a.i32(1) & ABSTIME != 0) {
        (0, _) => 0,
        (v, false) => now.saturating_add(v),
        (v, true) if clock == Clock::Real => {
            v.saturating_add_signed(k.env.realtime_offset.get().wrapping_neg()).max(1)
        }
        (v, true) => v,
    };
    (timer.queued, timer.overrun, timer.pending_overrun) = (false, 0, 0);
    if timer.at != 0 && matches!(clock, Clock::Real | Clock::Monotonic) {
        timer.key = Some(k.timers.add(timer.at, Due::Posix(k.task(t).pid, timer.id)));
    }
    *find_mut(k, t, timer.id)? = timer;
    k.arm_deadline();
    Ok(0)
}

/// timer_getoverrun(2).
pub fn sys_timer_getoverrun(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    Ok(find(k, t, a.i32(0))?.overrun.into())
}

/// timer_delete(2).
pub fn sys_timer_delete(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let timer = *find(k, t, a.i32(0))?;
    if let Some(key) = timer.key {
        k.timers.remove(key);
    }
    k.process_of_mut(t).timers.posix.retain(|x| x.id != timer.id);
    Ok(0)
}
