//! What is mounted where.
//!
//! ```text
//! at     type     source  mode
//! /      overlay  /       rw
//! /proc  proc     proc    rw
//! ```
//!
//! JSON: at, type, source, mode.

use crate::monitor::Output;
use crate::monitor::table::{Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 4] =
    [column("at", "at"), column("type", "type"), column("source", "source"), column("mode", "mode")];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("mounts", args)?;
    let mut table = Table::new(&COLUMNS);
    for m in k.view_mounts() {
        let mode = if m.read_only { "ro" } else { "rw" };
        table.row(vec![m.at.into(), m.fs_type.into(), m.source.into(), mode.into()]);
    }
    Ok(Output::Table(table))
}
