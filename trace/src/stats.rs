//! Where the time went: `strace -c`, with waiting told apart from work, and the CPU time of each task.

use core::fmt::{self, Write as _};
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

use crate::format;
use crate::json;
use crate::record::{Event, Record};
use crate::snapshot::Snapshot;
use crate::state::{State, Step};

/// All calls of one number.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct CallStats {
    /// The number.
    pub nr: usize,
    /// How many returned.
    pub calls: u64,
    /// How many of them with an error.
    pub errors: u64,
    /// From entry to return, nanoseconds.
    pub total_ns: u64,
    /// The part of it the caller waited, nanoseconds.
    pub waited_ns: u64,
    /// The longest one, nanoseconds.
    pub max_ns: u64,
}

/// One task.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct TaskStats {
    /// Its id.
    pub tid: u32,
    /// Its last name.
    pub comm: String,
    /// Time on the CPU, nanoseconds.
    pub run_ns: u64,
    /// The part of it inside calls, nanoseconds.
    pub kernel_ns: u64,
    /// Calls made.
    pub calls: u64,
}

/// The summary.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Stats {
    /// By time in the kernel, longest first.
    pub calls: Vec<CallStats>,
    /// By time on the CPU, longest first; without the idle task.
    pub tasks: Vec<TaskStats>,
    /// From the first record to the moment of the summary, nanoseconds.
    pub span_ns: u64,
    /// Nothing ran, nanoseconds.
    pub idle_ns: u64,
    /// Records lost before the first.
    pub lost: u64,
}

impl CallStats {
    /// Time the kernel itself took, nanoseconds.
    pub fn kernel_ns(&self) -> u64 {
        self.total_ns.saturating_sub(self.waited_ns)
    }
}

impl Stats {
    /// Adds up `records`, oldest first.
    pub fn of(records: impl Iterator<Item = (u64, Record)>, now: &Snapshot) -> Stats {
        let mut state = State::new(&now.tasks);
        let mut calls: BTreeMap<usize, CallStats> = BTreeMap::new();
        let mut tasks: BTreeMap<u32, TaskStats> = BTreeMap::new();
        // Since when a task waits, and how much it has waited in its present call.
        let mut blocked: BTreeMap<u32, (Option<u64>, u64)> = BTreeMap::new();
        let mut on_cpu: Option<(u32, u64)> = None;
        let mut stats = Stats::default();
        let mut first_ns = None;
        for (seq, record) in records {
            let ns = now.clock.ns(record.tsc);
            if first_ns.is_none() {
                (first_ns, stats.lost) = (Some(ns), seq);
            }
            match state.step(seq, record) {
                Step::Call(call) => {
                    let waited = blocked.remove(&call.tid).map_or(0, |(_, waited)| waited);
                    let total = now.clock.ns(call.end) - now.clock.ns(call.start);
                    let row = calls
                        .entry(call.nr)
                        .or_insert_with(|| CallStats { nr: call.nr, ..CallStats::default() });
                    row.calls += 1;
                    row.errors += u64::from(format::error(call.result).is_some());
                    row.total_ns += total;
                    row.waited_ns += waited.min(total);
                    row.max_ns = row.max_ns.max(total);
                    let task = tasks.entry(call.tid).or_default();
                    task.calls += 1;
                    task.kernel_ns += total.saturating_sub(waited);
                }
                Step::Event(Event::Block, record) => blocked.entry(record.tid).or_default().0 = Some(ns),
                Step::Event(Event::Switch, record) => {
                    let next = record.args[0] as u32;
                    if let Some((tid, since)) = on_cpu
                        && tid == record.tid
                    {
                        tasks.entry(tid).or_default().run_ns += ns - since;
                    }
                    on_cpu = Some((next, ns));
                    if let Some((since, waited)) = blocked.get_mut(&next) {
                        *waited += since.take().map_or(0, |since| ns - since);
                    }
                }
                _ => {}
            }
        }
        let end = now.clock.ns(now.now_tsc);
        if let Some((tid, since)) = on_cpu {
            tasks.entry(tid).or_default().run_ns += end.saturating_sub(since);
        }
        stats.span_ns = end.saturating_sub(first_ns.unwrap_or(end));
        stats.idle_ns = tasks.remove(&0).map_or(0, |idle| idle.run_ns);
        stats.calls = calls.into_values().collect();
        stats.calls.sort_by_key(|row| core::cmp::Reverse((row.kernel_ns(), row.calls)));
        for (tid, row) in tasks {
            stats.tasks.push(TaskStats { tid, comm: state.task(tid).comm.clone(), ..row });
        }
        stats.tasks.sort_by_key(|row| core::cmp::Reverse(row.run_ns));
        stats
    }
}

impl Stats {
    /// The summary as a JSON object on one line; times in nanoseconds.
    pub fn json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out).unwrap_or_default();
        out
    }

    fn write_json(&self, out: &mut String) -> fmt::Result {
        let Stats { span_ns, idle_ns, lost, .. } = self;
        write!(out, "{{\"span_ns\":{span_ns},\"idle_ns\":{idle_ns},\"lost\":{lost},\"calls\":[")?;
        for (at, row) in self.calls.iter().enumerate() {
            let CallStats { calls, errors, total_ns, waited_ns, max_ns, .. } = row;
            out.push_str(if at == 0 { "{\"name\":" } else { ",{\"name\":" });
            json::string(out, &format::name(row.nr));
            write!(out, ",\"calls\":{calls},\"errors\":{errors},\"total_ns\":{total_ns}")?;
            write!(out, ",\"waited_ns\":{waited_ns},\"max_ns\":{max_ns}}}")?;
        }
        out.push_str("],\"tasks\":[");
        for (at, row) in self.tasks.iter().enumerate() {
            let TaskStats { tid, run_ns, kernel_ns, calls, .. } = row;
            out.push_str(if at == 0 { "{\"name\":" } else { ",{\"name\":" });
            json::string(out, &row.comm);
            write!(out, ",\"tid\":{tid},\"run_ns\":{run_ns},\"kernel_ns\":{kernel_ns},\"calls\":{calls}}}")?;
        }
        out.write_str("]}\n")
    }
}

/// Milliseconds with three decimals.
struct Millis(u64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = std::format!("{}.{:03}", self.0 / 1_000_000, self.0 / 1000 % 1000);
        f.pad(&text)
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kernel: u64 = self.calls.iter().map(CallStats::kernel_ns).sum();
        let running: u64 = self.tasks.iter().map(|task| task.run_ns).sum();
        write!(f, "{} ms", Millis(self.span_ns))?;
        if running != 0 {
            write!(f, ": programs {} ms", Millis(running.saturating_sub(kernel)))?;
            write!(f, ", kernel {} ms, idle {} ms", Millis(kernel.min(running)), Millis(self.idle_ns))?;
        }
        if self.lost != 0 {
            write!(f, " ({} older records lost)", self.lost)?;
        }
        writeln!(f, "\n\n% kernel  kernel ms    wait ms   max us    calls   errors syscall")?;
        for row in &self.calls {
            let permille = row.kernel_ns() * 1000 / kernel.max(1);
            let errors = if row.errors == 0 { String::new() } else { std::format!("{}", row.errors) };
            writeln!(
                f,
                "{:>6}.{} {:>10} {:>10} {:>8} {:>8} {errors:>8} {}",
                permille / 10,
                permille % 10,
                Millis(row.kernel_ns()),
                Millis(row.waited_ns),
                row.max_ns / 1000,
                row.calls,
                format::name(row.nr)
            )?;
        }
        writeln!(f, "\n     tid  on cpu ms  kernel ms    calls task")?;
        for row in &self.tasks {
            let (run, kernel) = (Millis(row.run_ns), Millis(row.kernel_ns));
            writeln!(f, "{:>8} {run:>10} {kernel:>10} {:>8} {}", row.tid, row.calls, row.comm)?;
        }
        Ok(())
    }
}
