//! `trace last` and `trace save`: what the ring holds, looked at and written on the thread of whoever asks.
//!
//! The vCPU only copies: the moment first, then the records up to it, piece by piece. What the ring overwrites in between
//! is missing at the beginning, as everything older is.

use super::{Form, Output, commands};
use crate::traces::{self, Clock, Format};
use llano_kernel::Kernel;
use llano_kernel::inspect::Requests;
use llano_trace::json;
use llano_trace::record::Record;
use llano_trace::snapshot::Snapshot;
use llano_trace::text::{Options, Printer};
use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

/// Why there is nothing to look at.
pub const NO_RING: &str = "there is no trace ring (--trace off)";

/// Records copied at a time: 1 MiB, some hundred microseconds of the vCPU's time.
const CHUNK: usize = 1 << 14;
/// How long the vCPU may take for that.
const PATIENCE: Duration = Duration::from_secs(1);
/// Lines of `trace last` if no number is given, and at most.
const FEW: usize = 20;
const MANY: usize = 100_000;
/// Records looked at for them: hardly an event takes more than a few, but those of one task may be rare.
const NEAR: u64 = 1 << 16;
const FAR: u64 = 1 << 20;

/// The answer to a command line, if it is one of these two.
pub fn answer(
    requests: &Requests<Kernel>,
    clock: Clock,
    line: &str,
    form: Form,
) -> Option<Result<String, String>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let output = match words.as_slice() {
        ["trace", "last", words @ ..] => last(&Ring { requests, clock, line }, words),
        // A path may have spaces.
        ["trace", "save", first, ..] => {
            let rest = line.trim_start().strip_prefix("trace").map(str::trim_start);
            let path = rest.and_then(|rest| rest.strip_prefix("save")).map_or(*first, str::trim);
            save(&Ring { requests, clock, line }, Path::new(path))
        }
        ["trace", "save"] => Err("`trace save` needs a file: NAME.ctf, NAME.pftrace, NAME.json".into()),
        _ => return None,
    };
    Some(output.map(|output| output.show(form)))
}

/// A running system's ring, seen from another thread.
struct Ring<'a> {
    requests: &'a Requests<Kernel>,
    clock: Clock,
    /// The command, for the trace.
    line: &'a str,
}

/// The system as it stood when the command came.
struct Moment {
    now: Snapshot,
    /// The oldest record in the ring, the command itself, and the one that came next.
    first: u64,
    command: u64,
    end: u64,
    /// The task that was asked for.
    task: Option<u32>,
}

impl Ring<'_> {
    fn ask<R: Send + 'static>(&self, f: impl FnOnce(&mut Kernel) -> R + Send + 'static) -> Result<R, String> {
        self.requests.ask(PATIENCE, f).ok_or_else(|| "[kernel busy] no answer within a second".into())
    }

    /// The moment at which the command comes, which is in the trace already.
    fn moment(&self, task: &[&str]) -> Result<Moment, String> {
        let (clock, line) = (self.clock, self.line.to_owned());
        let task: Vec<String> = task.iter().map(|word| (*word).to_owned()).collect();
        self.ask(move |k| {
            if k.trace.size() == 0 {
                return Err(NO_RING.into());
            }
            let command = k.trace.next_seq();
            super::note(k, &line);
            let words: Vec<&str> = task.iter().map(String::as_str).collect();
            let task = commands::task(k, "trace last", &words)?.map(|tid| tid as u32);
            let (first, end) = (k.trace.lost(), k.trace.next_seq());
            Ok(Moment { now: traces::snapshot(k, &clock), first, command, end, task })
        })?
    }

    /// The records from number `next` to before `end`, as far as they are still there.
    fn records(&self, mut next: u64, end: u64) -> Result<Vec<(u64, Record)>, String> {
        let mut records = Vec::with_capacity(end.saturating_sub(next) as usize);
        while next < end {
            // Filled on the vCPU, allocated here.
            let mut chunk = Vec::with_capacity(CHUNK);
            let chunk = self.ask(move |k| {
                chunk.extend(k.trace.since(next).take(CHUNK).take_while(|(seq, _)| *seq < end));
                chunk
            })?;
            let Some((seq, _)) = chunk.last() else { break };
            next = seq + 1;
            records.extend(chunk);
        }
        Ok(records)
    }
}

fn save(ring: &Ring<'_>, path: &Path) -> Result<Output, String> {
    let format = Format::of(path).map_err(|e| format!("{}: {e}", path.display()))?;
    format.check(path)?;
    let moment = ring.moment(&[])?;
    let records = ring.records(moment.first, moment.end)?;
    traces::save(path, format, records.iter().copied(), &moment.now)?;
    let (count, name) = (records.len(), path.display().to_string());
    let mut object = format!("{{\"records\":{count},\"file\":");
    json::string(&mut object, &name);
    Ok(Output::Said(format!("{count} records saved to {name}"), object + "}"))
}

fn last(ring: &Ring<'_>, words: &[&str]) -> Result<Output, String> {
    let (count, task) = match words {
        [] => (FEW, words),
        [first, rest @ ..] => match first.parse() {
            Ok(count) => (count, rest),
            Err(_) => (FEW, words),
        },
    };
    if !(1..=MANY).contains(&count) {
        return Err(format!("`trace last` shows 1 to {MANY} events"));
    }
    let moment = ring.moment(task)?;
    let window = if moment.task.is_some() { FAR } else { NEAR + 8 * count as u64 };
    let records = ring.records(moment.first.max(moment.command.saturating_sub(window)), moment.command)?;
    let options = Options { task: moment.task, all_events: true, numbers: true, ..Options::default() };
    let mut printer = Printer::new(&moment.now.tasks, moment.now.clock, options);
    let mut lines: VecDeque<String> = VecDeque::new();
    let mut line = Vec::new();
    let mut keep = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line).replace(|c: char| c.is_control() && c != '\n', "?");
        line.clear();
        lines.extend(text.lines().map(str::to_owned));
        while lines.len() > count {
            lines.pop_front();
        }
    };
    for (seq, record) in records {
        printer.record(&mut line, seq, record).map_err(|e| e.to_string())?;
        if !line.is_empty() {
            keep(&mut line);
        }
    }
    // What a task is in the middle of is the last thing it did.
    if moment.task.is_some() {
        printer.in_progress(&mut line, &moment.now.tasks).map_err(|e| e.to_string())?;
        keep(&mut line);
    }
    let mut object = String::from("{\"lines\":[");
    for (at, line) in lines.iter().enumerate() {
        object.push_str(if at == 0 { "" } else { "," });
        json::string(&mut object, line);
    }
    Ok(Output::Said(lines.make_contiguous().join("\n"), object + "]}"))
}
