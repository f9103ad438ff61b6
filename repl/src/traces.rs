//! What the session does with the trace: a clock for it, the file at exit.

use llano_kernel::Kernel;
use llano_machine::clock;
use llano_trace::snapshot::{Calibration, OpenCall, Snapshot, TaskNow};
use std::path::Path;

/// Two looks at both clocks tell how fast the time-stamp counter runs.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    tsc: u64,
    ns: u64,
    hz: u64,
}

impl Clock {
    /// The first look; waits a millisecond for a first estimate.
    pub fn start() -> Clock {
        let (tsc, ns) = look();
        let until = ns + 1_000_000;
        let (mut tsc2, mut ns2) = (tsc, ns);
        while ns2 < until {
            (tsc2, ns2) = look();
        }
        Clock { tsc, ns, hz: hz(tsc2 - tsc, ns2 - ns) }
    }

    /// Nanoseconds per tick times 2^32, for the kernel.
    pub fn mult(&self) -> u64 {
        ((1_000_000_000u128 << 32) / u128::from(self.hz.max(1))) as u64
    }

    /// With all the time since the first look, as exact as it gets.
    pub fn calibration(&self) -> Calibration {
        let (tsc, ns) = look();
        Calibration { tsc0: self.tsc, ns0: 0, tsc_hz: hz(tsc - self.tsc, ns - self.ns) }
    }
}

fn look() -> (u64, u64) {
    (clock::tsc(), clock::monotonic_ns())
}

fn hz(ticks: u64, ns: u64) -> u64 {
    (u128::from(ticks) * 1_000_000_000 / u128::from(ns.max(1))) as u64
}

/// What an export must know beside the ring.
pub fn snapshot(k: &Kernel, clock: &Clock) -> Snapshot {
    let task = |t: &llano_kernel::task::Task| TaskNow {
        tid: t.tid as u32,
        tgid: t.pid as u32,
        comm: String::from_utf8_lossy(t.name()).into_owned(),
        call: t.call.filter(|c| c.start != 0).map(|c| OpenCall {
            nr: c.nr,
            args: c.args,
            start_tsc: c.start,
        }),
    };
    Snapshot {
        clock: clock.calibration(),
        now_tsc: clock::tsc(),
        tasks: k.tables.tasks().map(task).collect(),
    }
}

/// Writes the trace file.
///
/// # Errors
/// One line that says which file and why.
pub fn write(k: &Kernel, clock: &Clock, path: &Path) -> Result<(), String> {
    llano_trace::chrome::write_json(path, &k.trace, &snapshot(k, clock))
}
