//! Packets that `gdbstub` does not know, one file each; [`filter`](crate::filter) asks here before `gdbstub` sees them.

use crate::gdb::Target;

/// Answers a packet's body, or leaves it to others.
type Answer = fn(&Target, &[u8]) -> Option<Vec<u8>>;

/// All that is known here, in the order in which they are asked.
const TABLE: &[Answer] = &[Target::threads_packet];

/// Answers a packet that `gdbstub` does not know.
pub fn answer(target: &Target, packet: &[u8]) -> Option<Vec<u8>> {
    TABLE.iter().find_map(|answer| answer(target, packet))
}
