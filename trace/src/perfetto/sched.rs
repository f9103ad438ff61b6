//! Scheduling as the kernel's own trace would have it: `sched_switch` and `sched_waking`.
//!
//! Field numbers are those of `ftrace/ftrace_event.proto` and `ftrace/sched.proto`.

use std::io;

use super::packets::Packets;
use super::proto::{bytes, message, number};
use crate::record::{Record, TaskState};
use crate::state::State;

/// `default priority`, that of every task.
const PRIORITY: u64 = 120;

/// `waker` (0: the kernel itself) makes `woken` runnable.
pub(super) fn waking(
    packets: &mut Packets<'_>,
    state: &mut State,
    ns: u64,
    waker: u32,
    woken: u32,
) -> io::Result<()> {
    let comm = &state.task(woken).comm;
    packets.ftrace(ns, waker, |event| {
        message(event, 20, |waking| {
            bytes(waking, 1, comm.as_bytes());
            number(waking, 2, woken.into());
            number(waking, 3, PRIORITY);
            number(waking, 4, 1);
            number(waking, 5, 0);
        });
    })
}

/// The CPU goes from one task to another.
pub(super) fn switch(
    packets: &mut Packets<'_>,
    state: &mut State,
    ns: u64,
    record: &Record,
) -> io::Result<()> {
    let (prev, next) = (record.tid, record.args[0] as u32);
    let left = match prev {
        // The idle task is always ready to run.
        0 => 0,
        _ => TaskState::from_raw(record.nr).unwrap_or(TaskState::Sleeping).bits(),
    };
    // Both must exist before either is borrowed.
    state.task(prev);
    state.task(next);
    let comm = |tid: u32| state.tasks().get(&tid).map_or("?", |task| task.comm.as_str());
    packets.ftrace(ns, prev, |event| {
        message(event, 4, |switch| {
            bytes(switch, 1, comm(prev).as_bytes());
            number(switch, 2, prev.into());
            number(switch, 3, PRIORITY);
            number(switch, 4, left);
            bytes(switch, 5, comm(next).as_bytes());
            number(switch, 6, next.into());
            number(switch, 7, PRIORITY);
        });
    })
}
