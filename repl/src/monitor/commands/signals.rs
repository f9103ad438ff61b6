//! What a task does with signals: `signals [TASK]`, by number or name (default: the running task).
//!
//! ```text
//! signal  name     action   handler        blocked  pending
//!      2  SIGINT   handler  0x20000001234  -        -
//!     17  SIGCHLD  default  -              blocked  process
//! ```
//!
//! Signals with the default action that are neither blocked nor pending are left out. `pending` says whether one waits for
//! this thread or for the process. JSON: signal, name, action, handler, blocked, pending.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 6] = [
    column("signal", "signal"),
    column("name", "name"),
    column("action", "action"),
    column("handler", "handler"),
    column("blocked", "blocked"),
    column("pending", "pending"),
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let tid = super::task(k, "signals", args)?.or(k.any_task()).ok_or("there are no tasks")?;
    let mut table = Table::new(&COLUMNS);
    let word = |text: &str| if text.is_empty() { Cell::None } else { text.into() };
    for s in k.view_signals(tid).map_err(|e| e.message().to_string())? {
        table.row(vec![
            Cell::Count(s.signo as u64),
            super::signal_name(s.signo).into(),
            s.action.into(),
            if s.handler == 0 { Cell::None } else { Cell::Address(s.handler) },
            word(if s.blocked { "blocked" } else { "" }),
            word(s.pending),
        ]);
    }
    Ok(Output::Table(table))
}
