//! What an export must know beside the ring: how ticks become time, and the tasks as they stand now.
//!
//! A call still in progress has no record yet - the hung or the fatal one is always among them - and the record that
//! named a task may be overwritten. So whoever exports lists the tasks and their open calls from the tasks' frames.

use alloc::string::String;
use alloc::vec::Vec;

/// How the time stamp counter runs against the clock: at `tsc0` it was `ns0` nanoseconds since boot.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Calibration {
    /// A reading of the counter.
    pub tsc0: u64,
    /// Nanoseconds since boot at that reading.
    pub ns0: u64,
    /// Ticks a second.
    pub tsc_hz: u64,
}

impl Calibration {
    /// Nanoseconds since boot at `tsc`; 0 before boot. Later ticks never give an earlier time.
    pub fn ns(&self, tsc: u64) -> u64 {
        let ns = if tsc >= self.tsc0 {
            u128::from(self.ns0) + self.span(tsc - self.tsc0)
        } else {
            u128::from(self.ns0).saturating_sub(self.span(self.tsc0 - tsc))
        };
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    fn span(&self, ticks: u64) -> u128 {
        u128::from(ticks) * 1_000_000_000 / u128::from(self.tsc_hz.max(1))
    }
}

/// A task that exists at the time of the export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskNow {
    /// Its id.
    pub tid: u32,
    /// Its process.
    pub tgid: u32,
    /// Its name.
    pub comm: String,
    /// The call it is in.
    pub call: Option<OpenCall>,
}

/// A call that has not returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenCall {
    /// Its number.
    pub nr: usize,
    /// Its arguments.
    pub args: [u64; 6],
    /// When it was entered, in ticks.
    pub start_tsc: u64,
}

/// The moment of an export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// How ticks become time.
    pub clock: Calibration,
    /// The moment itself, in ticks.
    pub now_tsc: u64,
    /// Every task that exists.
    pub tasks: Vec<TaskNow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_nanoseconds() {
        let clock = Calibration { tsc0: 1_000_000, ns0: 500, tsc_hz: 3_000_000_000 };
        assert_eq!(clock.ns(1_000_000), 500);
        assert_eq!(clock.ns(1_000_003), 501);
        assert_eq!(clock.ns(1_000_000 + 3_000_000_000 * 86_400), 500 + 86_400_000_000_000);
        assert_eq!(clock.ns(0), 0);
        assert_eq!(clock.ns(1_000_000 - 300), 400);
    }
}
