//! What the exports for viewers have in common: which tracks there are and what they are called, the waits inside
//! calls, and what stands on a track as a point.

use std::borrow::ToOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use crate::format as text;
use crate::record::{Counter, Event, Irq, Record, TaskState, TimerKind, Waiting};
use crate::snapshot::Snapshot;
use crate::state::{FdNames, State, Step};

/// The kernel's own process and its first track, for events of no task: `kthreadd` on every Linux, so no guest has
/// this number and viewers know it. Task 0 is the idle CPU and must stay without events to be taken for idle.
pub(crate) const KERNEL: u32 = 2;

/// A track for the times a debugger held the world, so that a pause is not taken for latency: above every tid.
pub(crate) const DEBUGGER: u32 = 1 << 22;

/// The process of llano's own threads ([`crate::host`]), whose tracks follow.
pub(crate) const HOST: u32 = DEBUGGER + 1;

/// The track of one of llano's own threads.
pub(crate) fn host_track(thread: u32) -> u32 {
    (HOST + 1).saturating_add(thread)
}

/// The names of all tracks: those that tasks have in the end, for a track has one name only.
pub(crate) struct Names {
    /// Everything known after the last record.
    pub(crate) last: State,
    /// Whether a debugger held the world.
    pub(crate) debugger: bool,
    /// The process that made a process.
    pub(crate) parents: BTreeMap<u32, u32>,
}

impl Names {
    /// Goes through all records.
    pub(crate) fn of(records: impl Iterator<Item = (u64, Record)>, now: &Snapshot) -> Names {
        let mut names = Names { last: State::new(&now.tasks), debugger: false, parents: BTreeMap::new() };
        for (seq, record) in records {
            let tid = record.tid;
            if matches!(record.event(), Some(Event::Syscall | Event::SyscallArgs)) {
                // Most of a trace, and no name comes of it.
                names.last.task(tid);
                continue;
            }
            match names.last.step(seq, record) {
                Step::Event(Event::Clone, record) => {
                    let (parent, child) = (names.last.task(tid).tgid, record.args[1] as u32);
                    if parent != child {
                        names.parents.insert(child, parent);
                    }
                }
                Step::Event(Event::Stop, _) => names.debugger = true,
                _ => {}
            }
            names.last.task(tid);
        }
        names
    }
}

/// What a counter of the kernel is called, and what it counts.
pub(crate) fn counter(record: &Record) -> (String, &'static str) {
    let (name, unit) = match Counter::from_raw(record.nr) {
        // As descriptors name it.
        Some(Counter::Pipe) => return (format!("pipe:[{}]", record.args[1]), BYTES),
        Some(Counter::Memory) => ("guest memory", BYTES),
        Some(Counter::Tasks) => ("all", "tasks"),
        Some(Counter::Files) => ("open", "files"),
        Some(Counter::Runnable) => ("runnable", "tasks"),
        None => ("counter", "value"),
    };
    (name.to_owned(), unit)
}

/// The unit that viewers know.
pub(crate) const BYTES: &str = "bytes";

/// How many tasks run or could, followed through the records.
#[derive(Default)]
pub(crate) struct Runnable {
    tasks: BTreeSet<u32>,
    told: Option<usize>,
}

impl Runnable {
    /// The count after an event, if that changed it.
    pub(crate) fn step(&mut self, event: Event, record: &Record) -> Option<i64> {
        match event {
            Event::Clone | Event::Wake => {
                self.tasks.insert(record.args[0] as u32);
            }
            Event::Switch => {
                if record.nr != TaskState::Runnable as u16 {
                    self.tasks.remove(&record.tid);
                }
                self.tasks.insert(record.args[0] as u32);
                // The idle CPU runs when nobody can.
                self.tasks.remove(&0);
            }
            _ => return None,
        }
        let count = self.tasks.len();
        (self.told.replace(count) != Some(count)).then_some(count as i64)
    }
}

/// A time a task waited inside a call.
#[derive(Copy, Clone)]
pub(crate) struct Wait {
    /// When it began, in ticks.
    pub(crate) start: u64,
    /// When the task ran again; none while it waits.
    pub(crate) end: Option<u64>,
    object: u64,
    waiting: u64,
}

impl Wait {
    fn waiting(&self) -> Waiting {
        u16::try_from(self.waiting).ok().and_then(Waiting::from_raw).unwrap_or(Waiting::Other)
    }

    /// What the slice is called.
    pub(crate) fn name(&self) -> String {
        format!("wait {}", self.waiting().name())
    }

    /// What exactly is waited for, as name and value, by a task whose descriptors are `fds`.
    pub(crate) fn on(&self, fds: &FdNames) -> Option<(&'static str, String)> {
        let object = self.object;
        match self.waiting() {
            Waiting::Pipe | Waiting::Socket | Waiting::Tty | Waiting::Lock | Waiting::Event => {
                let name = fds.get(&(object as i32)).map(|name| format!("<{name}>")).unwrap_or_default();
                Some(("fd", format!("{}{name}", object as i32)))
            }
            Waiting::Futex => Some(("address", format!("{object:#x}"))),
            Waiting::Child | Waiting::Vfork if object != 0 => Some(("task", format!("{object}"))),
            Waiting::Poll if object != 0 => Some(("descriptors", format!("{object}"))),
            Waiting::Timer if object != 0 => Some(("until_ns", format!("{object}"))),
            _ => None,
        }
    }
}

/// Waits held back until their call is written; more are written before it.
const MAX_WAITS: usize = 256;

/// The waits of calls that have not returned, by task.
#[derive(Default)]
pub(crate) struct Waits(BTreeMap<u32, Vec<Wait>>);

impl Waits {
    /// A [`Event::Block`]. Gives back the waits of this call when there are too many to hold back.
    pub(crate) fn begin(&mut self, record: &Record) -> Vec<Wait> {
        let waits = self.0.entry(record.tid).or_default();
        let many = if waits.len() == MAX_WAITS { core::mem::take(waits) } else { Vec::new() };
        let [waiting, object, ..] = record.args;
        waits.push(Wait { start: record.tsc, end: None, object, waiting });
        many
    }

    /// A task runs: what it waited for has come.
    pub(crate) fn runs(&mut self, tid: u32, tsc: u64) {
        if let Some(wait) = self.0.get_mut(&tid).and_then(|waits| waits.last_mut()) {
            wait.end.get_or_insert(tsc);
        }
    }

    /// The waits of the call that ends.
    pub(crate) fn take(&mut self, tid: u32) -> Vec<Wait> {
        self.0.get_mut(&tid).map(core::mem::take).unwrap_or_default()
    }
}

/// Something the kernel did for a while, on a track of its own.
pub(crate) struct Span {
    pub(crate) track: u32,
    pub(crate) category: &'static str,
    pub(crate) name: &'static str,
    /// What is shown with it.
    pub(crate) args: Vec<(&'static str, String)>,
}

impl Span {
    /// What an event shows, if it is a span; the name of its task is in `state`.
    pub(crate) fn of(event: Event, record: &Record, state: &mut State) -> Option<Span> {
        let (track, category, name) = match event {
            Event::Irq => (KERNEL, "irq", Irq::from_raw(record.nr).map_or("irq", Irq::name)),
            Event::Stop => (DEBUGGER, "debugger", "stopped"),
            Event::Exchange => (KERNEL, "memory", "exchange"),
            _ => return None,
        };
        let mut args = Vec::new();
        if record.tid != 0 {
            args.push(("task", format!("{} {}", state.task(record.tid).comm, record.tid)));
        }
        if event == Event::Exchange {
            args.push(("bytes", format!("{}", record.args[0])));
            args.push(("maps", format!("{}", record.args[1])));
        }
        Some(Span { track, category, name, args })
    }
}

/// A point on a task's track.
pub(crate) struct Point {
    /// Its category.
    pub(crate) category: &'static str,
    /// Its name.
    pub(crate) name: String,
    /// What is shown with it.
    pub(crate) args: Vec<(&'static str, String)>,
}

impl Point {
    /// What an event shows, if it is a point.
    pub(crate) fn of(event: Event, record: &Record) -> Option<Point> {
        let &Record { nr, args, .. } = record;
        let signal = |number: u32| {
            let mut name = String::new();
            text::signal(&mut name, number).unwrap_or_default();
            name
        };
        let (category, name, args) = match event {
            Event::Exit => {
                let how = match args[0] as u32 & 0x7f {
                    0 => format!("exit {}", args[0] >> 8 & 0xff),
                    by => format!("killed by {}", signal(by)),
                };
                ("exit", how, Vec::new())
            }
            Event::SignalSent => {
                let name = format!("{} to {}", signal(nr.into()), args[0]);
                ("signal", name, vec![("si_code", format!("{}", args[1] as i32))])
            }
            Event::SignalDelivered => {
                ("signal", signal(nr.into()), vec![("handler", format!("{:#x}", args[0]))])
            }
            Event::Fault => {
                let [address, ip, ..] = args;
                let args = vec![("signal", signal(nr.into())), ("ip", format!("{ip:#x}"))];
                ("fault", format!("fault at {address:#x}"), args)
            }
            Event::SignalReturned => {
                ("signal", "return from signal".to_owned(), vec![("ip", format!("{:#x}", args[1]))])
            }
            Event::Timer => {
                let kind = TimerKind::from_raw(nr).map_or("?", TimerKind::name);
                ("timer", format!("timer {kind}"), vec![("late_ns", format!("{}", args[0]))])
            }
            Event::Patch => {
                let how = if args[1] != 0 { "site patched" } else { "site traps for ever" };
                ("patch", how.to_owned(), vec![("site", format!("{:#x}", args[0]))])
            }
            _ => return None,
        };
        Some(Point { category, name, args })
    }

    /// The moment of saving. Without it a viewer would end with the last thing that happened, and a task that waited
    /// long for nothing would not seem to.
    pub(crate) fn saved() -> Point {
        Point { category: "llano", name: "saved".to_owned(), args: Vec::new() }
    }

    /// A line of the kernel log.
    pub(crate) fn log(record: &Record, text: &str) -> Point {
        let args = vec![("target", record.target()), ("level", format!("{}", record.nr))];
        Point { category: "log", name: text.to_owned(), args }
    }

    /// A program's own words.
    pub(crate) fn mark(text: &str) -> Point {
        Point { category: "mark", name: text.to_owned(), args: Vec::new() }
    }

    /// A command of the monitor.
    pub(crate) fn command(text: &str) -> Point {
        Point { category: "monitor", name: text.to_owned(), args: Vec::new() }
    }

    /// A program that begins.
    pub(crate) fn exec(path: &str) -> Point {
        Point { category: "exec", name: format!("exec {path}"), args: Vec::new() }
    }
}
