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

/// Lets some ten microseconds pass, for another thread's sake.
pub fn nap() {
    let time = libc::timespec { tv_sec: 0, tv_nsec: 20_000 };
    // SAFETY: reads the struct it is given and writes nowhere.
    unsafe { host!(nanosleep)(&time, core::ptr::null_mut()) };
}

/// CLOCK_MONOTONIC from the time-stamp counter: as exact as the host's vDSO, at half its price.
///
/// At most a millisecond is computed; then the host is asked again. The rate comes from two askings at least ten
/// milliseconds apart, so it is good to some nanoseconds for that millisecond, and follows the host's adjustments.
#[derive(Debug, Clone, Default)]
pub struct Monotonic {
    /// When the host was asked last, as counter and ns.
    last: (u64, u64),
    /// The earlier asking that the rate is measured from.
    first: (u64, u64),
    /// ns per tick, in units of 2^-32; 0: not measured.
    rate: u64,
    /// Ticks after which the host is asked again.
    horizon: u64,
    /// What was told last: time never goes back.
    told: u64,
}

impl Monotonic {
    /// The time now, ns.
    #[inline]
    pub fn now(&mut self) -> u64 {
        let ticks = tsc().wrapping_sub(self.last.0);
        if ticks >= self.horizon {
            return self.ask();
        }
        let ns = self.last.1 + ((u128::from(ticks) * u128::from(self.rate)) >> 32) as u64;
        self.told = self.told.max(ns);
        self.told
    }

    #[cold]
    fn ask(&mut self) -> u64 {
        const MEASURED_OVER: u64 = 10_000_000;
        const FORGOTTEN_AFTER: u64 = 1_000_000_000;
        const HORIZON: u64 = 1_000_000;
        /// Ticks that the asking itself may take; more, and something came in between.
        const EXACT: u64 = 2_000;
        let before = tsc();
        let ns = monotonic_ns();
        let here = (before, ns);
        self.told = self.told.max(ns);
        if tsc().wrapping_sub(before) > EXACT || !steady() {
            self.horizon = 0;
            return self.told;
        }
        if self.first.1 == 0 {
            self.first = here;
        }
        let (ticks, time) = (here.0.wrapping_sub(self.first.0), ns - self.first.1);
        if time >= MEASURED_OVER && ticks > 0 {
            self.rate = ((u128::from(time) << 32) / u128::from(ticks)) as u64;
        }
        if self.rate != 0 {
            self.horizon = ((u128::from(HORIZON) << 32) / u128::from(self.rate)) as u64;
        }
        if time >= FORGOTTEN_AFTER {
            self.first = here;
        }
        self.last = here;
        self.told
    }
}

/// Whether the counter runs at one rate whatever the CPU does (CPUID 0x8000_0007, EDX bit 8).
fn steady() -> bool {
    use core::sync::atomic::{AtomicU8, Ordering};
    static KNOWN: AtomicU8 = AtomicU8::new(0);
    const STEADY: u8 = 2;
    if KNOWN.load(Ordering::Relaxed) == 0 {
        let steady = core::arch::x86_64::__cpuid(0x8000_0007).edx & 1 << 8 != 0;
        KNOWN.store(1 + u8::from(steady), Ordering::Relaxed);
    }
    KNOWN.load(Ordering::Relaxed) == STEADY
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_tells_the_hosts_time() {
        let mut clock = Monotonic::default();
        let end = monotonic_ns() + 100_000_000;
        let (mut last, mut computed) = (0, 0);
        while last < end {
            let before = monotonic_ns();
            let now = clock.now();
            let after = monotonic_ns();
            computed += u32::from(clock.horizon > 0);
            assert!(now >= last, "time went back");
            assert!(now + 2_000 >= before && now <= after + 2_000, "{before} {now} {after}");
            last = now;
        }
        assert!(computed > 0 || !steady());
    }
}
