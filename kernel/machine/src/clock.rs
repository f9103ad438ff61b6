//! Time: the host's clocks, the tick that ends a time slice, and the one deadline timer.

use crate::border::host;
use crate::signals::{SIG_DOORBELL, SIG_TICK};
use crate::{HostError, check};

/// Reads a host clock (`CLOCK_*` of clock_gettime(2)) in nanoseconds; `None` if the host does not know it.
pub fn read(clock: i32) -> Option<u64> {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // The host's vDSO answers these without a call that could fail and set errno.
    if !matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_MONOTONIC) {
        crate::on_host();
    }
    // SAFETY: clock_gettime writes the struct it is given.
    let r = unsafe { libc::clock_gettime(clock, &mut ts) };
    (r == 0).then(|| (ts.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(ts.tv_nsec as u64))
}

/// CLOCK_MONOTONIC in nanoseconds.
#[inline]
pub fn monotonic_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC).unwrap_or(0)
}

/// The time-stamp counter.
#[inline]
pub fn tsc() -> u64 {
    // SAFETY: `rdtsc` is available on every x86-64 that Linux runs user code on.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// The length of a tick: how long a task may run while others wait, in nanoseconds of CPU time.
pub const TICK_NS: u64 = 4_000_000;

/// The vCPU's two host timers.
pub struct Timers {
    deadline: libc::timer_t,
    /// When the deadline timer will fire (CLOCK_MONOTONIC ns); `u64::MAX` when it is not armed.
    armed: u64,
}

impl Timers {
    /// Creates both for the calling thread and starts the tick (on the thread's CPU time, so it rests while idle).
    ///
    /// # Errors
    /// What the host said to `timer_create`.
    pub fn start() -> Result<Timers, HostError> {
        let tick = create(libc::CLOCK_THREAD_CPUTIME_ID, SIG_TICK)?;
        let deadline = create(libc::CLOCK_MONOTONIC, SIG_DOORBELL)?;
        set(tick, 0, TICK_NS, TICK_NS)?;
        Ok(Timers { deadline, armed: u64::MAX })
    }

    /// Makes sure the doorbell rings at `at` (CLOCK_MONOTONIC ns) or earlier.
    #[inline]
    pub fn ring_by(&mut self, at: u64, now: u64) {
        if self.armed <= now {
            self.armed = u64::MAX;
        }
        if at < self.armed {
            self.armed = at;
            // An expired absolute time fires at once. A failure would only delay timers to the next tick.
            let _ = set(self.deadline, libc::TIMER_ABSTIME, at.max(1), 0);
        }
    }
}

fn create(clock: i32, signal: i32) -> Result<libc::timer_t, HostError> {
    // SAFETY: an all-zero sigevent is valid; timer_create reads it and writes the id.
    unsafe {
        let mut event: libc::sigevent = core::mem::zeroed();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signal;
        event.sigev_notify_thread_id = host!(gettid)();
        let mut id: libc::timer_t = core::ptr::null_mut();
        check(host!(timer_create)(clock, &mut event, &mut id).into())?;
        Ok(id)
    }
}

fn set(timer: libc::timer_t, flags: i32, first_ns: u64, every_ns: u64) -> Result<(), HostError> {
    let ts = |ns: u64| libc::timespec {
        tv_sec: (ns / 1_000_000_000) as i64,
        tv_nsec: (ns % 1_000_000_000) as i64,
    };
    let spec = libc::itimerspec { it_value: ts(first_ns), it_interval: ts(every_ns) };
    // SAFETY: the id came from timer_create; the spec is read only.
    check(unsafe { host!(timer_settime)(timer, flags, &spec, core::ptr::null_mut()) }.into()).map(|_| ())
}
