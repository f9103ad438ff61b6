//! The records followed in order: tasks, what their descriptors are open on, strings put together, calls made whole.

use std::borrow::ToOwned;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

use llano_abi::names::CLONE_FILES;
use llano_abi::syscalls::{self, nr};

use crate::format::Context;
use crate::record::{BytesKind, Event, MAX_BYTES, Record};
use crate::recorder::is_wide;
use crate::snapshot::TaskNow;

/// A string that belongs to a call, an event or a descriptor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// What it is.
    pub kind: BytesKind,
    /// Which one: see [`BytesKind`].
    pub key: u64,
    /// The bytes themselves.
    pub bytes: Vec<u8>,
}

/// A call that returned, with its strings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// Sequence number of its record.
    pub seq: u64,
    /// Who called.
    pub tid: u32,
    /// Its number.
    pub nr: usize,
    /// Entry, in ticks.
    pub start: u64,
    /// Return, in ticks.
    pub end: u64,
    /// What it returned.
    pub result: i64,
    /// Its arguments.
    pub args: [u64; 6],
    /// Strings and memory it read and left.
    pub memory: Vec<Text>,
    /// What the descriptors it made are open on.
    pub made: Vec<(i32, String)>,
}

impl Call {
    /// What a formatter needs of it; `fds` as they were when it was made, `returned` once it has.
    pub fn context<'a>(&'a self, fds: &'a FdNames, returned: Option<i64>) -> Context<'a> {
        Context { memory: &self.memory, fds: Some(fds), made: &self.made, returned }
    }
}

/// What the descriptors of a process are open on.
pub type FdNames = BTreeMap<i32, String>;

/// A task as the records describe it.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its process.
    pub tgid: u32,
    /// Its name.
    pub comm: String,
    /// Its descriptors, shared between tasks as `CLONE_FILES` shares them.
    pub fds: Rc<RefCell<FdNames>>,
    /// Strings and memory of the call it is in.
    pub memory: Vec<Text>,
}

/// What one record has made known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing by itself.
    Nothing,
    /// A call is whole.
    Call(Call),
    /// A line of the kernel log is whole.
    Log {
        /// Its record.
        record: Record,
        /// Its text.
        text: String,
    },
    /// A program's own mark is whole.
    Mark {
        /// When, in ticks.
        tsc: u64,
        /// Which task.
        tid: u32,
        /// What it wrote.
        text: String,
    },
    /// A command was given to the monitor.
    Command {
        /// When, in ticks.
        tsc: u64,
        /// The command.
        text: String,
    },
    /// A task executes this program.
    Exe {
        /// When, in ticks.
        tsc: u64,
        /// Which task.
        tid: u32,
        /// Its path.
        path: String,
    },
    /// Any other event, as recorded.
    Event(Event, Record),
}

/// Everything known up to some record.
#[derive(Clone, Default, Debug)]
pub struct State {
    tasks: BTreeMap<u32, Task>,
    /// A string whose pieces are still coming, and its whole length.
    partial: Option<(Text, usize)>,
    /// A call whose last arguments are still coming.
    wide: Option<Call>,
    /// A log line whose text is still coming.
    log: Option<Record>,
    /// A descriptor closed by the last call: it keeps its name until that call has been printed.
    closed: Option<(u32, i32)>,
    /// Descriptors made by the last call, which get their names then.
    opened: Option<(u32, Vec<(i32, String)>)>,
    /// Descriptors made by the call whose record comes next.
    made: Option<(u32, Vec<(i32, String)>)>,
}

/// Strings and pieces of memory kept for one call at most: none has more, unless records are missing.
const MAX_PIECES: usize = 256;

/// Whether descriptors that `tid` has made were made by the call that `record` belongs to.
fn makes(record: &Record, tid: u32) -> bool {
    record.tid == tid
        && match record.event() {
            Some(Event::Bytes) => record.nr == BytesKind::Fd as u16 || record.nr == BytesKind::Out as u16,
            Some(Event::Syscall) => {
                syscalls::lookup(record.nr.into()).is_some_and(|call| record.result >= 0 && call.makes_fds())
            }
            _ => false,
        }
}

impl State {
    /// Before the first record. `tasks` name those whose birth the ring no longer holds.
    pub fn new(tasks: &[TaskNow]) -> State {
        let mut state = State::default();
        for task in tasks {
            let known = state.task(task.tid);
            known.tgid = task.tgid;
            known.comm = task.comm.clone();
        }
        state
    }

    /// All tasks ever seen that were not replaced by a namesake.
    pub fn tasks(&self) -> &BTreeMap<u32, Task> {
        &self.tasks
    }

    /// The task `tid`; one never heard of is its own process, named `?`.
    pub fn task(&mut self, tid: u32) -> &mut Task {
        self.tasks.entry(tid).or_insert_with(|| Task {
            tgid: tid,
            comm: if tid == 0 { "idle".to_owned() } else { "?".to_owned() },
            fds: Rc::default(),
            memory: Vec::new(),
        })
    }

    /// Takes the next record.
    pub fn step(&mut self, seq: u64, record: Record) -> Step {
        if let Some((tid, fd)) = self.closed.take() {
            self.task(tid).fds.borrow_mut().remove(&fd);
        }
        if let Some((tid, made)) = self.opened.take() {
            self.task(tid).fds.borrow_mut().extend(made);
        }
        if let Some((tid, made)) = self.made.take_if(|(tid, _)| !makes(&record, *tid)) {
            self.task(tid).fds.borrow_mut().extend(made);
        }
        match record.event() {
            Some(Event::Syscall) => self.call(seq, record),
            Some(Event::SyscallArgs) => match self.wide.take() {
                Some(mut call) if call.tid == record.tid => {
                    call.args[4..].copy_from_slice(&record.args[..2]);
                    self.whole(call)
                }
                _ => Step::Nothing,
            },
            Some(Event::Bytes) => match self.piece(&record) {
                Some(text) => self.text(record, text),
                None => Step::Nothing,
            },
            Some(Event::Log) => {
                self.log = Some(record);
                Step::Nothing
            }
            // Their text tells all.
            Some(Event::Mark | Event::Command) => Step::Nothing,
            Some(event) => {
                self.life(event, &record);
                Step::Event(event, record)
            }
            None => Step::Nothing,
        }
    }

    fn call(&mut self, seq: u64, record: Record) -> Step {
        let [a, b, c, d] = record.args;
        let call = Call {
            seq,
            tid: record.tid,
            nr: record.nr.into(),
            start: record.tsc.saturating_sub(record.duration),
            end: record.tsc,
            result: record.result,
            args: [a, b, c, d, 0, 0],
            memory: core::mem::take(&mut self.task(record.tid).memory),
            made: self.made.take().map_or(Vec::new(), |(_, made)| made),
        };
        if is_wide(call.nr) {
            self.wide = Some(call);
            return Step::Nothing;
        }
        self.whole(call)
    }

    fn whole(&mut self, call: Call) -> Step {
        if call.nr == nr::CLOSE && call.result == 0 {
            self.closed = Some((call.tid, call.args[0] as i32));
        }
        if !call.made.is_empty() {
            self.opened = Some((call.tid, call.made.clone()));
        }
        Step::Call(call)
    }

    /// Adds a piece to the string it continues; the string, when it is whole. A piece whose beginning is lost is lost.
    fn piece(&mut self, record: &Record) -> Option<Text> {
        let (offset, total) = ((record.result >> 32) as usize, record.result as u32 as usize);
        let kind = BytesKind::from_raw(record.nr)?;
        let (mut text, whole) = match self.partial.take() {
            Some(partial) if offset > 0 => partial,
            _ => (Text { kind, key: record.duration, bytes: Vec::new() }, total),
        };
        // A recorder cuts strings: a longer one is damage, and would be waited for in memory.
        if total > MAX_BYTES
            || text.bytes.len() != offset
            || text.kind != kind
            || text.key != record.duration
            || whole != total
        {
            return None;
        }
        text.bytes.extend_from_slice(&record.bytes()[..(total - offset).min(32)]);
        if text.bytes.len() < total {
            self.partial = Some((text, total));
            return None;
        }
        Some(text)
    }

    fn text(&mut self, record: Record, text: Text) -> Step {
        let string = || String::from_utf8_lossy(&text.bytes).into_owned();
        let task = self.task(record.tid);
        match text.kind {
            BytesKind::Path | BytesKind::Data | BytesKind::Out => {
                if let Some(old) =
                    task.memory.iter_mut().find(|old| (old.kind, old.key) == (text.kind, text.key))
                {
                    // Of two pieces at one address the longer tells more.
                    if text.bytes.len() >= old.bytes.len() {
                        *old = text;
                    }
                } else if task.memory.len() < MAX_PIECES {
                    task.memory.push(text);
                }
                Step::Nothing
            }
            BytesKind::Fd => {
                let made = (text.key as i32, string());
                match &mut self.made {
                    Some((tid, names)) if *tid == record.tid => names.push(made),
                    _ => self.made = Some((record.tid, Vec::from([made]))),
                }
                Step::Nothing
            }
            BytesKind::Comm => {
                task.comm = string();
                Step::Nothing
            }
            BytesKind::Exe => Step::Exe { tsc: record.tsc, tid: record.tid, path: string() },
            BytesKind::Mark => Step::Mark { tsc: record.tsc, tid: record.tid, text: string() },
            BytesKind::Command => Step::Command { tsc: record.tsc, text: string() },
            BytesKind::Log => match self.log.take() {
                Some(line) => Step::Log { record: line, text: string() },
                None => Step::Nothing,
            },
        }
    }

    /// Births, and programs that leave their descriptors' sharers.
    fn life(&mut self, event: Event, record: &Record) {
        match event {
            Event::Clone => {
                let [child, tgid, flags, _] = record.args;
                let parent = self.task(record.tid);
                let fds = match flags as u32 & CLONE_FILES {
                    0 => Rc::new(RefCell::new(parent.fds.borrow().clone())),
                    _ => Rc::clone(&parent.fds),
                };
                // Nobody's name is the idle CPU's.
                let comm = if record.tid == 0 { "?".to_owned() } else { parent.comm.clone() };
                let task = Task { tgid: tgid as u32, comm, fds, memory: Vec::new() };
                self.tasks.insert(child as u32, task);
            }
            Event::Exec => {
                let task = self.task(record.tid);
                let own = task.fds.borrow().clone();
                task.fds = Rc::new(RefCell::new(own));
            }
            Event::Exit => {
                // Its name stays for the events that follow; what is large goes.
                let task = self.task(record.tid);
                task.fds = Rc::default();
                task.memory = Vec::new();
            }
            _ => {}
        }
    }
}
