//! The address space as a map: who has what, and the holes between.
//!
//! ```text
//! start          end             size  in memory  pid   name  what
//! 0x20000000000  0x20000410000   4.0M       412K  1     sh    /usr/bin/dash, [heap]
//! 0x20000410000  0x20000600000   1.9M          -  -     -     free
//! 0x20000600000  0x20000a00000   4.0M       1.1M  7 8   make  /usr/bin/make, [stack]
//! 256G are free, in 12 holes; the largest is 254G.
//! ```
//!
//! A line is a run of addresses of one owner, with its gaps up to a MiB, which are counted as holes; several owners are
//! relatives after fork, or programs linked to the same addresses that take turns. `what` names what takes most room. JSON: start, end, bytes, resident, pids, comm, what.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, bytes, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 7] = [
    column("start", "start"),
    column("end", "end"),
    column("size", "bytes"),
    column("in memory", "resident"),
    column("pid", "pids"),
    column("name", "comm"),
    column("what", "what"),
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("regions", args)?;
    let regions = k.view_regions();
    let mut table = Table::new(&COLUMNS);
    let (mut holes, mut free, mut largest, mut reached) = (0, 0, 0, 0);
    for r in regions {
        let hole = r.owners.is_empty();
        if hole {
            holes += 1;
            free += r.end - r.start;
            largest = largest.max(r.end - r.start);
            if r.start < reached {
                continue;
            }
        }
        reached = reached.max(r.end);
        let pids: Vec<String> = r.owners.iter().map(ToString::to_string).collect();
        table.row(vec![
            Cell::Address(r.start),
            Cell::Address(r.end),
            Cell::Bytes(r.end - r.start),
            if hole { Cell::None } else { Cell::Bytes(r.resident) },
            if hole { Cell::None } else { pids.join(" ").into() },
            if hole { Cell::None } else { r.comm.into() },
            if hole { "free".into() } else { r.what.into() },
        ]);
    }
    table.note(format!("{} are free, in {holes} holes; the largest is {}.", bytes(free), bytes(largest)));
    Ok(Output::Table(table))
}
