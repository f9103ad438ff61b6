//! Memory as a whole: RAM, files in RAM, the address space and its largest hole, llano's own.
//!
//! ```text
//! what                     size
//! RAM (--mem)              1.0G
//! in use by programs       9.1M
//! of it, files in RAM      128K
//! address space, free      255G
//! its largest hole         254G
//! llano itself              12M
//! of it, the trace ring    2.0M
//! ```
//!
//! When more than RAM is in use the largest process is killed. JSON: what, bytes.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 2] = [column("what", "what"), column("size", "bytes")];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("mem", args)?;
    let m = k.view_memory();
    let mut table = Table::new(&COLUMNS);
    let rows = [
        ("RAM (--mem)", m.ram),
        ("in use by programs", m.used),
        ("of it, files in RAM", m.pool),
        ("address space, free", m.free_space),
        ("its largest hole", m.largest_hole),
        ("llano itself", m.own),
        ("of it, the trace ring", m.trace),
    ];
    for (what, bytes) in rows {
        table.row(vec![what.into(), Cell::Bytes(bytes)]);
    }
    Ok(Output::Table(table))
}
