//! Protocol buffers, as much as writing needs: fields of a message appended to bytes.
//!
//! See <https://protobuf.dev/programming-guides/encoding/>.

use std::vec::Vec;

/// Bytes of a length whose value is known only after what it counts: a number in more bytes than it needs is valid.
const LENGTH: usize = 4;

/// Appends a number, seven bits a byte.
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a field that is a number.
pub(crate) fn number(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, u64::from(field) << 3);
    varint(out, value);
}

/// Appends a field of eight fixed bytes.
pub(crate) fn fixed(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, u64::from(field) << 3 | 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a field that is a string or bytes.
pub(crate) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    varint(out, u64::from(field) << 3 | 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Appends a field that is a message, which `fill` appends.
pub(crate) fn message(out: &mut Vec<u8>, field: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let at = begin(out, field);
    fill(out);
    end(out, at);
}

/// Begins a field that is a message; what is appended until [`end`] is its content.
pub(crate) fn begin(out: &mut Vec<u8>, field: u32) -> usize {
    varint(out, u64::from(field) << 3 | 2);
    out.extend_from_slice(&[0; LENGTH]);
    out.len()
}

/// Ends the field that began with content at `at`.
pub(crate) fn end(out: &mut [u8], at: usize) {
    let mut length = out.len() - at;
    for (place, byte) in out[at - LENGTH..at].iter_mut().enumerate() {
        let more = if place + 1 < LENGTH { 0x80 } else { 0 };
        *byte = (length & 0x7f) as u8 | more;
        length >>= 7;
    }
    debug_assert_eq!(length, 0, "a message of 256 MiB");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let mut out = Vec::new();
        number(&mut out, 1, 150);
        bytes(&mut out, 2, b"testing");
        fixed(&mut out, 47, 1);
        message(&mut out, 3, |inner| number(inner, 1, 150));
        assert_eq!(out[..3], [0x08, 0x96, 0x01]);
        assert_eq!(out[3..12], *b"\x12\x07testing");
        assert_eq!(out[12..22], [0xf9, 0x02, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(out[22..], [0x1a, 0x83, 0x80, 0x80, 0x00, 0x08, 0x96, 0x01]);
    }
}
