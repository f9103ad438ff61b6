//! How system calls of programs are caught, and how often they were.
//!
//! ```text
//! what                   caught by                   hits  cost
//! syscall instructions   Syscall User Dispatch       1204  a host signal for each
//! int 0x80 instructions  the same; answered ENOSYS      0  a host signal for each
//! ```
//!
//! This build catches every `syscall` instruction outside llano's own text with a signal of the host, wherever it
//! stands; none is rewritten to a jump, so there is no list of sites. JSON: what, caught_by, hits, cost.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;
use llano_machine::intercept::{self, Mode};

const COLUMNS: [Column; 4] = [
    column("what", "what"),
    column("caught by", "caught_by"),
    column("hits", "hits"),
    column("cost", "cost"),
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("hooks", args)?;
    let by = match intercept::active() {
        Some(Mode::Sud) => "Syscall User Dispatch",
        Some(Mode::Seccomp) => "a seccomp filter on the instruction pointer",
        None => "nothing yet: no program has started",
    };
    let known: u64 = k.call_counts.iter().sum();
    let counted = k.call_counts.len();
    let beyond: u64 = k.unknown_calls.iter().skip(counted).map(|n| u64::from(*n)).sum();
    let signal = "a host signal for each";
    let mut table = Table::new(&COLUMNS);
    table.row(vec!["syscall instructions".into(), by.into(), Cell::Count(known + beyond), signal.into()]);
    let foreign = Cell::Count(k.foreign_calls);
    table.row(vec![
        "int 0x80 instructions".into(),
        "the same; answered ENOSYS".into(),
        foreign,
        signal.into(),
    ]);
    table.note("Every site traps; none is patched in this build.");
    Ok(Output::Table(table))
}
