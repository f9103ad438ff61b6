//! The moment of saving as records: each task that exists, its name, and the call it is in.

use core::iter;
use std::borrow::ToOwned;
use std::collections::BTreeMap;
use std::string::String;

use crate::record::{self, BytesKind, Event, Record};
use crate::recorder::is_wide;
use crate::snapshot::{Calibration, OpenCall, Snapshot, TaskNow};

/// The records that stand at the end of a saved trace.
pub fn records(now: &Snapshot) -> impl Iterator<Item = Record> + '_ {
    now.tasks.iter().flat_map(move |task| {
        let head = record(now.now_tsc, Event::Task, task.tid);
        let head = Record { args: [task.tgid.into(), 0, 0, 0], ..head };
        let name = record::pieces(now.now_tsc, task.tid, BytesKind::Comm, 0, task.comm.as_bytes());
        iter::once(head).chain(name).chain(call(now.now_tsc, task))
    })
}

fn record(tsc: u64, event: Event, tid: u32) -> Record {
    Record { tsc, event: event as u16, tid, ..Record::default() }
}

fn call(tsc: u64, task: &TaskNow) -> impl Iterator<Item = Record> {
    let call = task.call.as_ref().map(|call| {
        let [a, b, c, d, e, f] = call.args;
        let nr = u16::try_from(call.nr).unwrap_or(u16::MAX);
        let duration = tsc.saturating_sub(call.start_tsc);
        let open = record(tsc, Event::Open, task.tid);
        let more = record(tsc, Event::SyscallArgs, task.tid);
        let wide = is_wide(call.nr);
        (
            Record { nr, duration, args: [a, b, c, d], ..open },
            wide.then_some(Record { nr, args: [e, f, 0, 0], ..more }),
        )
    });
    call.into_iter().flat_map(|(open, more)| iter::once(open).chain(more))
}

/// Gathers the moment of saving from the records it passes.
#[derive(Default, Debug)]
pub(crate) struct Gather {
    tasks: BTreeMap<u32, TaskNow>,
    now_tsc: u64,
}

impl Gather {
    /// Takes the next record.
    pub(crate) fn see(&mut self, record: &Record) {
        self.now_tsc = record.tsc;
        let tid = record.tid;
        if record.event() == Some(Event::Task) {
            let tgid = record.args[0] as u32;
            self.tasks.insert(tid, TaskNow { tid, tgid, comm: "?".to_owned(), call: None });
            return;
        }
        // Before the first task is listed there is nothing to complete: this test is all that most records cost.
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        match record.event() {
            Some(Event::Bytes) if record.nr == BytesKind::Comm as u16 => {
                let length = (record.result as u32 as usize).min(32);
                task.comm = String::from_utf8_lossy(&record.bytes()[..length]).into_owned();
            }
            Some(Event::Open) => {
                let [a, b, c, d] = record.args;
                let start_tsc = record.tsc.saturating_sub(record.duration);
                task.call = Some(OpenCall { nr: record.nr.into(), args: [a, b, c, d, 0, 0], start_tsc });
            }
            Some(Event::SyscallArgs) => {
                if let Some(call) = &mut task.call {
                    call.args[4..].copy_from_slice(&record.args[..2]);
                }
            }
            _ => {}
        }
    }

    /// What was gathered.
    pub(crate) fn snapshot(self, clock: Calibration) -> Snapshot {
        Snapshot { clock, now_tsc: self.now_tsc, tasks: self.tasks.into_values().collect() }
    }
}
