//! Memory in bulk: `m` and `x` read it, `qSearch:memory` is gdb's `find`.

use super::{INVALID, NO_MEMORY, NO_TASK};
use crate::filter::{PACKET, escape, hex, pair, unescape};
use crate::gdb::Target;
use std::time::{Duration, Instant};

/// What is searched at once.
const CHUNK: u64 = 256 << 10;

/// How long a search may take: it cannot be interrupted.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether a packet only reads memory.
pub(super) fn is_read(packet: &[u8]) -> bool {
    matches!(packet, [b'm' | b'x', ..])
}

/// `mADDR,LENGTH`: hex digits, as many as there is memory and room in a packet.
pub(super) fn read(target: &mut Target, packet: &[u8]) -> Option<Vec<u8>> {
    let place = pair(packet.strip_prefix(b"m")?, b',');
    Some(at(target, place, PACKET / 2 - 8).map_or_else(<[u8]>::to_vec, |data| hex(&data)))
}

/// `xADDR,LENGTH`: `b` and the bytes as they are.
pub(super) fn read_binary(target: &mut Target, packet: &[u8]) -> Option<Vec<u8>> {
    let place = pair(packet.strip_prefix(b"x")?, b',');
    Some(at(target, place, PACKET - 8).map_or_else(<[u8]>::to_vec, |data| {
        let mut reply = vec![b'b'];
        escape(&data, &mut reply);
        reply
    }))
}

fn at(target: &mut Target, place: Option<(u64, u64)>, most: usize) -> Result<Vec<u8>, &'static [u8]> {
    let (addr, len) = place.ok_or(INVALID)?;
    let tid = target.current().ok_or(NO_TASK)?;
    let len = usize::try_from(len).unwrap_or(usize::MAX).min(most);
    if len == 0 {
        return Ok(Vec::new());
    }
    target.read(tid, addr, len).filter(|data| !data.is_empty()).ok_or(NO_MEMORY)
}

/// `qSearch:memory:ADDR;LENGTH;PATTERN`: `1,ADDR` of the first one, `0` if there is none.
pub(super) fn search(target: &mut Target, packet: &[u8]) -> Option<Vec<u8>> {
    let rest = packet.strip_prefix(b"qSearch:memory:")?;
    let mut parts = rest.splitn(3, |b| *b == b';');
    let (place, pattern) = ([parts.next()?, parts.next().unwrap_or_default()].join(&b','), parts.next());
    Some(match (pair(&place, b','), pattern.and_then(unescape)) {
        (Some((addr, len)), Some(pattern)) if !pattern.is_empty() => find(target, addr, len, &pattern),
        _ => INVALID.to_vec(),
    })
}

fn find(target: &mut Target, addr: u64, len: u64, pattern: &[u8]) -> Vec<u8> {
    let Some(tid) = target.current() else { return NO_TASK.to_vec() };
    let (overlap, started) = (pattern.len() as u64 - 1, Instant::now());
    let (mut at, mut left) = (addr, len);
    while left > overlap && started.elapsed() < PATIENCE {
        let wanted = left.min(CHUNK + overlap);
        let Some(data) = target.read(tid, at, wanted as usize) else { return NO_MEMORY.to_vec() };
        if let Some(offset) = position(&data, pattern) {
            return format!("1,{:x}", at + offset as u64).into_bytes();
        }
        if (data.len() as u64) < wanted {
            return NO_MEMORY.to_vec();
        }
        let done = wanted - overlap;
        left -= done;
        match at.checked_add(done) {
            Some(next) => at = next,
            None => break,
        }
    }
    b"0".to_vec()
}

fn position(data: &[u8], pattern: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(next) = data[from..].iter().position(|b| *b == pattern[0]) {
        from += next;
        if data[from..].starts_with(pattern) {
            return Some(from);
        }
        from += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn patterns_are_found() {
        assert_eq!(position(b"aaab", b"aab"), Some(1));
        assert_eq!(position(b"abab", b"abb"), None);
        assert_eq!(position(b"ab", b"b"), Some(1));
        assert_eq!(position(b"", b"b"), None);
    }
}
