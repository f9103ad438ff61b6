//! The run queue of the one CPU: who runs, and who waits for it.
//!
//! ```text
//! place  tid  name  gave way  by the tick   cpu ms
//!     0    1  sh          12            3    2.115
//!     1    9  make        88           41  912.003
//! ```
//!
//! Place 0 runs; the others follow in this order, 4 ms each, or until they wait. `gave way` counts the times a task waited by
//! itself, `by the tick` those when its slice was over. JSON: place, tid, comm, voluntary, involuntary, cpu_ns.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 6] = [
    column("place", "place"),
    column("tid", "tid"),
    column("name", "comm"),
    column("gave way", "voluntary"),
    column("by the tick", "involuntary"),
    column("cpu ms", "cpu_ns"),
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("sched", args)?;
    let mut table = Table::new(&COLUMNS);
    let queue = k.view_queue();
    if queue.is_empty() {
        table.note("Nobody wants the CPU.");
    }
    for q in queue {
        table.row(vec![
            Cell::Count(q.place as u64),
            Cell::Count(q.tid as u64),
            q.comm.into(),
            Cell::Count(q.switches.0),
            Cell::Count(q.switches.1),
            Cell::Nanos(q.cpu_ns),
        ]);
    }
    Ok(Output::Table(table))
}
