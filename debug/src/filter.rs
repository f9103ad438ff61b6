//! Packets that `gdbstub` does not know, answered before it sees them.
//!
//! Whole packets are cut out of the byte stream; one that [`Filter::push`]'s caller can answer goes no further.

use crate::conn::Conn;
use std::io;
use tracing::span::EnteredSpan;
use tracing::trace_span;

/// The incoming side of the filter.
#[derive(Debug, Default)]
pub struct Filter {
    packet: Vec<u8>,
    /// The work on the last packet.
    work: Option<EnteredSpan>,
}

/// As much of a packet as the log shows.
const SHOWN: usize = 200;

impl Filter {
    /// Takes a byte; returns the bytes for `gdbstub`. `answer` is asked about each whole packet's body.
    pub fn push(
        &mut self,
        byte: u8,
        conn: &mut Conn,
        answer: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> io::Result<Vec<u8>> {
        if self.packet.is_empty() && byte != b'$' {
            return Ok(vec![byte]); // acknowledgements, Ctrl-C
        }
        self.packet.push(byte);
        let n = self.packet.len();
        if n < 4 || self.packet[n - 3] != b'#' {
            return Ok(Vec::new());
        }
        let packet = std::mem::take(&mut self.packet);
        let body = &packet[1..n - 3];
        // One ends where the next begins.
        drop(self.work.take());
        let shown = body[..body.len().min(SHOWN)].escape_ascii();
        self.work = Some(trace_span!(target: "gdb", "packet", body = %shown).entered());
        if let Some(reply) = answer(body) {
            conn.packet(&reply)?;
            return Ok(Vec::new());
        }
        if body.starts_with(b"vKill") {
            conn.packet(b"OK")?; // `gdbstub` ends the session without a word
        }
        conn.supported_follows = body.starts_with(b"qSupported");
        conn.no_ack |= body == b"QStartNoAckMode";
        Ok(packet)
    }

    /// All that came was worked on.
    pub fn rest(&mut self) {
        self.work = None;
    }
}

/// Answers a `qXfer:OBJECT:read` packet (`rest`: what follows the annex, `OFFSET,LENGTH` in hex) from the whole object.
pub fn transfer(object: &[u8], rest: &[u8]) -> Option<Vec<u8>> {
    let (offset, length) = std::str::from_utf8(rest).ok()?.split_once(',')?;
    let offset = usize::from_str_radix(offset, 16).ok()?.min(object.len());
    let length = usize::from_str_radix(length, 16).ok()?;
    let mut out = vec![b'l'];
    for byte in &object[offset..] {
        if out.len() >= length.max(2) {
            out[0] = b'm';
            break;
        }
        match byte {
            b'#' | b'$' | b'}' | b'*' => out.extend([b'}', byte ^ 0x20]),
            b => out.push(*b),
        }
    }
    Some(out)
}

/// Text as the value of an XML attribute or between tags.
pub fn xml(text: &[u8]) -> String {
    let mut out = String::new();
    for c in String::from_utf8_lossy(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_come_in_pieces() {
        assert_eq!(transfer(b"abc", b"0,10").unwrap(), b"labc");
        assert_eq!(transfer(b"abc", b"0,3").unwrap(), b"mab");
        assert_eq!(transfer(b"abc", b"2,3").unwrap(), b"lc");
        assert_eq!(transfer(b"abc", b"9,3").unwrap(), b"l");
        assert_eq!(transfer(b"a}", b"0,10").unwrap(), b"la}\x5d");
        assert_eq!(transfer(b"abc", b"x,3"), None);
    }

    #[test]
    fn xml_is_escaped() {
        assert_eq!(xml(b"<a \"b\"&c>\n"), "&lt;a &quot;b&quot;&amp;c&gt;?");
    }
}
