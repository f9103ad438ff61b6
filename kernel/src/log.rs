//! The kernel's own words: `dmesg`, `/dev/kmsg`.

use crate::wait::{WaitQueue, Wakes, poll};
use alloc::borrow::Cow;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use core::cell::{Cell, RefCell};

/// Records kept; older ones are forgotten.
const KEPT: usize = 4096;

/// What lines are about, for filters: `exec=debug`.
pub const TARGETS: [&str; 17] = [
    "kernel", "exec", "loader", "mm", "patch", "task", "signal", "syscall", "fs", "net", "boot", "gdb",
    "monitor", "inject", "stream", "export", "clock",
];

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Number, from 0 on, without gaps.
    pub seq: u64,
    /// Monotonic time, ns.
    pub at: u64,
    /// Facility and level as in syslog(3): 6 is information of the kernel, 12 a warning of a user.
    pub priority: u32,
    /// What it is about, as `exec`; [`USER`] for a line that a program wrote.
    pub target: &'static str,
    /// Text without a line break.
    pub text: String,
}

/// For those who debug (syslog(3)).
const DEBUG: u32 = 7;
/// What a line that a program wrote is about.
pub const USER: &str = "user";

impl Record {
    /// The line as dmesg shows it. What is for those who debug begins with what it is about; other lines say it themselves,
    /// as Linux's do.
    pub fn line(&self) -> Cow<'_, str> {
        if self.priority == DEBUG && self.target != USER {
            Cow::Owned(format!("{}: {}", self.target, self.text))
        } else {
            Cow::Borrowed(&self.text)
        }
    }
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
    pub fn push(&self, at: u64, priority: u32, target: &'static str, text: String) {
        let seq = self.next.replace(self.next.get() + 1);
        let mut records = self.records.borrow_mut();
        if records.len() == KEPT {
            records.pop_front();
        }
        records.push_back(Record { seq, at, priority, target, text });
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
            log.push(i, 6, "test", String::new());
        }
        assert_eq!(log.get(0).map(|r| (r.seq, r.at)), Some((10, 10)));
        assert_eq!(log.get(4000).map(|r| r.seq), Some(4000));
        assert_eq!(log.get(log.next()), None);
    }
}
