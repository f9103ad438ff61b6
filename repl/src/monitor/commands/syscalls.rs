//! System calls by number of uses: `syscalls` since boot, `syscalls TASK` as far as the trace ring reaches back.
//!
//! ```text
//! calls  support  name
//!    96  full     read
//!     2  -        io_uring_setup
//! ```
//!
//! The support level is that of `llano syscalls`; `-` is a call that llano does not know and answers with ENOSYS.
//! JSON: calls, support, name.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;
use llano_kernel::syscall::table::rows;
use llano_trace::record::Event;
use std::collections::BTreeMap;

const COLUMNS: [Column; 3] = [column("calls", "calls"), column("support", "support"), column("name", "name")];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
    if let Some(tid) = super::task(k, "syscalls", args)? {
        if !k.trace.on() {
            return Err(
                "calls of one task are counted from the trace ring, which is off (--trace off)".into()
            );
        }
        for (_, r) in k.trace.iter().filter(|(_, r)| r.tid == tid as u32 && r.event() == Some(Event::Syscall))
        {
            *counts.entry(r.nr.into()).or_default() += 1;
        }
    } else {
        counts.extend(k.call_counts.iter().copied().enumerate());
        let counted = k.call_counts.len();
        counts.extend(k.unknown_calls.iter().enumerate().skip(counted).map(|(nr, n)| (nr, u64::from(*n))));
    }
    let support: BTreeMap<usize, &str> = rows().map(|r| (r.nr, r.support.name())).collect();
    let mut by_count: Vec<(usize, u64)> = counts.into_iter().filter(|(_, n)| *n > 0).collect();
    by_count.sort_by_key(|(nr, n)| (std::cmp::Reverse(*n), *nr));
    let mut table = Table::new(&COLUMNS);
    for (nr, n) in by_count {
        let level = support.get(&nr).map_or(Cell::None, |name| (*name).into());
        table.row(vec![Cell::Count(n), level, llano_trace::format::name(nr).into_owned().into()]);
    }
    Ok(Output::Table(table))
}
