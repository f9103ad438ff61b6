//! The kernel's own words: `dmesg`, `/dev/kmsg`.

use crate::wait::{WaitQueue, Wakes, poll};
use alloc::collections::VecDeque;
use alloc::string::String;
use core::cell::{Cell, RefCell};

/// Records kept; older ones are forgotten.
const KEPT: usize = 4096;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Number, from 0 on, without gaps.
    pub seq: u64,
    /// Monotonic time, ns.
    pub at: u64,
    /// Facility and level as in syslog(3): 6 is information of the kernel, 12 a warning of a user.
    pub priority: u32,
    /// Text without a line break.
    pub text: String,
}

/// The log.
pub struct Log {
    records: RefCell<VecDeque<Record>>,
    next: Cell<u64>,
    /// Up to where syslog(2) was read, and up to where it was cleared.
    pub read: Cell<u64>,
    /// See `read`.
    pub cleared: Cell<u64>,
    queue: WaitQueue,
}

impl Log {
    /// An empty log.
    pub fn new(wakes: &Wakes) -> Log {
        Log {
            records: RefCell::default(),
            next: Cell::new(0),
            read: Cell::new(0),
            cleared: Cell::new(0),
            queue: WaitQueue::new(wakes),
        }
    }

    /// Adds a line.
    pub fn push(&self, at: u64, priority: u32, text: String) {
        let seq = self.next.replace(self.next.get() + 1);
        let mut records = self.records.borrow_mut();
        if records.len() == KEPT {
            records.pop_front();
        }
        records.push_back(Record { seq, at, priority, text });
        drop(records);
        self.queue.wake(poll::IN | poll::RDNORM);
    }

    /// The first record that is still there of those numbered `seq` and up.
    pub fn get(&self, seq: u64) -> Option<Record> {
        let records = self.records.borrow();
        let skip = seq.saturating_sub(records.front()?.seq);
        records.get(usize::try_from(skip).ok()?).cloned()
    }

    /// The number that the next line gets.
    pub fn next(&self) -> u64 {
        self.next.get()
    }

    /// Where to wait for the next line.
    pub fn queue(&self) -> &WaitQueue {
        &self.queue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_oldest_and_keeps_the_numbers() {
        let log = Log::new(&Wakes::default());
        assert_eq!(log.get(0), None);
        for i in 0..KEPT as u64 + 10 {
            log.push(i, 6, String::new());
        }
        assert_eq!(log.get(0).map(|r| (r.seq, r.at)), Some((10, 10)));
        assert_eq!(log.get(4000).map(|r| r.seq), Some(4000));
        assert_eq!(log.get(log.next()), None);
    }
}
