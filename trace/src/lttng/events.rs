//! What each record becomes: events by the names and with the fields that LTTng's kernel tracer gives them.

use core::cmp::Ordering;
use std::string::String;
use std::vec::Vec;

use llano_abi::syscalls::{self, ArgKind, nr};

use crate::record::{BytesKind, Event, Irq, Record, TaskState, TimerKind};
use crate::snapshot::Calibration;
use crate::state::{self, Call, State, Step};

/// A field of an event.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Field {
    /// `int32_t`.
    I32(&'static str),
    /// `int64_t`.
    I64(&'static str),
    /// `uint64_t` in hexadecimal.
    Hex(&'static str),
    /// A task's name: 16 bytes.
    Comm(&'static str),
    /// Text that ends in a NUL.
    Text(&'static str),
}

use Field::{Comm, Hex, I32, I64, Text};

macro_rules! kinds {
    ($($name:ident $text:literal [$($field:expr),*],)*) => {
        /// A kind of event that is no call; its number.
        #[derive(Copy, Clone)]
        pub(super) enum Kind { $($name),* }

        /// Name and fields, in the order of their numbers.
        pub(super) const KINDS: &[(&str, &[Field])] = &[$(($text, &[$($field),*])),*];
    };
}

kinds! {
    Switch "sched_switch" [Comm("prev_comm"), I32("prev_tid"), I32("prev_prio"), I64("prev_state"),
        Comm("next_comm"), I32("next_tid"), I32("next_prio")],
    Waking "sched_waking" [Comm("comm"), I32("tid"), I32("prio"), I32("target_cpu")],
    Wakeup "sched_wakeup" [Comm("comm"), I32("tid"), I32("prio"), I32("target_cpu")],
    Fork "sched_process_fork" [Comm("parent_comm"), I32("parent_tid"), I32("parent_pid"),
        Comm("child_comm"), I32("child_tid"), I32("child_pid")],
    Exec "sched_process_exec" [Text("filename"), I32("tid"), I32("old_tid")],
    Exit "sched_process_exit" [Comm("comm"), I32("tid"), I32("prio")],
    IrqEntry "irq_handler_entry" [I32("irq"), Text("name")],
    IrqExit "irq_handler_exit" [I32("irq"), I32("ret")],
    TimerEntry "timer_hrtimer_expire_entry" [Hex("hrtimer"), I64("now"), Hex("function")],
    TimerExit "timer_hrtimer_expire_exit" [Hex("hrtimer")],
    Itimer "timer_itimer_expire" [I32("which"), I32("pid"), I64("now")],
    SignalGenerate "signal_generate" [I32("sig"), I32("errno"), I32("code"), Comm("comm"), I32("pid"),
        I32("group"), I32("result")],
    SignalDeliver "signal_deliver" [I32("sig"), I32("errno"), I32("code"), Hex("sa_handler"), Hex("sa_flags")],
    PageFault "x86_exceptions_page_fault_user" [Hex("address"), Hex("ip")],
    Log "printk_console" [Text("msg")],
    Logger "lttng_logger" [Text("msg")],
    DumpBegin "lttng_statedump_start" [],
    DumpTask "lttng_statedump_process_state" [I32("tid"), I32("vtid"), I32("pid"), I32("vpid"), I32("ppid"),
        I32("vppid"), Comm("name"), I32("type"), I32("mode"), I32("submode"), I32("status"), I32("cpu")],
    DumpEnd "lttng_statedump_end" [],
    Hold "llano_debugger_stop" [],
    Release "llano_debugger_cont" [],
    CallUnknown "syscall_entry_unknown" [I32("id"), Hex("arg0"), Hex("arg1"), Hex("arg2"), Hex("arg3"),
        Hex("arg4"), Hex("arg5")],
    ReturnUnknown "syscall_exit_unknown" [I32("id"), I64("ret")],
}

/// Numbers of calls begin here: entries are even, exits odd.
pub(super) const CALLS: u32 = 64;

/// Name and fields of the kind with this number.
pub(super) fn described(kind: u32) -> (String, Vec<Field>) {
    let Some(call) = kind.checked_sub(CALLS) else {
        let (name, fields) = KINDS.get(kind as usize).copied().unwrap_or_default();
        return (name.into(), fields.into());
    };
    let row = syscalls::lookup(call as usize / 2);
    let name = row.map_or("?", |row| row.name);
    if !call.is_multiple_of(2) {
        return (std::format!("syscall_exit_{name}"), Vec::from([I64("ret")]));
    }
    let args = row.map_or(&[][..], |row| row.args);
    (std::format!("syscall_entry_{name}"), args.iter().map(|arg| field(arg.name, arg.kind)).collect())
}

/// How an argument is written.
fn field(name: &'static str, kind: ArgKind) -> Field {
    match kind {
        ArgKind::Path | ArgKind::Str => Text(name),
        ArgKind::Fd | ArgKind::DirFd | ArgKind::Int | ArgKind::Pid | ArgKind::Id | ArgKind::Signal => {
            I32(name)
        }
        ArgKind::Uint | ArgKind::Long | ArgKind::Size | ArgKind::Offset => I64(name),
        _ => Hex(name),
    }
}

/// An event in its place.
#[derive(PartialEq, Eq)]
pub(super) struct Item {
    pub(super) tsc: u64,
    pub(super) order: u64,
    pub(super) kind: u32,
    /// Context and fields as they stand in the file.
    pub(super) payload: Vec<u8>,
}

/// The earliest is the greatest: a heap gives that one first.
impl Ord for Item {
    fn cmp(&self, other: &Item) -> Ordering {
        (other.tsc, other.order).cmp(&(self.tsc, self.order))
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Item) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// When what the step tells of began, if that was before its record.
pub(super) fn start(step: &Step) -> Option<u64> {
    match step {
        Step::Call(call) => Some(call.start),
        Step::Event(Event::Irq | Event::Stop, record) => Some(record.tsc.saturating_sub(record.duration)),
        _ => None,
    }
}

/// Priority of every task.
const PRIORITY: i32 = 20;

/// Events made of one step.
pub(super) struct Made {
    pub(super) items: Vec<Item>,
    clock: Calibration,
}

/// The fields of one event as bytes.
struct Payload<'a>(&'a mut Vec<u8>);

impl Payload<'_> {
    fn i32(self, value: i32) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn tid(self, tid: u32) -> Self {
        self.i32(tid as i32)
    }

    fn word(self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn comm(self, name: &str) -> Self {
        let mut comm = [0; 16];
        let length = name.len().min(15);
        comm[..length].copy_from_slice(&name.as_bytes()[..length]);
        self.0.extend_from_slice(&comm);
        self
    }

    fn text(self, text: &[u8]) -> Self {
        // What follows a NUL is no part of it.
        self.0.extend(text.iter().take_while(|byte| **byte != 0));
        self.0.push(0);
        self
    }
}

impl Made {
    pub(super) fn new(clock: Calibration) -> Made {
        Made { items: Vec::new(), clock }
    }

    fn event(&mut self, tsc: u64, tid: u32, kind: Kind) -> Payload<'_> {
        self.number(tsc, tid, kind as u32)
    }

    /// An event with its context: the task.
    fn number(&mut self, tsc: u64, tid: u32, kind: u32) -> Payload<'_> {
        self.items.push(Item { tsc, order: 0, kind, payload: tid.to_le_bytes().into() });
        let last = self.items.len() - 1;
        Payload(&mut self.items[last].payload)
    }

    /// All events of a step; not its beginning if `is_long` of it.
    pub(super) fn of(&mut self, state: &mut State, step: &Step, is_long: impl Fn(u64) -> bool) {
        if let Some(start) = start(step).filter(|start| !is_long(*start)) {
            self.begin(step, start);
        }
        match step {
            Step::Call(call) => self.returned(call),
            Step::Log { record, text } => {
                self.event(record.tsc, record.tid, Kind::Log).text(text.as_bytes());
            }
            Step::Mark { tsc, tid, text } => {
                self.event(*tsc, *tid, Kind::Logger).text(text.as_bytes());
            }
            Step::Exe { tsc, tid, path } => {
                self.event(*tsc, *tid, Kind::Exec).text(path.as_bytes()).tid(*tid).tid(*tid);
            }
            Step::Event(event, record) => self.happened(state, *event, record),
            Step::Nothing | Step::Command { .. } => {}
        }
    }

    /// The beginning of what the step tells the end of.
    pub(super) fn begin(&mut self, step: &Step, start: u64) {
        match step {
            Step::Call(call) => self.called(call, start),
            Step::Event(Event::Irq, record) => {
                let name = Irq::from_raw(record.nr).map_or("?", Irq::name);
                self.event(start, record.tid, Kind::IrqEntry).i32(record.nr.into()).text(name.as_bytes());
            }
            Step::Event(Event::Stop, record) => {
                self.event(start, record.tid, Kind::Hold);
            }
            _ => {}
        }
    }

    fn called(&mut self, call: &Call, start: u64) {
        let Some(row) = syscalls::lookup(call.nr) else {
            let payload = self.event(start, call.tid, Kind::CallUnknown).i32(call.nr as i32);
            call.args.iter().fold(payload, |payload, word| payload.word(*word));
            return;
        };
        let payload = self.number(start, call.tid, CALLS + 2 * u32::from(row.nr));
        row.args.iter().zip(call.args).fold(payload, |payload, (arg, value)| {
            match field(arg.name, arg.kind) {
                Text(_) => {
                    let path = |text: &&state::Text| text.kind == BytesKind::Path && text.key == value;
                    let known = call.memory.iter().find(path);
                    payload.text(known.map_or(&[], |text| &text.bytes))
                }
                I32(_) => payload.i32(value as i32),
                _ => payload.word(value),
            }
        });
    }

    fn returned(&mut self, call: &Call) {
        // As on Linux, these do not return.
        if matches!(call.nr, nr::EXIT | nr::EXIT_GROUP) {
            return;
        }
        match syscalls::lookup(call.nr) {
            Some(row) => self.number(call.end, call.tid, CALLS + 2 * u32::from(row.nr) + 1),
            None => self.event(call.end, call.tid, Kind::ReturnUnknown).i32(call.nr as i32),
        }
        .word(call.result as u64);
    }

    fn happened(&mut self, state: &mut State, event: Event, record: &Record) {
        let &Record { tsc, tid, nr, args, .. } = record;
        let other = args[0] as u32;
        match event {
            Event::Switch => {
                let left = match tid {
                    0 => TaskState::Runnable,
                    _ => TaskState::from_raw(nr).unwrap_or(TaskState::Sleeping),
                };
                self.event(tsc, tid, Kind::Switch)
                    .comm(name(state, tid))
                    .tid(tid)
                    .i32(PRIORITY)
                    .word(left.bits())
                    .comm(name(state, other))
                    .tid(other)
                    .i32(PRIORITY);
            }
            Event::Wake => {
                for kind in [Kind::Waking, Kind::Wakeup] {
                    self.event(tsc, tid, kind).comm(name(state, other)).tid(other).i32(PRIORITY).i32(0);
                }
            }
            Event::Clone => {
                let parent = state.task(tid).tgid;
                self.event(tsc, tid, Kind::Fork)
                    .comm(name(state, tid))
                    .tid(tid)
                    .tid(parent)
                    .comm(name(state, other))
                    .tid(other)
                    .tid(args[1] as u32);
            }
            Event::Exit => {
                self.event(tsc, tid, Kind::Exit).comm(name(state, tid)).tid(tid).i32(PRIORITY);
            }
            Event::Irq => {
                self.event(tsc, tid, Kind::IrqExit).i32(nr.into()).i32(1);
            }
            Event::Stop => {
                self.event(tsc, tid, Kind::Release);
            }
            Event::Timer if TimerKind::from_raw(nr) == Some(TimerKind::Itimer) => {
                let ns = self.clock.ns(tsc);
                self.event(tsc, 0, Kind::Itimer).i32(0).tid(tid).word(ns);
            }
            Event::Timer => {
                // A task's wait has one timer, a process may have many.
                let timer = u64::from(tid) << 32 | args[1] & 0xffff_ffff;
                let ns = self.clock.ns(tsc);
                self.event(tsc, 0, Kind::TimerEntry).word(timer).word(ns).word(0);
                self.event(tsc, 0, Kind::TimerExit).word(timer);
            }
            Event::SignalSent => {
                self.event(tsc, tid, Kind::SignalGenerate)
                    .i32(nr.into())
                    .i32(0)
                    .i32(args[1] as i32)
                    .comm(name(state, other))
                    .tid(other)
                    .i32(0)
                    .i32(0);
            }
            Event::SignalDelivered => {
                self.event(tsc, tid, Kind::SignalDeliver).i32(nr.into()).i32(0).i32(0).word(args[0]).word(0);
            }
            Event::Fault => {
                self.event(tsc, tid, Kind::PageFault).word(args[0]).word(args[1]);
            }
            // LTTng has no such events, or the calls tell of them.
            _ => {}
        }
    }

    /// The state of a task before the first event; its time is set by whoever writes it.
    pub(super) fn dump(&mut self, state: &mut State, tid: u32, parent: u32) {
        if self.items.is_empty() {
            self.event(0, 0, Kind::DumpBegin);
            self.event(0, 0, Kind::DumpEnd);
        }
        let end = self.items.pop();
        let task = state.task(tid);
        self.event(0, 0, Kind::DumpTask)
            .tid(tid)
            .tid(tid)
            .tid(task.tgid)
            .tid(task.tgid)
            .tid(parent)
            .tid(parent)
            .comm(&task.comm)
            // A user's task that waits, in a call of no particular kind.
            .i32(0)
            .i32(1)
            .i32(0)
            .i32(5)
            .i32(0);
        self.items.extend(end);
    }
}

fn name(state: &mut State, tid: u32) -> &str {
    if tid == 0 { "swapper/0" } else { &state.task(tid).comm }
}
