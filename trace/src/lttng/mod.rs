//! A trace in the shape that LTTng gives those of the Linux kernel, for tools that know only that one: CTF with
//! `syscall_entry_*` and `syscall_exit_*`, `sched_switch` with both tasks, `lttng_statedump_process_state`.
//!
//! Such a trace tells of a call when it begins, llano's records when it returns. Between the two lie few records as a
//! rule: events wait in a heap until no record that is still to come can begin before them, which holds once
//! `WINDOW` more records were read. The calls that last longer are found by a pass before; there are at most as
//! many as tasks, for each `WINDOW` records. So memory does not grow with the trace, but for these.
//!
//! The files: `events` for what each record becomes, `metadata` for its description, `channel` for packets.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use crate::file;
use crate::record::{Event, Record};
use crate::snapshot::Snapshot;
use crate::state::{Call, State, Step};

mod channel;
mod events;
mod metadata;

use channel::Channel;
use events::{Item, Made};

/// The file with the events, as LTTng names that of the first CPU.
pub const CHANNEL: &str = "channel0_0";
/// The file that describes them.
pub const METADATA: &str = "metadata";
/// All there is in the directory.
pub const FILES: [&str; 2] = [CHANNEL, METADATA];

/// Records within which a call that began before them is expected to return.
const WINDOW: usize = 1 << 15;

/// Writes `records`, oldest first with their sequence numbers, and the calls that `now` shows in progress, as the
/// directory `path`, which appears complete or not at all.
///
/// # Errors
/// One line that says which file and why.
pub fn write(
    path: &Path,
    records: impl Iterator<Item = (u64, Record)> + Clone,
    now: &Snapshot,
) -> Result<(), String> {
    file::write_dir(path, &FILES, |dir| {
        let survey = Survey::of(records.clone(), now);
        let out = BufWriter::with_capacity(1 << 16, File::create_new(dir.join(CHANNEL))?);
        let mut writer = Writer {
            channel: Channel::new(out, now.clock),
            heap: BinaryHeap::new(),
            order: 0,
            long: survey.long.into(),
            used: BTreeSet::new(),
            dump: survey.dump,
        };
        let (mut state, mut window) = (State::new(&now.tasks), Window::default());
        let (mut made, mut next) = (Made::new(now.clock), 0);
        for (seq, record) in records {
            writer.channel.lost(seq.saturating_sub(next));
            next = seq + 1;
            let step = state.step(seq, record);
            made.of(&mut state, &step, |start| window.is_long(start));
            for item in made.items.drain(..) {
                writer.push(item);
            }
            window.pass(record.tsc);
            writer.write_until(window.floor())?;
        }
        writer.write_until(u64::MAX)?;
        let used = writer.used;
        writer.channel.finish()?;
        fs::write(dir.join(METADATA), metadata::text(&now.clock, &used))
    })
}

/// The times of the newest records.
#[derive(Default)]
struct Window(VecDeque<u64>);

impl Window {
    fn pass(&mut self, tsc: u64) {
        if self.0.len() == WINDOW {
            self.0.pop_front();
        }
        self.0.push_back(tsc);
    }

    /// Nothing but what is long begins before this.
    fn floor(&self) -> u64 {
        if self.0.len() == WINDOW { self.0[0] } else { 0 }
    }

    /// Whether what began at `start` and ends with the record that comes next is long.
    fn is_long(&self, start: u64) -> bool {
        start < self.floor()
    }
}

/// What must be known before the first event is written.
struct Survey {
    /// Beginnings of what lasts long or never ends, by time.
    long: Vec<Item>,
    /// The tasks that were there before the first record.
    dump: Vec<Item>,
}

impl Survey {
    fn of(records: impl Iterator<Item = (u64, Record)>, now: &Snapshot) -> Survey {
        let (mut state, mut window) = (State::new(&now.tasks), Window::default());
        let mut long = Vec::new();
        let mut made = Made::new(now.clock);
        let (mut seen, mut born, mut parents) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        seen.extend(now.tasks.iter().map(|task| task.tid));
        for (seq, record) in records {
            if record.event() == Some(Event::Clone) {
                born.insert(record.args[0] as u32);
                parents.insert(record.args[1] as u32, record.tid);
            }
            if record.event() != Some(Event::Bytes) {
                seen.insert(record.tid);
            }
            let step = state.step(seq, record);
            if let Some(start) = events::start(&step)
                && window.is_long(start)
            {
                made.begin(&step, start);
                long.append(&mut made.items);
            }
            window.pass(record.tsc);
        }
        for task in &now.tasks {
            let Some(open) = &task.call else { continue };
            let call = Call {
                seq: 0,
                tid: task.tid,
                nr: open.nr,
                start: open.start_tsc,
                end: now.now_tsc,
                result: 0,
                args: open.args,
                memory: state.task(task.tid).memory.clone(),
                made: Vec::new(),
            };
            made.begin(&Step::Call(call), open.start_tsc);
            long.append(&mut made.items);
        }
        long.sort_by_key(|item| item.tsc);
        for &tid in seen.difference(&born).filter(|tid| **tid != 0) {
            let parent = parents.get(&tid).copied().unwrap_or(0);
            made.dump(&mut state, tid, parent);
        }
        Survey { long, dump: made.items }
    }
}

struct Writer {
    channel: Channel<BufWriter<File>>,
    /// Events that wait, the earliest on top.
    heap: BinaryHeap<Item>,
    /// Number of the next event: of two at the same time the one made first comes first.
    order: u64,
    long: VecDeque<Item>,
    /// Kinds of events written.
    used: BTreeSet<u32>,
    dump: Vec<Item>,
}

impl Writer {
    fn push(&mut self, item: Item) {
        self.heap.push(Item { order: self.order, ..item });
        self.order += 1;
    }

    /// Writes what happened before `floor`.
    fn write_until(&mut self, floor: u64) -> io::Result<()> {
        while self.long.front().is_some_and(|item| item.tsc < floor) {
            let Some(item) = self.long.pop_front() else { break };
            self.push(item);
        }
        while self.heap.peek().is_some_and(|item| item.tsc < floor) {
            let Some(item) = self.heap.pop() else { break };
            if !self.dump.is_empty() {
                for state in core::mem::take(&mut self.dump) {
                    self.write(&Item { tsc: item.tsc, ..state })?;
                }
            }
            self.write(&item)?;
        }
        Ok(())
    }

    fn write(&mut self, item: &Item) -> io::Result<()> {
        self.used.insert(item.kind);
        self.channel.event(item)
    }
}
