//! `llano trace info FILE`: what a recording is.
//!
//! ```text
//! recorded  2026-11-23 17:30:41 UTC, 10.478 ms
//! records   739 (events 0 to 738), 0 lost before them
//! tasks     3 when it was saved, 1 call in progress
//! packets   1 of 64 KiB
//! clock     2.496 GHz
//! damage    none
//! ```

use super::{open, page};
use crate::session::Failure;
use std::path::PathBuf;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Info {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(options: &Info) -> Result<(), Failure> {
    let trace = open(&options.file)?;
    let now = trace.now();
    let first = trace.records().next();
    let last = trace.records().last().map_or(0, |(seq, _)| seq);
    let span = now.clock.ns(now.now_tsc) - now.clock.ns(trace.first_tsc()).min(now.clock.ns(now.now_tsc));
    let calls = now.tasks.iter().filter(|task| task.call.is_some()).count();
    let mhz = now.clock.tsc_hz / 1_000_000;
    let damage = if trace.damage().none() { "none".into() } else { trace.damage().to_string() };
    page(|out| {
        let (millis, micros) = (span / 1_000_000, span / 1000 % 1000);
        writeln!(out, "recorded  {}, {millis}.{micros:03} ms", date(now.clock.wall_ns(trace.first_tsc())))?;
        let first = first.map_or(0, |(seq, _)| seq);
        writeln!(out, "records   {} (events {first} to {last}), {} lost", trace.len(), trace.lost())?;
        writeln!(out, "tasks     {} when it was saved, {calls} calls in progress", now.tasks.len())?;
        writeln!(out, "packets   {} of 64 KiB", trace.packets())?;
        writeln!(out, "clock     {}.{:03} GHz", mhz / 1000, mhz % 1000)?;
        writeln!(out, "damage    {damage}")
    })
}

/// A point in time as a date in the Gregorian calendar.
fn date(wall_ns: u64) -> String {
    let seconds = wall_ns / 1_000_000_000;
    // Years that begin in March have their odd day at the end: days count from 0000-03-01.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_700_000_000, "2023-11-14 22:13:20 UTC"),
            (4_107_542_399, "2100-02-28 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(date(seconds * 1_000_000_000), text);
        }
    }
}
