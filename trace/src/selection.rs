//! A list of a filter as a whole: kinds of events and calls, and beside them whose, and with what result.
//!
//! Kinds are a test of a bit in the recorder's fast path. The rest is asked of each record, and only where somebody asked
//! for it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::filter::Filter;
use crate::record::{BytesKind, Event, Record};

/// What a list says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selection {
    /// Kinds of events, and calls.
    pub filter: Filter,
    /// Of calls only those that failed.
    pub errors: bool,
    /// Only what these tasks do; any, if there are none.
    pub tasks: Vec<Who>,
}

/// A task in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// A task, or the process with all its threads, by number.
    Number(u32),
    /// Tasks that have this name, and those that they make while these have it.
    Name(String),
}

impl From<Filter> for Selection {
    fn from(filter: Filter) -> Selection {
        Selection { filter, errors: false, tasks: Vec::new() }
    }
}

impl Selection {
    /// What a list names: the words of [`Filter::parse`], `errors`, and `task:PID` or `task:NAME` any number of times. With
    /// these alone every kind of event is kept.
    ///
    /// # Errors
    /// One line that names the word nobody knows.
    pub fn parse(list: &str) -> Result<Selection, String> {
        let (mark, list) = list.strip_prefix('!').map_or(("", list), |rest| ("!", rest));
        let mut selection = Selection::from(Filter::ALL);
        let mut kinds: Vec<&str> = Vec::new();
        let mut any = false;
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let first = !core::mem::replace(&mut any, true);
            if first && !mark.is_empty() && (word == "errors" || word.starts_with("task:")) {
                return Err(format!("'!' goes before calls and groups, not before '{word}'"));
            }
            match word.strip_prefix("task:") {
                Some("") => return Err("'task:' needs a number or a name".into()),
                Some(who) => selection.tasks.push(match who.parse() {
                    Ok(number) => Who::Number(number),
                    Err(_) => Who::Name(cut(who).into()),
                }),
                None if word == "errors" => selection.errors = true,
                None => kinds.push(word),
            }
        }
        if !kinds.is_empty() || !any {
            let kinds = String::from(mark) + &kinds.join(",");
            selection.filter = Filter::parse(&kinds)?;
        }
        Ok(selection)
    }

    /// Whether kinds say all.
    pub fn plain(&self) -> bool {
        !self.errors && self.tasks.is_empty()
    }

    /// As a list that [`Selection::parse`] understands.
    pub fn list(&self) -> String {
        if self.plain() {
            return self.filter.list();
        }
        let mut words = Vec::new();
        if self.filter != Filter::ALL {
            words.push(self.filter.list());
        }
        if self.errors {
            words.push("errors".into());
        }
        words.extend(self.tasks.iter().map(|who| match who {
            Who::Number(number) => String::from("task:") + &number.to_string(),
            Who::Name(name) => String::from("task:") + name,
        }));
        words.join(",")
    }
}

/// A name as the kernel keeps it: its first 15 bytes.
fn cut(name: &str) -> &str {
    let end = (0..=name.len().min(15)).rev().find(|&end| name.is_char_boundary(end));
    &name[..end.unwrap_or(0)]
}

/// A selection at work: it learns from the records that it sees which tasks are meant.
#[derive(Clone, Debug)]
pub struct Chooser {
    selection: Selection,
    /// Tasks of the processes that were named by number.
    threads: BTreeSet<u32>,
    /// Tasks with a name that was given.
    named: BTreeSet<u32>,
    /// What calls read and left until it is known whether they failed: kept alone it would be taken for another's.
    held: BTreeMap<u32, Vec<Record>>,
}

/// Records held of a call at most, and calls of which any are.
const MAX_HELD: usize = 64;

impl Chooser {
    /// Before the first record.
    pub fn new(selection: Selection) -> Chooser {
        Chooser { selection, threads: BTreeSet::new(), named: BTreeSet::new(), held: BTreeMap::new() }
    }

    /// Hands over what is kept of the records so far, the next one included; whether that one is.
    pub fn choose(&mut self, record: Record, mut keep: impl FnMut(Record)) -> bool {
        let kept = self.keeps(&record);
        let piece = [BytesKind::Path, BytesKind::Data, BytesKind::Out].map(|kind| kind as u16);
        if self.selection.errors && record.event() == Some(Event::Bytes) && piece.contains(&record.nr) {
            if kept && (self.held.len() < MAX_HELD || self.held.contains_key(&record.tid)) {
                let pieces = self.held.entry(record.tid).or_default();
                if pieces.len() < MAX_HELD {
                    pieces.push(record);
                }
            }
            return kept;
        }
        if self.selection.errors && record.event() == Some(Event::Syscall) {
            let pieces = self.held.remove(&record.tid).unwrap_or_default();
            // Written now: times of records never go back.
            pieces.iter().filter(|_| kept).for_each(|piece| keep(Record { tsc: record.tsc, ..*piece }));
        }
        if kept {
            keep(record);
        }
        kept
    }

    /// Whether records of call `nr` may be kept.
    pub fn keeps_call(&self, nr: usize) -> bool {
        self.selection.filter.keeps_call(nr)
    }

    /// Whether the next record is kept.
    fn keeps(&mut self, record: &Record) -> bool {
        let Some(event) = record.event() else { return false };
        self.learn(event, record);
        let filter = &self.selection.filter;
        match event {
            Event::Syscall => {
                let failed = (-4095..0).contains(&record.result);
                filter.keeps_call(record.nr.into())
                    && self.chosen(record.tid)
                    && (failed || !self.selection.errors)
            }
            Event::Clone | Event::Exec | Event::Exit | Event::Stop | Event::Command => true,
            Event::Bytes => match BytesKind::from_raw(record.nr) {
                Some(BytesKind::Path | BytesKind::Data | BytesKind::Out) => self.chosen(record.tid),
                Some(BytesKind::Log) => filter.keeps(Event::Log) && self.chosen(record.tid),
                Some(BytesKind::Mark) => filter.keeps(Event::Mark) && self.chosen(record.tid),
                _ => true,
            },
            Event::Wake | Event::Switch | Event::SignalSent => {
                filter.keeps(event) && (self.chosen(record.tid) || self.chosen(record.args[0] as u32))
            }
            _ => filter.keeps(event) && self.chosen(record.tid),
        }
    }

    fn chosen(&self, tid: u32) -> bool {
        self.selection.tasks.is_empty()
            || self.threads.contains(&tid)
            || self.named.contains(&tid)
            || self.selection.tasks.contains(&Who::Number(tid))
    }

    fn learn(&mut self, event: Event, record: &Record) {
        if self.selection.tasks.is_empty() {
            return;
        }
        match event {
            Event::Clone => {
                let (child, tgid) = (record.args[0] as u32, record.args[1] as u32);
                if self.selection.tasks.contains(&Who::Number(tgid)) {
                    self.threads.insert(child);
                }
                if self.named.contains(&record.tid) {
                    self.named.insert(child);
                }
            }
            Event::Bytes if record.nr == BytesKind::Comm as u16 => {
                let name = record.text();
                if self.selection.tasks.iter().any(|who| *who == Who::Name(name.clone())) {
                    self.named.insert(record.tid);
                } else {
                    self.named.remove(&record.tid);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Recorder;
    use llano_abi::syscalls::nr;

    #[test]
    fn lists() {
        for (list, shown) in [
            ("errors", "errors"),
            ("task:12, errors,openat", "openat,errors,task:12"),
            ("!file,log,task:sh", "!log,%file,task:sh"),
            ("sched", "sched"),
            ("", ""),
            ("all", "all"),
        ] {
            let selection = Selection::parse(list).unwrap();
            assert_eq!(selection.list(), shown);
            assert_eq!(Selection::parse(shown).unwrap(), selection);
        }
        assert!(Selection::parse("task:").unwrap_err().contains("number or a name"));
        assert!(Selection::parse("!task:1").unwrap_err().starts_with("'!' goes before calls"));
        assert!(Selection::parse("!read,errors").is_ok());
        assert!(Selection::parse("errors,nope").unwrap_err().starts_with("'nope'"));
    }

    /// What a recorder with this filter keeps of two processes, one with two threads, and of a program.
    fn kept(list: &str) -> Vec<(Event, u32, u64)> {
        let mut ring = Recorder::new(0);
        ring.set_filter(Selection::parse(list).unwrap());
        ring.clone_task(1, 0, 10, 10, 0);
        ring.exec(2, 10, b"/bin/sh", b"sh");
        ring.clone_task(3, 10, 20, 20, 0);
        ring.clone_task(4, 20, 21, 20, 0);
        for tid in [10, 20, 21] {
            ring.call_bytes(5, tid, nr::OPENAT, BytesKind::Path, 7, b"/x");
            ring.syscall(5, 6, tid, nr::OPENAT, -2, &[0; 6]);
            ring.syscall(5, 6, tid, nr::MMAP, 0, &[0; 6]);
            ring.fault(7, tid, 11, 0, 0);
        }
        ring.wake(8, 10, 21);
        ring.exec(9, 20, b"/bin/cat", b"cat");
        ring.syscall(10, 11, 20, nr::READ, -4, &[0; 6]);
        ring.syscall(10, 11, 10, nr::READ, 0, &[0; 6]);
        ring.log(12, 20, 6, "exec", "words");
        let always = [Event::Clone, Event::Exec];
        let named = |r: &Record| [BytesKind::Exe as u16, BytesKind::Comm as u16].contains(&r.nr);
        let births = ring.iter().filter(|(_, r)| always.contains(&r.event().unwrap())).count();
        assert_eq!(births, 5, "births and programs are kept always");
        let rest = ring.iter().map(|(_, r)| (r.event().unwrap(), r));
        let rest = rest.filter(|(event, r)| !(always.contains(event) || *event == Event::Bytes && named(r)));
        rest.map(|(event, r)| (event, r.tid, if event == Event::Bytes { 0 } else { r.nr.into() })).collect()
    }

    /// A program reads many paths at one address: of those that failed each has its own.
    #[test]
    fn a_failure_has_its_own_path() {
        let mut ring = Recorder::new(0);
        ring.set_filter(Selection::parse("errors").unwrap());
        for (at, path, result) in [(1, "/long/and/there", 3), (2, "/not", -2), (3, "/there/again", 0)] {
            ring.call_bytes(at, 9, nr::OPENAT, BytesKind::Path, 0x1000, path.as_bytes());
            ring.block(at, 9, nr::OPENAT, crate::record::Waiting::Lock, 0);
            ring.syscall(at, 10 * at, 9, nr::OPENAT, result, &[0; 6]);
        }
        let kept: Vec<_> = ring.iter().map(|(_, r)| r).filter(|r| r.event() != Some(Event::Block)).collect();
        assert_eq!(
            kept.iter().map(|r| (r.event().unwrap(), r.tsc)).collect::<Vec<_>>(),
            [(Event::Bytes, 20), (Event::Syscall, 20)]
        );
        assert_eq!(kept[0].text(), "/not");
    }

    #[test]
    fn tasks_and_results() {
        use Event::{Bytes, Fault, Log, Syscall, SyscallArgs, Wake};
        let (open, read, mmap) = (nr::OPENAT as u64, nr::READ as u64, nr::MMAP as u64);
        let failed = |tid| [(Bytes, tid, 0), (Syscall, tid, open)];
        let errors: Vec<_> = [10, 20, 21].into_iter().flat_map(failed).chain([(Syscall, 20, read)]).collect();
        assert_eq!(kept("errors,openat,read"), errors);
        assert_eq!(kept("%file,errors,task:21"), failed(21));
        let thread = |tid| {
            [
                (Bytes, tid, 0),
                (Syscall, tid, open),
                (Syscall, tid, mmap),
                (SyscallArgs, tid, mmap),
                (Fault, tid, 11),
            ]
        };
        let process: Vec<_> = thread(20)
            .into_iter()
            .chain(thread(21))
            .chain([(Wake, 10, 0), (Syscall, 20, read), (Log, 20, 6), (Bytes, 20, 0)])
            .collect();
        assert_eq!(kept("task:20"), process);
        // The child has its parent's name until it executes another program.
        assert_eq!(kept("task:sh,read"), [(Syscall, 10, read)]);
        assert_eq!(kept("task:cat,read,log"), [(Syscall, 20, read), (Log, 20, 6), (Bytes, 20, 0)]);
        assert_eq!(kept("task:sh,faults"), [(Fault, 10, 11), (Fault, 20, 11), (Fault, 21, 11)]);
        assert_eq!(kept("task:10,task:20,faults"), kept("task:sh,faults"));
        assert_eq!(kept("task:77"), []);
    }
}
