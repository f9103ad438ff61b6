//! What the session does with the trace: a clock for it, the file at exit.

use crate::session::Ended;
use llano_kernel::Kernel;
use llano_machine::clock;
use llano_trace::record::Record;
use llano_trace::snapshot::{Calibration, OpenCall, Snapshot, TaskNow};
use llano_trace::{chrome, ctf, file, lttng, perfetto};
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
        let epoch_ns = clock::read(0).unwrap_or(0).saturating_sub(ns - self.ns);
        Calibration { tsc0: self.tsc, tsc_hz: hz(tsc - self.tsc, ns - self.ns), epoch_ns }
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

/// What a trace is written as; its name says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Chrome trace events.
    Json,
    /// Perfetto's protobuf.
    Perfetto,
    /// A directory in the Common Trace Format.
    Ctf,
    /// A directory as LTTng's kernel tracer writes it.
    Lttng,
}

impl Format {
    /// What the name of `path` ends in.
    ///
    /// # Errors
    /// What it should end in.
    pub fn of(path: &Path) -> Result<Format, &'static str> {
        match path.extension().and_then(|end| end.to_str()) {
            Some("json") => Ok(Format::Json),
            Some("pftrace") => Ok(Format::Perfetto),
            Some("ctf") => Ok(Format::Ctf),
            Some("lttng") => Ok(Format::Lttng),
            _ => Err("the name says the format: it must end in .pftrace, .json, .ctf or .lttng"),
        }
    }

    /// How often [`save`] goes through the records.
    pub fn passes(self) -> u64 {
        match self {
            Format::Json => 3,
            Format::Perfetto | Format::Lttng => 2,
            Format::Ctf => 1,
        }
    }

    /// Tells before the work whether `path` can be written.
    ///
    /// # Errors
    /// One line that says which file and why.
    pub fn check(self, path: &Path) -> Result<(), String> {
        match self {
            Format::Json | Format::Perfetto => file::check(path),
            Format::Ctf => ctf::check(path),
            Format::Lttng => file::check_dir(path, &lttng::FILES),
        }
    }
}

/// Writes the session's trace, or what is left of one that was written while it ran.
///
/// # Errors
/// One line that says which file and why.
pub fn write(ended: &mut Ended, path: &Path) -> Result<(), String> {
    let _work = tracing::debug_span!(target: "export", "write the trace", to = %path.display()).entered();
    if let Some(stream) = ended.stream.take() {
        let finished = stream.finish(&ended.kernel, &ended.calibration);
        return finished.map_err(|e| file::failure(path, &e));
    }
    let (k, now) = (&ended.kernel, snapshot(&ended.kernel, &ended.calibration));
    save(path, Format::of(path)?, k.trace.iter(), &now)
}

/// Writes `records`, oldest first with their sequence numbers, and what `now` shows.
///
/// # Errors
/// One line that says which file and why.
pub fn save(
    path: &Path,
    format: Format,
    records: impl Iterator<Item = (u64, Record)> + Clone,
    now: &Snapshot,
) -> Result<(), String> {
    match format {
        Format::Json => file::write(path, |out| chrome::write(out, records, now)),
        Format::Perfetto => file::write(path, |out| perfetto::write(out, records, now)),
        Format::Ctf => ctf::write(path, records, now),
        Format::Lttng => lttng::write(path, records, now),
    }
}
