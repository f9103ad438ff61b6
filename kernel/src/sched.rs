//! Who runs next, and what time it is.

use crate::wait::Tid;
use alloc::collections::VecDeque;
use llano_machine::clock;

/// The run queue of the one virtual CPU: round robin.
#[derive(Debug, Default)]
pub struct Sched {
    queue: VecDeque<Tid>,
    /// The task that runs or ran last, while it is runnable.
    pub current: Option<Tid>,
    /// The current task's slice is over, or it gave the CPU away.
    pub resched: bool,
}

impl Sched {
    /// A task became runnable.
    pub fn push(&mut self, tid: Tid) {
        self.queue.push_back(tid);
    }

    /// A task became runnable and goes first (a vfork child).
    pub fn push_front(&mut self, tid: Tid) {
        self.queue.push_front(tid);
    }

    /// The current task goes on unless it must yield and another is there.
    #[inline]
    pub fn pick(&mut self) -> Option<Tid> {
        if let Some(tid) = self.current
            && (!self.resched || self.queue.is_empty())
        {
            self.resched = false;
            return Some(tid);
        }
        self.resched = false;
        let next = self.queue.pop_front();
        if next.is_some()
            && let Some(old) = self.current
        {
            self.queue.push_back(old);
        }
        self.current = next;
        next
    }

    /// A task is not runnable any more.
    pub fn remove(&mut self, tid: Tid) {
        if self.current == Some(tid) {
            self.current = None;
        } else {
            self.queue.retain(|t| *t != tid);
        }
    }

    /// A task changed its number.
    pub fn rename(&mut self, from: Tid, to: Tid) {
        if self.current == Some(from) {
            self.current = Some(to);
        }
        for tid in self.queue.iter_mut().filter(|t| **t == from) {
            *tid = to;
        }
    }

    /// Another task waits for the CPU.
    pub fn contended(&self) -> bool {
        !self.queue.is_empty()
    }

    /// How many are runnable.
    pub fn len(&self) -> usize {
        self.queue.len() + usize::from(self.current.is_some())
    }

    /// Nobody is runnable.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The kernel's monotonic clock: the host's, plus what was skipped while idle in virtual time.
#[derive(Debug, Clone)]
pub struct Clock {
    /// Idle time is skipped (`--time virtual`).
    pub virtual_time: bool,
    /// Nanoseconds skipped so far.
    pub skipped: u64,
    /// The host's clock.
    pub host: clock::Monotonic,
}

impl Clock {
    /// The time now, ns.
    #[inline]
    pub fn now(&mut self) -> u64 {
        self.host.now() + self.skipped
    }

    /// The host's time at which it will be `at` here.
    pub fn host(&self, at: u64) -> u64 {
        at.saturating_sub(self.skipped)
    }
}
