//! Perfetto's own format: the one for large traces.
//!
//! Each task has a track with a slice for each call, its arguments as annotations, and inside it a slice for every time
//! it waited; signals, faults, programs and log lines are points; what programs marked are slices around their calls, and
//! counters. Beside them stand the kernel's own `sched_switch` and
//! `sched_waking` events, from which Perfetto draws the CPU and the state of every thread. A wake-up is an arrow from a
//! point on the waker's track to one where the woken task runs.
//!
//! Written in one pass after one over the names, in memory that grows with tasks and counters and not with records.
//!
//! The files: `proto` for messages as bytes, `packets` for the file and its compression, `descriptors` for what stands at
//! its head, `sched` for scheduling.
//!
//! Field numbers are those of `track_event.proto` and `debug_annotation.proto` in Perfetto's sources.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::rc::Rc;
use std::string::String;
use std::thread;
use std::vec;
use std::vec::Vec;

use llano_abi::syscalls::NR_LIMIT;

use crate::format;
use crate::host::HostEvent;
use crate::marks::{Edge, Mark, Slices};
use crate::record::{Event, Record};
use crate::snapshot::{Snapshot, TaskNow};
use crate::state::{Call, State, Step};
use crate::tracks::{self, KERNEL, Names, Point, Runnable, Span, Wait, Waits};

mod descriptors;
mod host;
mod packets;
pub(crate) mod proto;
mod sched;

use descriptors::track;
use packets::{Interned, Packets};
use proto::{begin, bytes, end, fixed, message, number};

/// `TracePacket.track_event`.
const TRACK_EVENT: u32 = 11;
/// `TrackEvent.debug_annotations`.
const ANNOTATION: u32 = 4;
/// `TrackEvent.flow_ids` and `TrackEvent.terminating_flow_ids`.
const FLOW: u32 = 47;
const FLOW_END: u32 = 48;

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
    thread::scope(|scope| {
        let mut writer = Writer {
            packets: Packets::new(out, scope)?,
            now,
            state: State::new(&now.tasks),
            waits: Waits::default(),
            marks: Slices::default(),
            runnable: Runnable::default(),
            counters: BTreeMap::new(),
            woken: BTreeMap::new(),
            args: Vec::new(),
            calls: vec![None; NR_LIMIT],
        };
        let first = records.clone().next().map_or(now.now_tsc, |(_, record)| record.tsc);
        writer.head(first)?;
        writer.names(first, &Names::of(records.clone(), now))?;
        writer.host(host)?;
        for (seq, record) in records {
            let step = writer.state.step(seq, record);
            writer.step(seq, step)?;
        }
        let marked = writer.marks.rest();
        writer.edges(marked)?;
        for task in &now.tasks {
            writer.open_call(task)?;
        }
        writer.point(now.now_tsc, KERNEL, &Point::saved())?;
        writer.packets.finish()
    })
}

/// The numbers of a call's names: they are looked up once, for a call is made far more often.
#[derive(Clone)]
struct CallNames {
    category: u64,
    name: u64,
    args: Vec<u64>,
    result: u64,
    event: u64,
}

/// `TrackEvent.Type`.
#[derive(Copy, Clone)]
enum Kind {
    Begin = 1,
    End = 2,
    Point = 3,
    Counter = 4,
}

struct Writer<'a> {
    packets: Packets<'a>,
    now: &'a Snapshot,
    state: State,
    waits: Waits,
    marks: Slices,
    runnable: Runnable,
    /// Tracks of counters, by process and name.
    counters: BTreeMap<(u32, String), u64>,
    /// The wake-up that made a task runnable, until it runs.
    woken: BTreeMap<u32, u64>,
    /// Annotations of the event being made.
    args: Vec<u8>,
    /// Names of calls, by number.
    calls: Vec<Option<Rc<CallNames>>>,
}

impl Writer<'_> {
    fn ns(&self, tsc: u64) -> u64 {
        self.now.clock.ns(tsc)
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

    /// Adds an annotation to the event being made.
    fn annotate(&mut self, name: &str, value: &str) {
        let name = self.packets.intern(Interned::Annotation, name);
        annotation(&mut self.args, name, value);
    }

    /// An event with the annotations gathered.
    fn track_event(&mut self, kind: Kind, tid: u32, tsc: u64, category: &str, name: &str) -> io::Result<()> {
        let category = self.packets.intern(Interned::Category, category);
        let name = self.packets.intern(Interned::Event, name);
        self.named_event(kind, tid, tsc, category, name)
    }

    fn named_event(&mut self, kind: Kind, tid: u32, tsc: u64, category: u64, name: u64) -> io::Result<()> {
        let (ns, args) = (self.now.clock.ns(tsc), &mut self.args);
        let added = self.packets.packet(Some(ns), |packet| {
            message(packet, TRACK_EVENT, |event| {
                number(event, 9, kind as u64);
                number(event, 11, track(tid));
                number(event, 3, category);
                number(event, 10, name);
                event.extend_from_slice(args);
            });
        });
        args.clear();
        added
    }

    fn end(&mut self, tid: u32, tsc: u64) -> io::Result<()> {
        let ns = self.ns(tsc);
        self.packets.packet(Some(ns), |packet| {
            message(packet, TRACK_EVENT, |event| {
                number(event, 9, Kind::End as u64);
                number(event, 11, track(tid));
            });
        })
    }

    fn mark(&mut self, tsc: u64, tid: u32, text: &str) -> io::Result<()> {
        let edges = match Mark::parse(text) {
            Mark::Begin(name) => self.marks.begin(tsc, tid, name),
            Mark::End => self.marks.end(tsc, tid),
            Mark::Counter(name, value) => {
                let process = self.state.task(tid).tgid;
                return self.counter(tsc, process, name.into(), "", value);
            }
            Mark::Point(text) => return self.point(tsc, tid, &Point::mark(text)),
        };
        self.edges(edges)
    }

    /// Where slices of programs' own begin and end.
    fn edges(&mut self, edges: Vec<Edge>) -> io::Result<()> {
        for edge in edges {
            if edge.begins {
                self.named_now(Kind::Begin, edge.tid, edge.tsc, "mark", &edge.name)?;
            } else {
                self.end(edge.tid, edge.tsc)?;
            }
        }
        Ok(())
    }

    fn call(&mut self, call: &Call) -> io::Result<()> {
        let ended = self.marks.before(call);
        self.edges(ended)?;
        self.begin_call(call, Some(call.result))?;
        let waits = self.waits.take(call.tid);
        self.waits(call.tid, &waits, Some(call.end))?;
        self.end(call.tid, call.end)?;
        let begun = self.marks.after(call);
        self.edges(begun)
    }

    fn call_names(&mut self, nr: usize) -> Rc<CallNames> {
        if let Some(Some(known)) = self.calls.get(nr) {
            return Rc::clone(known);
        }
        let packets = &mut self.packets;
        let mut args = Vec::new();
        format::arg_names(nr, |name| args.push(packets.intern(Interned::Annotation, name)));
        let names = Rc::new(CallNames {
            category: packets.intern(Interned::Category, "syscall"),
            name: packets.intern(Interned::Event, &format::name(nr)),
            args,
            result: packets.intern(Interned::Annotation, "result"),
            event: packets.intern(Interned::Annotation, "event"),
        });
        if let Some(place) = self.calls.get_mut(nr) {
            *place = Some(Rc::clone(&names));
        }
        names
    }

    fn begin_call(&mut self, call: &Call, result: Option<i64>) -> io::Result<()> {
        let names = self.call_names(call.nr);
        let fds = self.state.task(call.tid).fds.clone();
        let fds = fds.borrow();
        let context = call.context(&fds, result);
        let args = &mut self.args;
        format::args(call.nr, &call.args, context, |at, _, text| {
            if let Some(&name) = names.args.get(at) {
                annotation(args, name, text);
            }
        });
        let mut text = String::new();
        match result {
            Some(value) => format::result(&mut text, call.nr, &call.args, value, context),
            None => text.push_str("in progress"),
        }
        annotation(args, names.result, &text);
        if result.is_some() {
            let at = begin(args, ANNOTATION);
            number(args, 1, names.event);
            number(args, 3, call.seq);
            end(args, at);
        }
        self.named_event(Kind::Begin, call.tid, call.start, names.category, names.name)
    }

    /// Waits inside a call that has begun. One that no switch ended, because the task went on without leaving the CPU,
    /// ends with the call at `until`.
    fn waits(&mut self, tid: u32, waits: &[Wait], until: Option<u64>) -> io::Result<()> {
        let fds = self.state.task(tid).fds.clone();
        for wait in waits {
            if let Some((name, value)) = wait.on(&fds.borrow()) {
                self.annotate(name, &value);
            }
            self.track_event(Kind::Begin, tid, wait.start, "wait", &wait.name())?;
            if let Some(tsc) = wait.end.or(until) {
                self.end(tid, tsc)?;
            }
        }
        Ok(())
    }

    /// A call that never returned is a slice without an end.
    fn open_call(&mut self, task: &TaskNow) -> io::Result<()> {
        let Some(open) = &task.call else { return Ok(()) };
        let call = Call {
            seq: 0,
            tid: task.tid,
            nr: open.nr,
            start: open.start_tsc,
            end: self.now.now_tsc,
            result: 0,
            args: open.args,
            memory: self.state.task(task.tid).memory.clone(),
            made: Vec::new(),
        };
        self.begin_call(&call, None)?;
        let waits = self.waits.take(task.tid);
        self.waits(task.tid, &waits, None)
    }

    fn point(&mut self, tsc: u64, tid: u32, point: &Point) -> io::Result<()> {
        for (name, value) in &point.args {
            self.annotate(name, value);
        }
        self.named_now(Kind::Point, tid, tsc, point.category, &point.name)
    }

    /// An event whose name is not from a fixed set: remembering them all would grow with the trace.
    fn named_now(&mut self, kind: Kind, tid: u32, tsc: u64, category: &str, name: &str) -> io::Result<()> {
        let category = self.packets.intern(Interned::Category, category);
        let (ns, args) = (self.now.clock.ns(tsc), &mut self.args);
        let added = self.packets.packet(Some(ns), |packet| {
            message(packet, TRACK_EVENT, |event| {
                number(event, 9, kind as u64);
                number(event, 11, track(tid));
                number(event, 3, category);
                bytes(event, 23, name.as_bytes());
                event.extend_from_slice(args);
            });
        });
        args.clear();
        added
    }

    /// A counter of `process` has become `value`.
    fn counter(&mut self, tsc: u64, process: u32, name: String, unit: &str, value: i64) -> io::Result<()> {
        let (next, key) = (self.counters.len() as u64, (process, name));
        let track = match self.counters.get(&key) {
            Some(&track) => track,
            None => {
                let track = self.counter_track(next, process, &key.1, unit)?;
                self.counters.insert(key, track);
                track
            }
        };
        let ns = self.ns(tsc);
        self.packets.packet(Some(ns), |packet| {
            message(packet, TRACK_EVENT, |event| {
                number(event, 9, Kind::Counter as u64);
                number(event, 11, track);
                number(event, 30, value as u64);
            });
        })
    }

    /// One end of an arrow.
    fn arrow(&mut self, tsc: u64, tid: u32, name: &str, (field, id): (u32, u64)) -> io::Result<()> {
        fixed(&mut self.args, field, id);
        self.track_event(Kind::Point, tid, tsc, "wake", name)
    }

    fn event(&mut self, seq: u64, event: Event, record: &Record) -> io::Result<()> {
        let &Record { tsc, tid, args, .. } = record;
        if let Some(count) = self.runnable.step(event, record) {
            self.counter(tsc, KERNEL, "runnable tasks".into(), "", count)?;
        }
        match event {
            Event::Block => {
                let many = self.waits.begin(record);
                self.waits(tid, &many, Some(tsc))
            }
            Event::Wake => {
                let woken = args[0] as u32;
                sched::waking(&mut self.packets, &mut self.state, self.now.clock.ns(tsc), tid, woken)?;
                if tid == 0 {
                    self.woken.remove(&woken);
                    return Ok(());
                }
                self.woken.insert(woken, seq);
                self.arrow(tsc, tid, "wake", (FLOW, seq))
            }
            Event::Switch => {
                let next = args[0] as u32;
                sched::switch(&mut self.packets, &mut self.state, self.now.clock.ns(tsc), record)?;
                self.waits.runs(next, tsc);
                match self.woken.remove(&next) {
                    Some(wake) => self.arrow(tsc, next, "woken", (FLOW_END, wake)),
                    None => Ok(()),
                }
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
                    self.waits(tid, &waits, Some(tsc))?;
                    let ended = self.marks.exit(tsc, tid);
                    self.edges(ended)?;
                }
                Point::of(event, record).map_or(Ok(()), |point| self.point(tsc, tid, &point))
            }
            Event::Counter => {
                let (name, unit) = tracks::counter(record);
                // Of bytes the viewer is told, and writes them as such.
                let name = if unit == tracks::BYTES { name } else { std::format!("{name} {unit}") };
                self.counter(tsc, KERNEL, name, unit, args[0] as i64)
            }
            Event::Irq | Event::Stop | Event::Exchange => Span::of(event, record, &mut self.state)
                .map_or(Ok(()), |span| self.kernel_span(record, &span)),
            // Who was just made can run from then on.
            Event::Clone => {
                sched::waking(&mut self.packets, &mut self.state, self.now.clock.ns(tsc), tid, args[0] as u32)
            }
            // The calls tell of maps; the others are steps of their own.
            Event::Map | Event::Unmap | Event::Brk | Event::Task | Event::Open => Ok(()),
            Event::Exec | Event::Syscall | Event::SyscallArgs | Event::Bytes => Ok(()),
            Event::Log | Event::Mark | Event::Command => Ok(()),
        }
    }

    fn kernel_span(&mut self, record: &Record, span: &Span) -> io::Result<()> {
        for (name, value) in &span.args {
            self.annotate(name, value);
        }
        let start = record.tsc.saturating_sub(record.duration);
        self.track_event(Kind::Begin, span.track, start, span.category, span.name)?;
        self.end(span.track, record.tsc)
    }
}

/// A `DebugAnnotation` with a string.
fn annotation(out: &mut Vec<u8>, name: u64, value: &str) {
    let at = begin(out, ANNOTATION);
    number(out, 1, name);
    bytes(out, 6, value.as_bytes());
    end(out, at);
}
