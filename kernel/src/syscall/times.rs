//! Clocks, sleeping, and how much time was used.

use super::Args;
use crate::error::{Errno, Result, SysResult};
use crate::kernel::Kernel;
use crate::task::process::Usage;
use crate::time::{Timespec, Timeval};
use crate::timers::USER_TICK;
use crate::user;
use crate::wait::{OnSignal, Tid, Wait, Why};
use llano_machine::clock;

/// Clock numbers (clock_gettime(2)).
#[allow(missing_docs)]
pub mod id {
    pub const REALTIME: i32 = 0;
    pub const MONOTONIC: i32 = 1;
    pub const PROCESS_CPU: i32 = 2;
    pub const THREAD_CPU: i32 = 3;
    pub const MONOTONIC_RAW: i32 = 4;
    pub const REALTIME_COARSE: i32 = 5;
    pub const MONOTONIC_COARSE: i32 = 6;
    pub const BOOTTIME: i32 = 7;
    pub const REALTIME_ALARM: i32 = 8;
    pub const BOOTTIME_ALARM: i32 = 9;
    pub const TAI: i32 = 11;
}

/// What a clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Time of day.
    Real,
    /// Time since boot.
    Monotonic,
    /// CPU time of a process.
    Process(i32),
    /// CPU time of a thread.
    Thread(Tid),
}

/// What the number names; negative ones are CPU clocks of processes or threads (clock_getcpuclockid(3)).
pub fn clock_of(k: &Kernel, t: Tid, n: i32) -> Result<Clock> {
    match n {
        id::REALTIME | id::REALTIME_COARSE | id::REALTIME_ALARM | id::TAI => Ok(Clock::Real),
        id::MONOTONIC | id::MONOTONIC_RAW | id::MONOTONIC_COARSE | id::BOOTTIME | id::BOOTTIME_ALARM => {
            Ok(Clock::Monotonic)
        }
        id::PROCESS_CPU => Ok(Clock::Process(k.task(t).pid)),
        id::THREAD_CPU => Ok(Clock::Thread(t)),
        n if n < 0 => {
            let target = !(n >> 3);
            match (n & 4 != 0, n & 3 != 3) {
                (true, true) => {
                    let tid = if target == 0 { t } else { target };
                    k.tables.task(tid).filter(|x| x.pid == k.task(t).pid).map(|_| Clock::Thread(tid))
                }
                (false, true) => {
                    let pid = if target == 0 { k.task(t).pid } else { target };
                    k.tables.process(pid).filter(|p| !p.zombie).map(|_| Clock::Process(pid))
                }
                _ => None,
            }
            .ok_or(Errno::EINVAL)
        }
        _ => Err(Errno::EINVAL),
    }
}

impl Kernel {
    /// CPU time of a process, ns.
    pub fn process_cpu(&mut self, pid: i32) -> u64 {
        self.charge_current();
        let Some(p) = self.tables.process(pid) else { return 0 };
        let threads = p.threads.iter().filter_map(|t| self.tables.task(*t));
        p.own_usage.utime + p.own_usage.stime + threads.map(|t| t.utime + t.stime).sum::<u64>()
    }

    /// CPU time of a task, ns.
    pub fn task_cpu(&mut self, tid: Tid) -> u64 {
        self.charge_current();
        self.tables.task(tid).map_or(0, |t| t.utime + t.stime)
    }

    /// The time on a clock, ns.
    pub fn clock_ns(&mut self, clock: Clock) -> u64 {
        match clock {
            Clock::Real => {
                self.refresh_now();
                self.env.realtime_ns()
            }
            Clock::Monotonic => self.refresh_now(),
            Clock::Process(pid) => self.process_cpu(pid),
            Clock::Thread(tid) => self.task_cpu(tid),
        }
    }

    /// Turns ticks of the time-stamp counter into ns.
    pub fn tsc_to_ns(&self, ticks: u64) -> u64 {
        ((u128::from(ticks) * u128::from(self.tsc_mult)) >> 32) as u64
    }
}

/// clock_gettime(2).
pub fn sys_clock_gettime(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let clock = clock_of(k, t, a.i32(0))?;
    let ns = k.clock_ns(clock);
    user::put(a.u64(1), &Timespec::from_ns(ns))?;
    Ok(0)
}

/// clock_getres(2): nanoseconds; the coarse clocks tick with the kernel.
pub fn sys_clock_getres(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    clock_of(k, t, a.i32(0))?;
    let coarse = matches!(a.i32(0), id::REALTIME_COARSE | id::MONOTONIC_COARSE);
    user::put_opt(a.u64(1), &Timespec::from_ns(if coarse { clock::TICK_NS } else { 1 }))?;
    Ok(0)
}

/// clock_settime(2): the time of day is the host's.
pub fn sys_clock_settime(_: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    if a.i32(0) != id::REALTIME {
        return Err(Errno::EINVAL.into());
    }
    user::get::<Timespec>(a.u64(1))?.ns()?;
    Err(Errno::EPERM.into())
}

/// settimeofday(2): as clock_settime.
pub fn sys_settimeofday(_: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    if a.u64(0) != 0 {
        user::get::<Timeval>(a.u64(0))?.ns()?;
    }
    user::get_opt::<[i32; 2]>(a.u64(1))?;
    Err(Errno::EPERM.into())
}

/// adjtimex(2): tells of a clock that nobody disciplines; it cannot be changed from here.
pub fn sys_adjtimex(k: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    adjust(k, a.u64(0))
}

/// clock_adjtime(2).
pub fn sys_clock_adjtime(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    clock_of(k, t, a.i32(0))?;
    if a.i32(0) != id::REALTIME {
        return Err(Errno::EOPNOTSUPP.into());
    }
    adjust(k, a.u64(1))
}

fn adjust(k: &mut Kernel, timex_at: u64) -> SysResult {
    /// The clock is not synchronized, as far as anybody knows.
    const STA_UNSYNC: u64 = 0x40;
    const TIME_ERROR: i64 = 5;
    /// Errors are unknown: 16 s, the largest there are, in us.
    const MAX_ERROR: u64 = 16_000_000;
    /// Tolerated frequency error, 500 ppm in units of 2^-16 ppm.
    const TOLERANCE: u64 = 500 << 16;
    /// Microseconds per tick of a clock of 100 Hz.
    const TICK_US: u64 = 10_000;
    const ADJ_OFFSET_SS_READ: u32 = 0xa001;
    let mut timex = user::get::<[u64; 26]>(timex_at)?;
    let modes = timex[0] as u32;
    if modes != 0 && modes != ADJ_OFFSET_SS_READ {
        return Err(Errno::EPERM.into());
    }
    let now = Timeval::from_ns(k.clock_ns(Clock::Real));
    timex = [0; 26];
    timex[0] = modes.into();
    (timex[3], timex[4], timex[5]) = (MAX_ERROR, MAX_ERROR, STA_UNSYNC);
    (timex[7], timex[8]) = (1, TOLERANCE);
    (timex[9], timex[10], timex[11]) = (now.sec as u64, now.usec as u64, TICK_US);
    user::put(timex_at, &timex)?;
    Ok(TIME_ERROR)
}

/// gettimeofday(2).
pub fn sys_gettimeofday(k: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    let ns = k.clock_ns(Clock::Real);
    user::put_opt(a.u64(0), &Timeval::from_ns(ns))?;
    user::put_opt(a.u64(1), &[0i32; 2])?;
    Ok(0)
}

/// time(2).
pub fn sys_time(k: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    let s = (k.clock_ns(Clock::Real) / crate::time::SECOND) as i64;
    user::put_opt(a.u64(0), &s)?;
    Ok(s)
}

const TIMER_ABSTIME: i32 = 1;

/// Sleeps until the deadline in `progress`; on an interruption the rest goes to `rest_at`.
fn sleep(k: &mut Kernel, t: Tid, rest_at: u64) -> SysResult {
    let now = k.refresh_now();
    let progress = &k.task(t).progress;
    let deadline = progress.deadline.unwrap_or(0);
    if now >= deadline {
        return Ok(0);
    }
    if progress.interrupted {
        user::put_opt(rest_at, &Timespec::from_ns(deadline - now))?;
        return Err(Errno::EINTR.into());
    }
    Err(Wait::new(Why::Sleep).until(Some(deadline)).signals(OnSignal::Interrupt).into())
}

/// nanosleep(2).
pub fn sys_nanosleep(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if k.task(t).progress.deadline.is_none() {
        let ns = user::get::<Timespec>(a.u64(0))?.ns()?;
        let now = k.refresh_now();
        k.task_mut(t).progress.deadline = Some(now.saturating_add(ns));
    }
    sleep(k, t, a.u64(1))
}

/// clock_nanosleep(2).
pub fn sys_clock_nanosleep(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let absolute = a.i32(1) & TIMER_ABSTIME != 0;
    if k.task(t).progress.deadline.is_none() {
        let clock = clock_of(k, t, a.i32(0))?;
        let ns = user::get::<Timespec>(a.u64(2))?.ns()?;
        let now = k.refresh_now();
        let deadline = match clock {
            Clock::Thread(_) => return Err(Errno::EINVAL.into()),
            Clock::Process(_) => return Err(Errno::EOPNOTSUPP.into()),
            _ if !absolute => now.saturating_add(ns),
            Clock::Real => ns.saturating_add_signed(k.env.realtime_offset.get().wrapping_neg()),
            Clock::Monotonic => ns,
        };
        k.task_mut(t).progress.deadline = Some(deadline);
    }
    sleep(k, t, if absolute { 0 } else { a.u64(3) })
}

/// Writes a `struct rusage` (getrusage(2)).
pub fn put_rusage(addr: u64, usage: &Usage) -> Result<()> {
    let (u, s) = (Timeval::from_ns(usage.utime), Timeval::from_ns(usage.stime));
    let mut words = [0u64; 18];
    words[..4].copy_from_slice(&[u.sec as u64, u.usec as u64, s.sec as u64, s.usec as u64]);
    words[4] = usage.max_rss / 1024;
    (words[16], words[17]) = usage.switches;
    user::put(addr, &words)
}

/// What a process used so far, without its children.
fn own_usage(k: &Kernel, pid: i32) -> Usage {
    let Some(p) = k.tables.process(pid) else { return Usage::default() };
    let mut usage = p.own_usage;
    for task in p.threads.iter().filter_map(|t| k.tables.task(*t)) {
        usage.add(&task.usage());
    }
    usage
}

/// getrusage(2).
pub fn sys_getrusage(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    k.charge_current();
    let mut usage = match a.i32(0) {
        0 => own_usage(k, k.task(t).pid),
        -1 => k.process_of(t).child_usage,
        1 => k.task(t).usage(),
        _ => return Err(Errno::EINVAL.into()),
    };
    if a.i32(0) != -1 {
        k.note_resident(t);
        usage.max_rss = k.process_of(t).own_usage.max_rss;
    }
    put_rusage(a.u64(1), &usage)?;
    Ok(0)
}

/// times(2).
pub fn sys_times(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    k.charge_current();
    let (own, children) = (own_usage(k, k.task(t).pid), k.process_of(t).child_usage);
    let ticks = |ns: u64| (ns / USER_TICK) as i64;
    let words = [ticks(own.utime), ticks(own.stime), ticks(children.utime), ticks(children.stime)];
    user::put_opt(a.u64(0), &words)?;
    Ok(ticks(k.refresh_now()))
}
