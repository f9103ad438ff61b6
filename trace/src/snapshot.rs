//! What an export must know beside the ring: how ticks become time, and the tasks as they stand now.
//!
//! A call still in progress has no record yet - the hung or the fatal one is always among them - and the record that
//! named a task may be overwritten. So whoever exports lists the tasks and their open calls from the tasks' frames.

use alloc::string::String;
use alloc::vec::Vec;

/// How the time stamp counter runs against the clocks.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Calibration {
    /// The counter at boot.
    pub tsc0: u64,
    /// Ticks a second.
    pub tsc_hz: u64,
    /// Wall-clock time at boot, nanoseconds since 1970.
    pub epoch_ns: u64,
}

impl Calibration {
    /// Nanoseconds since boot at `tsc`; 0 before boot. Later ticks never give an earlier time.
    pub fn ns(&self, tsc: u64) -> u64 {
        u64::try_from(self.span(tsc.saturating_sub(self.tsc0))).unwrap_or(u64::MAX)
    }

    /// Wall-clock time at `tsc`, nanoseconds since 1970.
    pub fn wall_ns(&self, tsc: u64) -> u64 {
        self.epoch_ns.saturating_add(self.ns(tsc))
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
        let clock = Calibration { tsc0: 1_000_000, tsc_hz: 3_000_000_000, epoch_ns: 7 };
        assert_eq!((clock.ns(1_000_000), clock.wall_ns(1_000_000)), (0, 7));
        assert_eq!((clock.ns(1_000_003), clock.wall_ns(1_000_003)), (1, 8));
        assert_eq!(clock.ns(1_000_000 + 3_000_000_000 * 86_400), 86_400_000_000_000);
        assert_eq!(clock.ns(1_000_000 - 300), 0);
        assert_eq!(clock.ns(u64::MAX), 6_148_914_691_236_183_871);
    }
}
