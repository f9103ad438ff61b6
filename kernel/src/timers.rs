//! Everything that happens at a time: sleeping tasks, interval timers (setitimer), POSIX timers (timer_create).

use crate::time::SECOND;
use crate::wait::Tid;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What happens when a deadline passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// A task's wait ends.
    Wake(Tid),
    /// A process's ITIMER_REAL.
    Itimer(i32),
    /// A process's POSIX timer: pid, id.
    Posix(i32, i32),
}

/// Names one entry of the queue.
pub type Key = (u64, u64);

/// Deadlines, earliest first, monotonic ns.
#[derive(Debug, Default)]
pub struct Timers {
    queue: BTreeMap<Key, Due>,
    seq: u64,
}

impl Timers {
    /// Adds one.
    pub fn add(&mut self, at: u64, due: Due) -> Key {
        self.seq += 1;
        self.queue.insert((at, self.seq), due);
        (at, self.seq)
    }

    /// Takes one back.
    pub fn remove(&mut self, key: Key) {
        self.queue.remove(&key);
    }

    /// The earliest deadline.
    #[inline]
    pub fn next(&self) -> Option<u64> {
        self.queue.first_key_value().map(|(k, _)| k.0)
    }

    /// Takes the first that is due, and since when it is.
    pub fn pop(&mut self, now: u64) -> Option<(u64, Due)> {
        let first = self.queue.first_entry()?;
        let at = first.key().0;
        (at <= now).then(|| (at, first.remove()))
    }

    /// All of them, for people.
    pub fn iter(&self) -> impl Iterator<Item = (u64, Due)> {
        self.queue.iter().map(|(k, d)| (k.0, *d))
    }
}

/// An interval timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Itimer {
    /// When it fires next: monotonic ns (REAL) or ns of CPU time (VIRTUAL, PROF); 0: not armed.
    pub at: u64,
    /// Period in ns; 0: once.
    pub interval: u64,
    /// Its place in the queue (REAL only).
    pub key: Option<Key>,
}

/// A POSIX timer (timer_create(2)).
#[derive(Debug, Clone, Copy)]
pub struct PosixTimer {
    /// Its number.
    pub id: i32,
    /// The clock it counts on.
    pub clock: i32,
    /// `SIGEV_*`.
    pub notify: i32,
    /// The signal.
    pub signo: i32,
    /// `sigev_value`.
    pub value: u64,
    /// The thread, for SIGEV_THREAD_ID.
    pub thread: Tid,
    /// When it fires next; monotonic ns, or ns of CPU time for CPU clocks; 0: not armed.
    pub at: u64,
    /// Period in ns; 0: once.
    pub interval: u64,
    /// Its place in the queue.
    pub key: Option<Key>,
    /// Its signal waits to be delivered: further expirations count as overruns.
    pub queued: bool,
    /// Overruns of the signal delivered last.
    pub overrun: i32,
    /// Overruns since.
    pub pending_overrun: i32,
}

/// The timers of a process.
#[derive(Debug, Clone, Default)]
pub struct ProcessTimers {
    /// REAL, VIRTUAL, PROF.
    pub interval: [Itimer; 3],
    /// By creation.
    pub posix: Vec<PosixTimer>,
    /// The next POSIX timer's number.
    pub next_id: i32,
}

impl ProcessTimers {
    /// Whether anything counts CPU time: one test at each tick.
    pub fn counts_cpu(&self) -> bool {
        self.interval[1].at != 0
            || self.interval[2].at != 0
            || self.posix.iter().any(|t| t.at != 0 && t.key.is_none())
    }
}

/// When a periodic timer that was due at `at` fires after `now`, and how many periods were missed.
pub fn next_period(at: u64, interval: u64, now: u64) -> (u64, u64) {
    debug_assert!(interval > 0);
    let missed = now.saturating_sub(at) / interval;
    (at.saturating_add((missed + 1).saturating_mul(interval)), missed)
}

/// One clock tick as times(2) counts them: 1/100 s.
pub const USER_TICK: u64 = SECOND / 100;
