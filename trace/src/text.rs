//! A recording as text, in the manner of `strace -f -y -tt -T`: a line a call.
//!
//! ```text
//!    12 14:05:09.123456 openat(AT_FDCWD</root>, "/etc/passwd", O_RDONLY) = 3</etc/passwd> <0.000002>
//!    12 14:05:09.123471 --- SIGCHLD ---
//!    12 14:05:09.123502 +++ exited with 0 +++
//! ```
//!
//! Task, time of day in UTC (of the entry), call, seconds it took. A line stands where its call returned, so the times
//! of tasks that overlap are not in order. Calls in progress when the trace was saved come last.

use core::fmt::Write as _;
use std::io::{self, Write};
use std::string::String;

use crate::filter::Filter;
use crate::format::{self, Context};
use crate::record::{Counter, Event, Irq, Record, TaskState, TimerKind, Waiting};
use crate::snapshot::{Calibration, Snapshot, TaskNow};
use crate::state::{Call, State, Step};

/// What is printed.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Only this task.
    pub task: Option<u32>,
    /// Only what this would have kept at recording.
    pub filter: Filter,
    /// Of calls only those that failed.
    pub errors_only: bool,
    /// Scheduling, memory and interrupts too, and what strace does not know.
    pub all_events: bool,
    /// Sequence numbers in front.
    pub numbers: bool,
}

/// Prints `records`, oldest first with their sequence numbers, and the calls that `now` shows in progress.
///
/// # Errors
/// As writing fails.
pub fn write(
    out: &mut dyn Write,
    records: impl Iterator<Item = (u64, Record)>,
    now: &Snapshot,
    options: Options,
) -> io::Result<()> {
    let mut printer = Printer::new(&now.tasks, now.clock, options);
    for (seq, record) in records {
        printer.record(out, seq, record)?;
    }
    printer.in_progress(out, &now.tasks)
}

/// Prints records as they come.
#[derive(Debug)]
pub struct Printer {
    state: State,
    clock: Calibration,
    options: Options,
    line: String,
}

impl Printer {
    /// Before the first record. `tasks` name those whose birth is not among the records.
    pub fn new(tasks: &[TaskNow], clock: Calibration, options: Options) -> Printer {
        Printer { state: State::new(tasks), clock, options, line: String::new() }
    }

    fn chosen(&self, tid: u32) -> bool {
        self.options.task.is_none_or(|task| task == tid)
    }

    /// Prints the next record, if it makes a line.
    ///
    /// # Errors
    /// As writing fails.
    pub fn record(&mut self, out: &mut dyn Write, seq: u64, record: Record) -> io::Result<()> {
        let Printer { options, clock, .. } = *self;
        let (tid, tsc) = (record.tid, record.tsc);
        let step = self.state.step(seq, record);
        let line = &mut self.line;
        line.clear();
        if !kept(&options.filter, &step) {
            return Ok(());
        }
        let (mut seq, mut tsc) = (seq, tsc);
        match step {
            Step::Call(call) if !options.errors_only || format::error(call.result).is_some() => {
                returned(line, &mut self.state, &call, &clock);
                (seq, tsc) = (call.seq, call.start);
            }
            Step::Log { record, text } => {
                let _ = match record.nr {
                    // As dmesg: only what is for those who debug says what it is about.
                    7 => write!(line, "kernel: {}: {text}", record.target()),
                    _ => write!(line, "kernel: {text}"),
                };
                tsc = record.tsc;
            }
            Step::Mark { text, .. } => {
                line.push_str("mark ");
                format::quoted(line, text.as_bytes());
            }
            Step::Command { text, .. } if options.all_events => {
                let _ = write!(line, "--- monitor: {text} ---");
            }
            Step::Exe { path, .. } if options.all_events => {
                line.push_str("--- program ");
                format::quoted(line, path.as_bytes());
                line.push_str(" ---");
            }
            Step::Event(kind, record) if options.all_events || told(kind) => {
                event(line, kind, &record, &clock).unwrap_or_default();
            }
            _ => return Ok(()),
        }
        if !self.chosen(tid) || self.line.is_empty() {
            return Ok(());
        }
        self.print(out, Some(seq), tid, tsc)
    }

    /// Prints the calls that have not returned.
    ///
    /// # Errors
    /// As writing fails.
    pub fn in_progress(&mut self, out: &mut dyn Write, tasks: &[TaskNow]) -> io::Result<()> {
        for task in tasks {
            let Some(open) = task.call.as_ref().filter(|call| {
                self.chosen(task.tid) && !self.options.errors_only && self.options.filter.keeps_call(call.nr)
            }) else {
                continue;
            };
            let known = self.state.task(task.tid);
            let (memory, fds) = (known.memory.clone(), known.fds.clone());
            let fds = fds.borrow();
            let context = Context { memory: &memory, fds: Some(&fds), ..Context::default() };
            self.line.clear();
            format::call(&mut self.line, open.nr, &open.args, context);
            self.print(out, None, task.tid, open.start_tsc)?;
        }
        Ok(())
    }

    fn print(&mut self, out: &mut dyn Write, seq: Option<u64>, tid: u32, tsc: u64) -> io::Result<()> {
        match seq {
            Some(seq) if self.options.numbers => write!(out, "{seq:>8} ")?,
            None if self.options.numbers => write!(out, "{:>8} ", '-')?,
            _ => {}
        }
        let wall_ns = self.clock.wall_ns(tsc);
        let (seconds, micros) = (wall_ns / 1_000_000_000, wall_ns / 1000 % 1_000_000);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        writeln!(out, "{tid:>5} {hour:02}:{minute:02}:{second:02}.{micros:06} {}", self.line)
    }
}

/// Whether the filter keeps it. Calls it does not keep were followed all the same: they name descriptors.
fn kept(filter: &Filter, step: &Step) -> bool {
    match step {
        Step::Call(call) => filter.keeps_call(call.nr),
        Step::Event(event, _) => filter.keeps(*event),
        Step::Log { .. } => filter.keeps(Event::Log),
        Step::Mark { .. } => filter.keeps(Event::Mark),
        Step::Command { .. } => filter.keeps(Event::Command),
        Step::Exe { .. } => filter.keeps(Event::Exec),
        Step::Nothing => false,
    }
}

/// What strace tells of as well.
fn told(event: Event) -> bool {
    matches!(event, Event::Exit | Event::SignalDelivered | Event::Fault | Event::Stop)
}

fn returned(line: &mut String, state: &mut State, call: &Call, clock: &Calibration) {
    let fds = state.task(call.tid).fds.clone();
    let fds = fds.borrow();
    format::call(line, call.nr, &call.args, call.context(&fds, Some(call.result)));
    let micros = (clock.ns(call.end) - clock.ns(call.start)) / 1000;
    let _ = write!(line, " <{}.{:06}>", micros / 1_000_000, micros % 1_000_000);
}

fn event(line: &mut String, event: Event, record: &Record, clock: &Calibration) -> core::fmt::Result {
    let &Record { nr, args, .. } = record;
    let [a, b, c, _] = args;
    match event {
        Event::Exit if a & 0x7f == 0 => write!(line, "+++ exited with {} +++", a >> 8 & 0xff),
        Event::Exit => {
            line.push_str("+++ killed by ");
            format::signal(line, a as u32 & 0x7f)?;
            line.write_str(" +++")
        }
        Event::SignalDelivered => {
            line.push_str("--- ");
            format::signal(line, nr.into())?;
            line.write_str(" ---")
        }
        Event::Fault => {
            line.push_str("--- ");
            format::signal(line, nr.into())?;
            write!(line, " at address {a:#x}, instruction {b:#x} ---")
        }
        Event::Stop => {
            let micros = (clock.ns(record.tsc) - clock.ns(record.tsc.saturating_sub(record.duration))) / 1000;
            write!(line, "--- held by a debugger for {}.{:03} ms ---", micros / 1000, micros % 1000)
        }
        Event::SignalSent => {
            line.push_str("--- sends ");
            format::signal(line, nr.into())?;
            write!(line, " to {a} ---")
        }
        Event::Block => {
            let waiting = u16::try_from(a).ok().and_then(Waiting::from_raw).unwrap_or(Waiting::Other);
            write!(line, "... waits for {} {b:#x} in {}", waiting.name(), format::name(nr.into()))
        }
        Event::Wake => write!(line, "... wakes {a}"),
        Event::Switch => {
            let left = TaskState::from_raw(nr).map_or("?", TaskState::name);
            write!(line, "... leaves the CPU to {a}, state {left}")
        }
        Event::Clone => write!(line, "... makes task {a} of process {b}"),
        Event::Map => write!(line, "... maps {a:#x}-{:#x}, protection {c}", a.wrapping_add(b)),
        Event::Unmap => write!(line, "... unmaps {a:#x}-{:#x}", a.wrapping_add(b)),
        Event::Irq => write!(line, "... interrupt: {}", Irq::from_raw(nr).map_or("?", Irq::name)),
        Event::Counter => {
            write!(line, "... {} is {}", Counter::from_raw(nr).map_or("counter", Counter::name), a as i64)
        }
        Event::SignalReturned => write!(line, "... returns from a signal to {b:#x}"),
        Event::Brk => write!(line, "... moves the end of its heap from {a:#x} to {b:#x}"),
        Event::Exchange => {
            let ns = clock.ns(record.tsc) - clock.ns(record.tsc.saturating_sub(record.duration));
            write!(line, "... its memory is put in place: {a} bytes, {b} maps, {ns} ns")
        }
        Event::Timer => {
            write!(
                line,
                "... timer expires: {}, {a} ns late",
                TimerKind::from_raw(nr).map_or("?", TimerKind::name)
            )
        }
        Event::Patch if b != 0 => write!(line, "... call site {a:#x} jumps from now on"),
        Event::Patch => write!(line, "... call site {a:#x} will trap for ever"),
        // Told by the name and the program that follow, or by the open calls at the end.
        Event::Exec | Event::Task | Event::Open => Ok(()),
        // Steps of their own.
        Event::Syscall | Event::SyscallArgs | Event::Bytes => Ok(()),
        Event::Log | Event::Mark | Event::Command => Ok(()),
    }
}
