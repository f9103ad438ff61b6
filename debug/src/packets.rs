//! Packets that `gdbstub` does not know, one file each group; a [`session`](crate::session) asks here before `gdbstub`.

mod refused;

use crate::filter::thread;
use crate::gdb::Target;

/// Answers a packet's body, or leaves it to others.
type Answer = fn(&mut Target, &[u8]) -> Option<Vec<u8>>;

/// All that is known here, in the order in which they are asked.
const TABLE: &[Answer] = &[Target::threads_packet, refused::answer];

/// What gdb is told of it at `qSupported`.
const FEATURES: &[&str] = &["qXfer:threads:read+"];

/// The reply to a packet that cannot be understood or carried out: `EINVAL`.
pub const INVALID: &[u8] = b"E16";

/// Answers a packet that `gdbstub` does not know.
pub fn answer(target: &mut Target, packet: &[u8]) -> Option<Vec<u8>> {
    if let Some(name) = packet.strip_prefix(b"Hg") {
        target.select(thread(name).flatten());
    }
    let known = TABLE.iter().find_map(|answer| answer(target, packet));
    // An empty reply means that a packet is not known.
    known.or_else(|| (!plausible(packet)).then(Vec::new))
}

/// The end of the reply to `qSupported`.
pub fn features() -> String {
    FEATURES.iter().map(|feature| format!(";{feature}")).collect()
}

/// `gdbstub` knows packets by how they begin: these are all of one letter, whatever else begins with it.
fn plausible(packet: &[u8]) -> bool {
    match packet {
        [] => false,
        [b'?' | b'g' | b'k' | b'D', rest @ ..] => rest.is_empty(),
        [b'c' | b's', rest @ ..] => rest.iter().all(u8::is_ascii_hexdigit),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::plausible;

    #[test]
    fn a_letter_is_a_packet_alone() {
        assert!(plausible(b"g") && plausible(b"c") && plausible(b"c4f0") && plausible(b"Hg0"));
        assert!(!plausible(b"") && !plausible(b"garbage") && !plausible(b"kit") && !plausible(b"cd\0"));
    }
}
