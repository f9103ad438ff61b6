//! Everything that waits for its time, the earliest first.
//!
//! ```text
//! for  what          in ms  every ms
//!   7  wake (sleep)  812.4         -
//!   1  itimer        990.0  1000.000
//! ```
//!
//! `for` is the task that is woken, or the process whose timer it is (setitimer(2), timer_create(2)). Timers that count CPU
//! time, and timerfds, are not in it. JSON: id, what, left_ns, interval_ns.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 4] = [
    column("for", "id"),
    column("what", "what"),
    column("in ms", "left_ns"),
    column("every ms", "interval_ns"),
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("timers", args)?;
    let mut table = Table::new(&COLUMNS);
    for t in k.view_timers() {
        table.row(vec![
            Cell::Count(t.id as u64),
            t.what.into(),
            Cell::Nanos(t.left_ns),
            if t.interval_ns == 0 { Cell::None } else { Cell::Nanos(t.interval_ns) },
        ]);
    }
    Ok(Output::Table(table))
}
