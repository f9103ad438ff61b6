//! Every task: who it is, what it does and what it waits for, its time and memory.
//!
//! ```text
//! tid  pid  ppid  name   state    call    waits for               cpu ms  calls  mapped  in memory
//!   1    1     0  sh     waiting  wait4   child                    2.115    187    7.6M       1.9M
//!   2    2     1  sleep  waiting  clock_nanosleep  sleep, 9.412 s left  0.902  66  7.4M       1.5M
//! ```
//!
//! States: `running` (its registers are in the CPU), `ready`, `waiting`, `stopped` (by a signal), `frozen` (by gdb or `freeze`),
//! `zombie` (over; its parent has not asked yet). Threads of one process, and a child of vfork and its parent, show
//! the same memory. JSON: tid, pid, ppid, comm, state, syscall, waits_for, cpu_ns, calls, mapped, resident.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 11] = [
    column("tid", "tid"),
    column("pid", "pid"),
    column("ppid", "ppid"),
    column("name", "comm"),
    column("state", "state"),
    column("call", "syscall"),
    column("waits for", "waits_for"),
    column("cpu ms", "cpu_ns"),
    column("calls", "calls"),
    column("mapped", "mapped"),
    column("in memory", "resident"),
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("tasks", args)?;
    let mut table = Table::new(&COLUMNS);
    for t in k.view_tasks() {
        let waits = if t.waits_for.is_empty() { Cell::None } else { t.waits_for.into() };
        table.row(vec![
            Cell::Count(t.tid as u64),
            Cell::Count(t.pid as u64),
            Cell::Count(t.ppid as u64),
            t.comm.into(),
            t.state.into(),
            t.call.map_or(Cell::None, |nr| llano_trace::format::name(nr).into_owned().into()),
            waits,
            Cell::Nanos(t.cpu_ns),
            Cell::Count(t.calls),
            Cell::Bytes(t.mapped),
            Cell::Bytes(t.resident),
        ]);
    }
    if k.debug.paused {
        table.note("The system is stopped; `cont` lets it run.");
    } else if k.debug.held {
        table.note("gdb holds the system.");
    }
    Ok(Output::Table(table))
}
