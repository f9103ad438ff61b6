//! The kernel's log: `log` its last 20 lines, `log N` its last N.
//!
//! ```text
//! line  seconds      level  about   text
//!    0  4711.022184  info   kernel  Linux version 6.12.0-llano (llano) #1 llano 0.1.0 nommu
//!    1  4711.027361  debug  exec    task 1 executes /usr/bin/dash, 3 arguments
//! ```
//!
//! What dmesg shows in the guest. `--log` or LLANO_LOG say what is kept: `exec=debug,gdb=trace`, by default everything from
//! `info` on. Lines about `user` are those that programs wrote to /dev/kmsg. JSON: line, at_ns, level, target, text.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 5] = [
    column("line", "line"),
    column("seconds", "at_ns"),
    column("level", "level"),
    column("about", "target"),
    column("text", "text"),
];

/// Lines shown if no number is given.
const FEW: u64 = 20;

/// The names of syslog(3), by number.
const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let count = match args {
        [] => FEW,
        [word] => word.parse().map_err(|_| "`log` takes a number of lines".to_string())?,
        _ => return Err("`log` takes at most one word, a number of lines".into()),
    };
    let log = &k.env.log;
    let mut table = Table::new(&COLUMNS);
    let mut next = log.next().saturating_sub(count);
    while let Some(line) = log.get(next) {
        table.row(vec![
            Cell::Count(line.seq),
            Cell::Seconds(line.at),
            LEVELS[line.priority as usize % LEVELS.len()].into(),
            line.target.into(),
            line.text.into(),
        ]);
        next = line.seq + 1;
    }
    Ok(Output::Table(table))
}
