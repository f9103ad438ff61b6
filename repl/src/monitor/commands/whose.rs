//! Whose memory an address is: `whose ADDRESS [TASK]`; registers (`$rsp`) are the task's.
//!
//! ```text
//! (llano) whose 0x200005a1234
//! pid  name   perms  where                     symbol
//!   7  httpd  r-xp   /usr/bin/httpd+0x1234     serve+0x14
//! ```
//!
//! One line for each process that has something there: relatives after fork may, and programs linked to the same addresses, which
//! take turns. If nobody has, the neighbours below and above are named. JSON: pid, comm, perms, where, symbol; pid is null in lines
//! about neighbours and llano's own memory.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, bytes, column};
use crate::symbols::Book;
use llano_kernel::Kernel;
use llano_kernel::view::VmaView;
use llano_machine::space;

const COLUMNS: [Column; 5] = [
    column("pid", "pid"),
    column("name", "comm"),
    column("perms", "perms"),
    column("where", "where"),
    column("symbol", "symbol"),
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let (word, task) = args.split_first().ok_or("`whose` needs an address: `whose 0x20000001000`")?;
    let tid = super::task_or_any(k, "whose", task)?;
    let at = super::x::address(k, tid, word)?;
    let mut table = Table::new(&COLUMNS);
    for tid in super::find::one_of_each(k) {
        let maps = k.view_maps(tid).map_err(|e| e.message().to_string())?;
        let Some(map) = maps.iter().find(|v| (v.start..v.end).contains(&at)) else { continue };
        let mut book = Book::default();
        for image in k.images_of(tid).iter().filter(|i| (i.span.0..i.span.1).contains(&at)) {
            book.add_of_guest(k, &image.path, image.bias);
        }
        table.row(vec![
            Cell::Count(k.task(tid).pid as u64),
            super::comm(k, tid).into(),
            map.perms.as_str().into(),
            place(map, at).into(),
            book.function(at).map_or(Cell::None, Cell::from),
        ]);
    }
    if table.is_empty() {
        nobody(k, at, &mut table);
    }
    Ok(Output::Table(table))
}

/// What lies there, and how far into it.
pub(super) fn place(v: &VmaView, at: u64) -> String {
    let name = if v.name.is_empty() { "anonymous memory" } else { v.name.as_str() };
    let offset = at - v.start + if name.starts_with('[') { 0 } else { v.offset };
    format!("{name}+{offset:#x}")
}

/// No process has the address: llano, or who is near.
fn nobody(k: &Kernel, at: u64, table: &mut Table) {
    let line = |what: String| vec![Cell::None, Cell::None, Cell::None, what.into(), Cell::None];
    if !space::contains(at, 1) {
        let mut byte = [0];
        let there = k.peek(at, &mut byte) == Ok(1);
        table.row(line(if there { "llano's own memory" } else { "nobody's: outside guest space" }.into()));
        return;
    }
    table.row(line("nobody's: free".into()));
    let regions = k.view_regions();
    let owned = || regions.iter().filter(|r| !r.owners.is_empty());
    let name = |r: &llano_kernel::view::RegionView| format!("{} ({}), {}", r.comm, r.owners[0], r.what);
    if let Some(r) = owned().filter(|r| r.end <= at).max_by_key(|r| r.end) {
        table.row(line(format!("{} above the end of {}", bytes(at - r.end), name(r))));
    }
    if let Some(r) = owned().filter(|r| r.start > at).min_by_key(|r| r.start) {
        table.row(line(format!("{} below the start of {}", bytes(r.start - at), name(r))));
    }
    if let Some(r) = owned().find(|r| (r.start..r.end).contains(&at)) {
        table.row(line(format!("in a gap of {}", name(r))));
    }
}
