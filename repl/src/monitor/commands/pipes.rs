//! Every pipe: what is in it, who can read and write it, and who waits for that.
//!
//! ```text
//! pipe  bytes  capacity  readers       writers      waiting
//!   12      0       64K  8 wc fd 0     7 cat fd 1   8 reads
//! ```
//!
//! A reader that waits on a pipe without writers has been woken already; two processes that wait on each other's pipes
//! wait for ever. JSON: pipe, bytes, capacity, readers, writers, waiting (strings).

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 6] = [
    column("pipe", "pipe"),
    column("bytes", "bytes"),
    column("capacity", "capacity"),
    column("readers", "readers"),
    column("writers", "writers"),
    column("waiting", "waiting"),
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("pipes", args)?;
    let mut table = Table::new(&COLUMNS);
    let list = |words: Vec<String>| if words.is_empty() { Cell::None } else { words.join(", ").into() };
    for p in k.view_pipes() {
        table.row(vec![
            Cell::Count(p.number),
            Cell::Bytes(p.bytes),
            Cell::Bytes(p.capacity),
            list(p.readers),
            list(p.writers),
            list(p.waiting),
        ]);
    }
    Ok(Output::Table(table))
}
