//! Every socket: its kind, what it is doing, its name and whose it is.
//!
//! ```text
//! socket  kind    state      peer  to receive  name       held by
//!     14  stream  connected    15           0             7 nc fd 3
//!     16  stream  listening     -           0  /tmp/sock  6 srv fd 3
//! ```
//!
//! A name with `@` is in the abstract namespace. JSON: socket, kind, state, peer, to_receive, name, held_by.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 7] = [
    column("socket", "socket"),
    column("kind", "kind"),
    column("state", "state"),
    column("peer", "peer"),
    column("to receive", "to_receive"),
    column("name", "name"),
    column("held by", "held_by"),
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("sockets", args)?;
    let mut table = Table::new(&COLUMNS);
    for s in k.view_sockets() {
        table.row(vec![
            Cell::Count(s.number),
            s.kind.into(),
            s.role.into(),
            s.peer.map_or(Cell::None, Cell::Count),
            Cell::Bytes(s.waiting),
            s.name.into(),
            s.holders.join(", ").into(),
        ]);
    }
    Ok(Output::Table(table))
}
