//! What is mapped in the address space of a task: `maps [TASK]`, by number or name (default: the running task).
//!
//! ```text
//! start          end            perms  offset  size  in memory  name
//! 0x20000001000  0x20000005000  r--p   0x0      16K        16K  /usr/bin/dash
//! ```
//!
//! All tasks live in one address space, so no range is ever in two processes, but for threads and a vfork child.
//! JSON: start and end (strings), perms, offset, size, resident, name.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 7] = [
    column("start", "start"),
    column("end", "end"),
    column("perms", "perms"),
    column("offset", "offset"),
    column("size", "size"),
    column("in memory", "resident"),
    column("name", "name"),
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let tid = super::task(k, "maps", args)?.or(k.any_task()).ok_or("there are no tasks")?;
    let mut table = Table::new(&COLUMNS);
    for v in k.view_maps(tid).map_err(|e| e.message().to_string())? {
        table.row(vec![
            Cell::Address(v.start),
            Cell::Address(v.end),
            v.perms.into(),
            Cell::Address(v.offset),
            Cell::Bytes(v.end - v.start),
            Cell::Bytes(v.resident),
            v.name.into(),
        ]);
    }
    Ok(Output::Table(table))
}
