//! timerfd_create(2): timers as files.
//!
//! How often a timer expired follows from its deadline and the time whenever someone looks; [`Armed::expire`] only
//! makes sure that someone does. As in Linux an expired timer is left alone until it is read: it cannot become more readable,
//! and one with an interval of a microsecond would leave the program no time to read it.

use crate::env::Env;
use crate::error::{Errno, Result};
use crate::fs::file::{File, FileOps, Seek};
use crate::user::Dst;
use crate::wait::{WaitQueue, poll};
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

/// Which clock an absolute time is meant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// CLOCK_MONOTONIC, CLOCK_BOOTTIME: the kernel never sleeps, so they are one.
    Monotonic,
    /// CLOCK_REALTIME.
    Realtime,
}

/// How a timer is set (timerfd_settime(2)). Times are nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Setting {
    /// When it first expires; 0 disarms it.
    pub value: u64,
    /// How long between further expirations; 0: none.
    pub interval: u64,
    /// `value` is a time on the clock, not a distance (TFD_TIMER_ABSTIME).
    pub absolute: bool,
    /// Reads fail with `ECANCELED` after the clock was set (TFD_TIMER_CANCEL_ON_SET).
    pub cancel_on_set: bool,
}

/// A timer.
pub struct Timer {
    env: Rc<Env>,
    base: Base,
    queue: WaitQueue,
    state: Cell<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// The next expiration, on `clock`; `None`: disarmed.
    next: Option<u64>,
    /// `next` is on CLOCK_REALTIME and follows when that is set.
    realtime: bool,
    interval: u64,
    /// Expirations that were not read yet and lie before `next`.
    ticks: u64,
    /// The offset of CLOCK_REALTIME when the timer was set, if that cancels it.
    cancel_offset: Option<i64>,
}

impl Timer {
    /// A disarmed timer.
    pub fn new(env: &Rc<Env>, base: Base) -> Rc<Timer> {
        Rc::new(Timer { env: env.clone(), base, queue: env.queue(), state: Cell::default() })
    }

    fn clock(&self, state: &State) -> u64 {
        if state.realtime { self.env.realtime_ns() } else { self.env.now.get() }
    }

    /// Counts what has expired by now, and wakes who waits for it.
    fn update(&self) -> State {
        let mut state = self.state.get();
        let now = self.clock(&state);
        if let Some(next) = state.next
            && next <= now
        {
            let missed = (now - next).checked_div(state.interval).unwrap_or(0);
            state.ticks = state.ticks.saturating_add(missed + 1);
            let step = state.interval.saturating_mul(missed + 1);
            state.next = if state.interval > 0 { Some(next.saturating_add(step)) } else { None };
            self.state.set(state);
            self.queue.wake(poll::IN);
        }
        state
    }

    /// Sets it; returns how it was set before, with the time left as `value`.
    pub fn set(self: &Rc<Timer>, to: Setting) -> Setting {
        let old = self.get();
        let realtime = to.absolute && self.base == Base::Realtime;
        let mut state = State { realtime, interval: to.interval, ..State::default() };
        if to.value > 0 {
            let from = if to.absolute { 0 } else { self.env.now.get() };
            state.next = Some(from.saturating_add(to.value));
            state.cancel_offset = (realtime && to.cancel_on_set).then(|| self.env.realtime_offset.get());
        }
        self.state.set(state);
        self.env.ipc.timers.add(self);
        old
    }

    /// The time left until the next expiration (0: disarmed) and the interval.
    pub fn get(&self) -> Setting {
        let state = self.update();
        let value = state.next.map_or(0, |next| next.saturating_sub(self.clock(&state)).max(1));
        Setting { value, interval: state.interval, ..Setting::default() }
    }

    /// The clock was set under a timer that is cancelled by that.
    fn cancelled(&self, state: &State) -> bool {
        state.cancel_offset.is_some_and(|offset| offset != self.env.realtime_offset.get())
    }

    /// When it expires next, on the kernel's monotonic clock; `None` while nobody has read that it did.
    pub fn deadline(&self) -> Option<u64> {
        let state = self.state.get();
        if state.ticks > 0 {
            return None;
        }
        let offset = if state.realtime { self.env.realtime_offset.get() } else { 0 };
        state.next.map(|next| next.saturating_add_signed(offset.saturating_neg()))
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.env.ipc.timers.forget(self);
    }
}

/// A timerfd: the open file.
pub struct TimerFd(pub Rc<Timer>);

impl TimerFd {
    /// A disarmed timer on `base`.
    pub fn new(env: &Rc<Env>, base: Base) -> TimerFd {
        TimerFd(Timer::new(env, base))
    }
}

impl FileOps for TimerFd {
    fn read(&self, _file: &File, dst: &mut Dst<'_>, _at: u64) -> Result<usize> {
        if dst.left() < 8 {
            return Err(Errno::EINVAL);
        }
        let mut state = self.0.update();
        if self.0.cancelled(&state) {
            state.cancel_offset = Some(self.0.env.realtime_offset.get());
            state.ticks = 0;
            self.0.state.set(state);
            return Err(Errno::ECANCELED);
        }
        if state.ticks == 0 {
            return Err(Errno::EAGAIN);
        }
        let ticks = core::mem::take(&mut state.ticks);
        self.0.state.set(state);
        self.0.env.ipc.timers.add(&self.0);
        dst.put(&ticks.to_le_bytes())
    }

    fn poll(&self, _file: &File) -> u32 {
        let state = self.0.update();
        if state.ticks > 0 || self.0.cancelled(&state) { poll::IN } else { 0 }
    }

    fn queue(&self, _file: &File, _events: u32) -> Option<WaitQueue> {
        Some(self.0.queue.clone())
    }

    fn seek(&self) -> Seek {
        Seek::Ignored
    }

    fn label(&self) -> String {
        "anon_inode:[timerfd]".into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The timers that were set, for the run loop to wake their readers in time.
#[derive(Default)]
pub struct Armed {
    timers: RefCell<Vec<Weak<Timer>>>,
    /// No timer expires before this; `None`: none at all.
    next: Cell<Option<u64>>,
}

impl Armed {
    fn add(&self, timer: &Rc<Timer>) {
        let mut timers = self.timers.borrow_mut();
        if !timers.iter().any(|t| t.as_ptr() == Rc::as_ptr(timer)) {
            timers.push(Rc::downgrade(timer));
        }
        drop(timers);
        if let Some(deadline) = timer.deadline() {
            self.next.set(Some(self.next.get().map_or(deadline, |next| next.min(deadline))));
        }
    }

    /// The timer ends; its deadline may be long from now.
    fn forget(&self, timer: &Timer) {
        self.timers.borrow_mut().retain(|t| !core::ptr::eq(t.as_ptr(), timer));
    }

    /// When the next timer may expire, monotonic ns.
    pub fn next(&self) -> Option<u64> {
        self.next.get()
    }

    /// Wakes the readers of expired timers; returns when to call again.
    pub fn expire(&self, now: u64) -> Option<u64> {
        if self.next.get().is_none_or(|next| now < next) {
            return self.next.get();
        }
        let mut next: Option<u64> = None;
        self.timers.borrow_mut().retain(|timer| {
            let Some(timer) = timer.upgrade() else { return false };
            if timer.deadline().is_some_and(|at| at <= now) {
                timer.update();
            }
            let Some(at) = timer.deadline() else { return false };
            next = Some(next.map_or(at, |next| next.min(at)));
            true
        });
        self.next.set(next);
        next
    }

    /// CLOCK_REALTIME was set: deadlines on it moved, and readers may find their timer cancelled.
    pub fn clock_was_set(&self) {
        for timer in self.timers.borrow().iter().filter_map(Weak::upgrade) {
            timer.queue.wake(poll::IN);
        }
        self.next.set(Some(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::tests::{env, read};
    use alloc::boxed::Box;

    fn file(env: &Rc<Env>, base: Base) -> Rc<File> {
        File::new(Box::new(TimerFd::new(env, base)), 0, None)
    }

    fn set(file: &File, to: Setting) -> Setting {
        file.downcast::<TimerFd>().unwrap().0.set(to)
    }

    fn ticks(file: &File) -> Result<u64> {
        read(file, 8).map(|b| u64::from_le_bytes(b.try_into().unwrap()))
    }

    #[test]
    fn expires_once_or_again_and_again() {
        let env = env();
        let f = file(&env, Base::Monotonic);
        env.now.set(1000);
        set(&f, Setting { value: 50, ..Setting::default() });
        assert_eq!(crate::ipc::expire(&env, 1000), Some(1050));
        assert_eq!((ticks(&f), f.ops().poll(&f)), (Err(Errno::EAGAIN), 0));
        f.ops().queue(&f, poll::IN).unwrap().add(9, poll::IN);
        env.now.set(1060);
        assert_eq!(crate::ipc::expire(&env, 1060), None);
        assert_eq!(env.wakes.pop(), Some(9));
        assert_eq!((f.ops().poll(&f), ticks(&f), ticks(&f)), (poll::IN, Ok(1), Err(Errno::EAGAIN)));
        set(&f, Setting { value: 1100, interval: 10, absolute: true, ..Setting::default() });
        env.now.set(1135);
        assert_eq!(ticks(&f), Ok(4));
        let left = set(&f, Setting::default());
        assert_eq!((left.value, left.interval), (5, 10));
        env.now.set(5000);
        assert_eq!((ticks(&f), crate::ipc::expire(&env, 5000)), (Err(Errno::EAGAIN), None));
    }

    #[test]
    fn rests_until_it_is_read() {
        let env = env();
        let f = file(&env, Base::Monotonic);
        set(&f, Setting { value: 10, interval: 1, ..Setting::default() });
        f.ops().queue(&f, poll::IN).unwrap().add(9, poll::IN);
        env.now.set(15);
        // Whoever looks first wakes the others.
        assert_eq!((f.ops().poll(&f), env.wakes.pop()), (poll::IN, Some(9)));
        assert_eq!(crate::ipc::expire(&env, 15), None);
        env.now.set(100);
        assert_eq!((ticks(&f), crate::ipc::expire(&env, 100)), (Ok(91), Some(101)));
    }

    #[test]
    fn follows_the_wall_clock_or_is_cancelled_with_it() {
        let env = env();
        env.realtime_offset.set(1_000_000);
        let (follows, cancelled) = (file(&env, Base::Realtime), file(&env, Base::Realtime));
        let setting = Setting { value: 1_000_500, absolute: true, ..Setting::default() };
        set(&follows, setting);
        set(&cancelled, Setting { cancel_on_set: true, ..setting });
        assert_eq!(crate::ipc::expire(&env, 0), Some(500));
        env.realtime_offset.set(1_000_400);
        env.ipc.clock_was_set();
        assert_eq!(crate::ipc::expire(&env, 0), Some(100));
        assert_eq!((ticks(&cancelled), ticks(&cancelled)), (Err(Errno::ECANCELED), Err(Errno::EAGAIN)));
        env.now.set(100);
        assert_eq!((ticks(&follows), ticks(&cancelled)), (Ok(1), Ok(1)));
    }

    #[test]
    fn a_closed_timer_is_forgotten_at_once() {
        let env = env();
        let (closed, open) = (file(&env, Base::Monotonic), file(&env, Base::Monotonic));
        for f in [&closed, &open] {
            set(f, Setting { value: u64::MAX / 2, ..Setting::default() });
        }
        drop(closed);
        assert_eq!(env.ipc.timers.timers.borrow().len(), 1);
    }
}
