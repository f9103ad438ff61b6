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

    /// All of them, in the order in which they run.
    pub fn iter(&self) -> impl Iterator<Item = Tid> {
        self.current.into_iter().chain(self.queue.iter().copied())
    }

    /// Nobody is runnable.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The time that a task has before another's turn, in TSC ticks. To put its memory in place can take longer than the time
/// between two ticks; then tasks that take turns at every tick would do nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slice {
    /// When the task's memory was in place.
    began: u64,
    /// How long that took.
    cost: u64,
}

impl Slice {
    /// A task runs for so many times as long as it took to switch to it.
    const WORTH: u64 = 4;

    /// The slice of a task whose memory was put in place from `begin` to `now`.
    pub fn after(begin: u64, now: u64) -> Slice {
        Slice { began: now, cost: now.wrapping_sub(begin) }
    }

    /// Whether it is another's turn.
    pub fn is_used(&self, now: u64) -> bool {
        now.wrapping_sub(self.began) >= self.cost.saturating_mul(Self::WORTH)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_outlasts_a_slow_switch() {
        assert!(Slice::default().is_used(5));
        let slice = Slice::after(100, 150);
        assert!(!slice.is_used(150) && !slice.is_used(349));
        assert!(slice.is_used(350));
    }
}
