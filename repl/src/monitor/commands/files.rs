//! Who has a file: `files PATH`, or a name that `fds` shows, as `pipe:[12]`.
//!
//! ```text
//! pid  name  how
//!   1  sh    program
//!   7  cat   fd 3 r
//! ```
//!
//! `how` is a descriptor and its access, `maps` (mapped), `program`, `cwd` or `root`. JSON: pid, comm, how.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 3] = [column("pid", "pid"), column("name", "comm"), column("how", "how")];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let [path] = args else {
        return Err("`files` takes a path of the guest's, or a name that `fds` shows".into());
    };
    let holders = k.view_holders(path.as_bytes());
    let holders = holders.map_err(|e| format!("{}: {}", path.escape_debug(), e.message()))?;
    let mut table = Table::new(&COLUMNS);
    if holders.is_empty() {
        table.note("Nobody has it.");
    }
    for h in holders {
        table.row(vec![Cell::Count(h.pid as u64), h.comm.into(), h.how.into()]);
    }
    Ok(Output::Table(table))
}
