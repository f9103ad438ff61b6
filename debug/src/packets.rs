//! Packets that `gdbstub` does not know, one file each group; a [`session`](crate::session) asks here before `gdbstub`.

mod lldb;
mod memory;
mod osdata;
mod refused;
mod siginfo;
mod signals;
mod threads;
mod tls;

use crate::filter::{thread, transfer};
use crate::gdb::Target;

/// Answers a packet's body, or leaves it to others.
type Answer = fn(&mut Target, &[u8]) -> Option<Vec<u8>>;

/// All that is known here, in the order in which they are asked.
const TABLE: &[Answer] = &[
    memory::read,
    memory::read_binary,
    memory::search,
    threads::answer,
    siginfo::answer,
    signals::answer,
    osdata::answer,
    tls::answer,
    lldb::answer,
    refused::answer,
];

/// What gdb is told of it at `qSupported`.
const FEATURES: &[&str] = &[
    "qXfer:threads:read+",
    "qXfer:siginfo:read+",
    "qXfer:siginfo:write+",
    "qXfer:osdata:read+",
    "QPassSignals+",
    "QProgramSignals+",
    "binary-upload+",
];

/// The reply to a packet that cannot be understood: `EINVAL`.
pub const INVALID: &[u8] = b"E16";
/// No such task: `ESRCH`.
const NO_TASK: &[u8] = b"E03";
/// No memory there: `EFAULT`.
const NO_MEMORY: &[u8] = b"E0e";
/// There is nothing of that name: `ENOENT`.
const NOTHING: &[u8] = b"E02";

/// Answers a packet that `gdbstub` does not know.
pub fn answer(target: &mut Target, packet: &[u8]) -> Option<Vec<u8>> {
    if let Some(name) = packet.strip_prefix(b"Hg") {
        target.select(thread(name).flatten());
    }
    if !memory::is_read(packet) {
        target.ahead.forget();
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

/// Answers `qXfer:NAME:read:ANNEX:OFFSET,LENGTH`. The object is made when its beginning is read, and kept for the rest;
/// `make` gets the annex, and gives an error's reply if there is no such object.
fn object(
    target: &mut Target,
    packet: &[u8],
    name: &str,
    make: impl FnOnce(&mut Target, &[u8]) -> Result<Vec<u8>, &'static [u8]>,
) -> Option<Vec<u8>> {
    let rest = packet.strip_prefix(b"qXfer:")?.strip_prefix(name.as_bytes())?.strip_prefix(b":read:")?;
    let Some(colon) = rest.iter().position(|b| *b == b':') else { return Some(INVALID.to_vec()) };
    let (annex, place) = (&rest[..colon], &rest[colon + 1..]);
    let id = &packet[..packet.len() - place.len()];
    if target.object.0 != id || place.starts_with(b"0,") {
        match make(target, annex) {
            Ok(object) => target.object = (id.to_vec(), object),
            Err(reply) => return Some(reply.to_vec()),
        }
    }
    Some(transfer(&target.object.1, place).unwrap_or_else(|| INVALID.to_vec()))
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
