//! How system calls of programs are caught, and how often they were.
//!
//! ```text
//! what                              address         caught by                   hits  how
//! syscall instructions              -               Syscall User Dispatch       1204  a host signal for each
//! of them, patched sites            -               a jump                      1189  no host signal
//! int 0x80 instructions             -               the same; answered ENOSYS      0  a host signal for each
//! /usr/lib/x86_64-.../libc.so.6+... 0x2000012e5f7   a jump                       311  patched
//! /tmp/jit+0x40                     0x20000200040   a host signal                  9  trap: on a writable page
//! ```
//!
//! With `--intercept patch` a `syscall` instruction that trapped once is rewritten to a jump where that is possible; the
//! list says for each site that was met whether it is. Sites whose code was unmapped are not listed, but counted above. With
//! `sud` and `seccomp` every call is a signal. JSON: what, address, caught_by, hits, how.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;
use llano_machine::intercept::{self, Mode};
use llano_machine::patch;

const COLUMNS: [Column; 5] = [
    column("what", "what"),
    column("address", "address"),
    column("caught by", "caught_by"),
    column("hits", "hits"),
    column("how", "how"),
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
    let (patched, _) = patch::counts();
    let mut table = Table::new(&COLUMNS);
    let mut row = |what: &str, by: &str, hits: u64, how: &str| {
        table.row(vec![what.into(), Cell::None, by.into(), Cell::Count(hits), how.into()]);
    };
    row("syscall instructions", by, known + beyond, signal);
    if patch::on() {
        row("of them, patched sites", "a jump", patched, "no host signal");
    }
    row("int 0x80 instructions", "the same; answered ENOSYS", k.foreign_calls, signal);
    for site in k.view_sites() {
        let how = site.trap.map_or("patched".into(), |why| format!("trap: {why}"));
        let by = if site.trap.is_none() { "a jump" } else { "a host signal" };
        let what = if site.place.is_empty() { "no file" } else { &site.place };
        table.row(vec![what.into(), Cell::Address(site.addr), by.into(), Cell::Count(site.hits), how.into()]);
    }
    if !patch::on() {
        table.note("Every site traps; --intercept patch rewrites them.");
    }
    Ok(Output::Table(table))
}
