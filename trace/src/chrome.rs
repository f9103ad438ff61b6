//! Chrome trace events: the JSON that Perfetto, `chrome://tracing` and others open.
//!
//! One process for each guest process, one track for each task, each call a slice; inside it a slice for every time
//! it waited, and an arrow from the call that woke it. Signals, faults, programs and log lines are instants; what
//! programs marked are slices around their calls, and counters.
//! Scheduling stands beside the events as ftrace text ([`crate::sched`]), from which Perfetto draws the CPU and the
//! threads' states. Written in one pass after one over the names, in memory that grows with tasks and not with
//! records. Slices of one track nest or follow each other: viewers drop those that overlap.

use core::fmt::Write as _;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::string::String;
use std::vec::Vec;

use crate::format;
use crate::host::HostEvent;
use crate::json;
use crate::marks::{Edge, Mark, Slices};
use crate::record::{Event, Record};
use crate::sched;
use crate::snapshot::{Snapshot, TaskNow};
use crate::state::{Call, State, Step};
use crate::tracks::{self, DEBUGGER, HOST, KERNEL, Names, Point, Runnable, Span, Wait, Waits};

mod host;

/// Writes `records`, oldest first with their sequence numbers, and the calls that `now` shows in progress.
///
/// # Errors
/// As writing fails.
pub fn write(
    out: &mut dyn Write,
    records: impl Iterator<Item = (u64, Record)> + Clone,
    now: &Snapshot,
) -> io::Result<()> {
    write_beside(out, records, now, &[])
}

/// The same, with what llano itself did beside it.
///
/// # Errors
/// As writing fails.
pub fn write_beside(
    out: &mut dyn Write,
    records: impl Iterator<Item = (u64, Record)> + Clone,
    now: &Snapshot,
    host: &[HostEvent],
) -> io::Result<()> {
    let lost = records.clone().next().map_or(0, |(seq, _)| seq);
    out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n")?;
    let mut writer = Writer {
        out,
        line: String::new(),
        first: true,
        now,
        state: State::new(&now.tasks),
        waits: Waits::default(),
        marks: Slices::default(),
        runnable: Runnable::default(),
        wakes: VecDeque::new(),
    };
    writer.names(&Names::of(records.clone(), now))?;
    writer.host(host)?;
    for (seq, record) in records.clone() {
        let step = writer.state.step(seq, record);
        writer.step(seq, step)?;
    }
    let marked = writer.marks.rest();
    writer.edges(marked)?;
    for task in &now.tasks {
        writer.open_call(task)?;
    }
    writer.point(now.now_tsc, KERNEL, &Point::saved())?;
    writer.out.write_all(b"\n],\n\"systemTraceEvents\":\"")?;
    sched::write(writer.out, records, now)?;
    writeln!(writer.out, "\",\n\"otherData\":{{\"producer\":\"llano\",\"lost_records\":\"{lost}\"}}}}")
}

/// A wake-up whose two ends are not yet known to lie inside calls: an arrow needs a slice at both.
struct Wake {
    id: u64,
    tsc: u64,
    waker: u32,
    woken: u32,
    /// When the woken task ran.
    ran: Option<u64>,
    from_call: bool,
    to_call: bool,
}

/// Wake-ups remembered at a time; older ones lose their arrow.
const MAX_WAKES: usize = 4096;

struct Writer<'a> {
    out: &'a mut dyn Write,
    line: String,
    first: bool,
    now: &'a Snapshot,
    state: State,
    waits: Waits,
    marks: Slices,
    runnable: Runnable,
    wakes: VecDeque<Wake>,
}

impl Writer<'_> {
    /// Begins an event of phase `ph` on the track of `tid`: everything up to its name.
    fn begin(&mut self, ph: char, tid: u32, name: &str) {
        let (tgid, tid) = match tid {
            0 => (KERNEL, KERNEL),
            DEBUGGER => (KERNEL, DEBUGGER),
            HOST.. => (HOST, tid),
            _ => (self.state.task(tid).tgid, tid),
        };
        self.line.clear();
        self.line.push_str("{\"ph\":\"");
        self.line.push(ph);
        self.line.push_str("\",\"pid\":");
        json::number(&mut self.line, tgid.into());
        self.line.push_str(",\"tid\":");
        json::number(&mut self.line, tid.into());
        self.line.push_str(",\"name\":");
        json::string(&mut self.line, name);
    }

    fn field(&mut self, name: &str, value: &str) {
        self.line.push_str(",\"");
        self.line.push_str(name);
        self.line.push_str("\":");
        json::string(&mut self.line, value);
    }

    fn ts(&mut self, tsc: u64) {
        self.line.push_str(",\"ts\":");
        json::micros(&mut self.line, self.now.clock.ns(tsc));
    }

    fn span(&mut self, start: u64, end: u64) {
        let (start_ns, end_ns) = (self.now.clock.ns(start), self.now.clock.ns(end));
        self.ts(start);
        self.line.push_str(",\"dur\":");
        json::micros(&mut self.line, end_ns.saturating_sub(start_ns));
    }

    /// Ends the event begun and writes it.
    fn end(&mut self) -> io::Result<()> {
        self.line.push('}');
        self.out.write_all(if self.first { b"" } else { b",\n" })?;
        self.first = false;
        self.out.write_all(self.line.as_bytes())
    }

    fn names(&mut self, names: &Names) -> io::Result<()> {
        self.name("process_name", KERNEL, KERNEL, "llano")?;
        self.name("thread_name", KERNEL, KERNEL, "kernel")?;
        if names.debugger {
            self.name("thread_name", KERNEL, DEBUGGER, "debugger")?;
        }
        for (&tid, task) in names.last.tasks().range(1..) {
            if tid == task.tgid {
                self.name("process_name", tid, tid, &task.comm)?;
            }
            self.name("thread_name", task.tgid, tid, &task.comm)?;
        }
        Ok(())
    }

    fn name(&mut self, what: &str, pid: u32, tid: u32, name: &str) -> io::Result<()> {
        self.line.clear();
        let _ = write!(self.line, "{{\"ph\":\"M\",\"pid\":{pid},\"tid\":{tid},\"name\":\"{what}\"");
        self.line.push_str(",\"args\":{\"name\":");
        json::string(&mut self.line, name);
        self.line.push('}');
        self.end()
    }

    fn step(&mut self, seq: u64, step: Step) -> io::Result<()> {
        match step {
            Step::Nothing => Ok(()),
            Step::Call(call) => self.call(&call),
            Step::Log { record, text } => self.point(record.tsc, record.tid, &Point::log(&record, &text)),
            Step::Mark { tsc, tid, text } => self.mark(tsc, tid, &text),
            Step::Command { tsc, text } => self.point(tsc, KERNEL, &Point::command(&text)),
            Step::Exe { tsc, tid, path } => {
                let ended = self.marks.exec(tsc, tid);
                self.edges(ended)?;
                self.point(tsc, tid, &Point::exec(&path))
            }
            Step::Event(event, record) => self.event(seq, event, &record),
        }
    }

    fn mark(&mut self, tsc: u64, tid: u32, text: &str) -> io::Result<()> {
        let edges = match Mark::parse(text) {
            Mark::Begin(name) => self.marks.begin(tsc, tid, name),
            Mark::End => self.marks.end(tsc, tid),
            Mark::Counter(name, value) => return self.counter(tsc, tid, (name, "value"), value),
            Mark::Point(text) => return self.point(tsc, tid, &Point::mark(text)),
        };
        self.edges(edges)
    }

    /// Where slices of programs' own begin and end.
    fn edges(&mut self, edges: Vec<Edge>) -> io::Result<()> {
        for edge in edges {
            self.begin(if edge.begins { 'B' } else { 'E' }, edge.tid, &edge.name);
            self.ts(edge.tsc);
            self.field("cat", "mark");
            self.end()?;
        }
        Ok(())
    }

    fn call(&mut self, call: &Call) -> io::Result<()> {
        let ended = self.marks.before(call);
        self.edges(ended)?;
        self.begin('X', call.tid, &format::name(call.nr));
        self.span(call.start, call.end);
        self.field("cat", "syscall");
        self.call_args(call.tid, call.nr, &call.args, Some(call.result), call);
        self.line.push_str(",\"event\":");
        json::number(&mut self.line, call.seq);
        self.line.push('}');
        self.end()?;
        let waits = self.waits.take(call.tid);
        self.waits(call.tid, waits, Some(call.end))?;
        self.arrows(call)?;
        let begun = self.marks.after(call);
        self.edges(begun)
    }

    /// Opens the `args` object: each argument by name, then the result.
    fn call_args(&mut self, tid: u32, nr: usize, args: &[u64; 6], result: Option<i64>, call: &Call) {
        let fds = self.state.task(tid).fds.clone();
        let fds = fds.borrow();
        let context = call.context(&fds, result);
        let line = &mut self.line;
        line.push_str(",\"args\":{");
        format::args(nr, args, context, |_, name, text| {
            json::string(line, name);
            line.push(':');
            json::string(line, text);
            line.push(',');
        });
        let mut text = String::new();
        match result {
            Some(value) => format::result(&mut text, nr, args, value, context),
            None => text.push_str("in progress"),
        }
        line.push_str("\"result\":");
        json::string(line, &text);
    }

    /// The waits inside the call just written: after it, so that of two slices that begin at once the outer is first.
    /// One that no switch ended, because the task went on without leaving the CPU, ends with the call at `until`.
    fn waits(&mut self, tid: u32, waits: Vec<Wait>, until: Option<u64>) -> io::Result<()> {
        let fds = self.state.task(tid).fds.clone();
        for wait in waits {
            match wait.end.or(until) {
                Some(end) => {
                    self.begin('X', tid, &wait.name());
                    self.span(wait.start, end);
                }
                None => {
                    self.begin('B', tid, &wait.name());
                    self.ts(wait.start);
                }
            }
            self.field("cat", "wait");
            self.args(wait.on(&fds.borrow()).as_slice());
            self.end()?;
        }
        Ok(())
    }

    /// Draws the wake-ups that this call completes.
    fn arrows(&mut self, call: &Call) -> io::Result<()> {
        let inside = |tsc: u64| (call.start..=call.end).contains(&tsc);
        let mut whole = Vec::new();
        self.wakes.retain_mut(|wake| {
            wake.from_call |= wake.waker == call.tid && inside(wake.tsc);
            wake.to_call |= wake.woken == call.tid && wake.ran.is_some_and(inside);
            let done = wake.from_call && wake.to_call;
            if let (true, Some(ran)) = (done, wake.ran) {
                whole.push((wake.id, wake.tsc, wake.waker, ran, wake.woken));
            }
            !done
        });
        for (id, tsc, waker, ran, woken) in whole {
            for (ph, tid, tsc) in [('s', waker, tsc), ('f', woken, ran)] {
                self.begin(ph, tid, "wake");
                self.ts(tsc);
                let _ = write!(self.line, ",\"cat\":\"wake\",\"id\":{id},\"bp\":\"e\"");
                self.end()?;
            }
        }
        Ok(())
    }

    /// A call that never returned is a slice without an end.
    fn open_call(&mut self, task: &TaskNow) -> io::Result<()> {
        let Some(open) = &task.call else { return Ok(()) };
        self.begin('B', task.tid, &format::name(open.nr));
        self.ts(open.start_tsc);
        self.field("cat", "syscall");
        let memory = self.state.task(task.tid).memory.clone();
        let call = Call {
            seq: 0,
            tid: task.tid,
            nr: open.nr,
            start: open.start_tsc,
            end: self.now.now_tsc,
            result: 0,
            args: open.args,
            memory,
            made: Vec::new(),
        };
        self.call_args(task.tid, open.nr, &open.args, None, &call);
        self.line.push('}');
        self.end()?;
        let waits = self.waits.take(task.tid);
        self.waits(task.tid, waits, None)?;
        self.arrows(&call)
    }

    /// The `args` object of the event begun.
    fn args(&mut self, args: &[(&str, String)]) {
        self.line.push_str(",\"args\":{");
        for (at, (name, value)) in args.iter().enumerate() {
            self.line.push_str(if at == 0 { "" } else { "," });
            json::string(&mut self.line, name);
            self.line.push(':');
            json::string(&mut self.line, value);
        }
        self.line.push('}');
    }

    fn point(&mut self, tsc: u64, tid: u32, point: &Point) -> io::Result<()> {
        self.begin('i', tid, &point.name);
        self.ts(tsc);
        self.field("s", "t");
        self.field("cat", point.category);
        self.args(&point.args);
        self.end()
    }

    /// A counter of the process of `tid`, by name and unit: viewers show both.
    fn counter(&mut self, tsc: u64, tid: u32, (name, unit): (&str, &str), value: i64) -> io::Result<()> {
        self.begin('C', tid, name);
        self.ts(tsc);
        let _ = write!(self.line, ",\"args\":{{\"{unit}\":{value}}}");
        self.end()
    }

    fn event(&mut self, seq: u64, event: Event, record: &Record) -> io::Result<()> {
        let &Record { tsc, tid, args, .. } = record;
        if let Some(count) = self.runnable.step(event, record) {
            self.counter(tsc, KERNEL, ("runnable", "tasks"), count)?;
        }
        match event {
            Event::Block => {
                let many = self.waits.begin(record);
                self.waits(tid, many, Some(tsc))
            }
            Event::Wake => {
                let woken = args[0] as u32;
                if tid != 0 {
                    if self.wakes.len() == MAX_WAKES {
                        self.wakes.pop_front();
                    }
                    let wake =
                        Wake { id: seq, tsc, waker: tid, woken, ran: None, from_call: false, to_call: false };
                    self.wakes.push_back(wake);
                }
                Ok(())
            }
            Event::Switch => {
                self.switch(tsc, args[0] as u32);
                Ok(())
            }
            Event::Exit
            | Event::SignalSent
            | Event::SignalDelivered
            | Event::SignalReturned
            | Event::Fault
            | Event::Timer
            | Event::Patch => {
                if event == Event::Exit {
                    let waits = self.waits.take(tid);
                    self.waits(tid, waits, Some(tsc))?;
                    let ended = self.marks.exit(tsc, tid);
                    self.edges(ended)?;
                }
                Point::of(event, record).map_or(Ok(()), |point| self.point(tsc, tid, &point))
            }
            Event::Counter => {
                let (name, unit) = tracks::counter(record);
                self.counter(tsc, KERNEL, (&name, unit), args[0] as i64)
            }
            Event::Irq | Event::Stop | Event::Exchange => Span::of(event, record, &mut self.state)
                .map_or(Ok(()), |span| self.kernel_span(record, &span)),
            // The calls tell of births and maps; the others are steps of their own.
            Event::Clone | Event::Map | Event::Unmap | Event::Brk | Event::Task | Event::Open => Ok(()),
            Event::Exec | Event::Syscall | Event::SyscallArgs | Event::Bytes => Ok(()),
            Event::Log | Event::Mark | Event::Command => Ok(()),
        }
    }

    /// `next` runs: what it waited for has come, and the arrow that points at it has an end.
    fn switch(&mut self, tsc: u64, next: u32) {
        self.waits.runs(next, tsc);
        if let Some(wake) = self.wakes.iter_mut().rev().find(|wake| wake.woken == next) {
            wake.ran.get_or_insert(tsc);
        }
    }

    fn kernel_span(&mut self, record: &Record, span: &Span) -> io::Result<()> {
        self.begin('X', span.track, span.name);
        self.span(record.tsc.saturating_sub(record.duration), record.tsc);
        self.field("cat", span.category);
        self.args(&span.args);
        self.end()
    }
}
