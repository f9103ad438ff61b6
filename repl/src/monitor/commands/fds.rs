//! The descriptors of a task: `fds [TASK]`, by number or name (default: the running task).
//!
//! ```text
//! fd  access  position  shared  flags    name
//!  0  r              0       3           /dev/null
//!  3  r              -       1  cloexec  pipe:[12]
//! ```
//!
//! `shared` counts the descriptors, of all processes, that are the same open file: they have one position. Threads share a
//! table. JSON: fd, access, position, shared, flags (a string), name.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 6] = [
    column("fd", "fd"),
    column("access", "access"),
    column("position", "position"),
    column("shared", "shared"),
    column("flags", "flags"),
    column("name", "name"),
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let tid = super::task(k, "fds", args)?.or(k.any_task()).ok_or("there are no tasks")?;
    let mut table = Table::new(&COLUMNS);
    for f in k.view_fds(tid).map_err(|e| e.message().to_string())? {
        table.row(vec![
            Cell::Count(f.fd as u64),
            f.access.into(),
            f.position.map_or(Cell::None, Cell::Count),
            Cell::Count(f.shared as u64),
            f.flags.join(",").into(),
            f.name.into(),
        ]);
    }
    Ok(Output::Table(table))
}
