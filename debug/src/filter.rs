//! From a debugger's bytes to whole packets, and what packets are made of.
//!
//! Whatever comes, at most [`PACKET`] bytes are kept. A packet with a wrong checksum is asked for again, one that is too long
//! is refused, and what stands between packets is skipped.

use std::ops::ControlFlow;

/// The longest packet that is accepted, which gdb is told; it reads as much at once, and more would only be read ahead.
pub const PACKET: usize = 16 << 10;

/// What stood in the debugger's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A packet's body, without `$` and checksum; its sum was right.
    Packet(Vec<u8>),
    /// Ctrl-C.
    Interrupt,
    /// The last reply did not arrive.
    Again,
    /// A packet arrived with a wrong checksum.
    Garbled,
    /// A packet was longer than [`PACKET`].
    TooLong,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Between,
    Body,
    /// Two digits follow the `#`; this is the first.
    Sum(Option<u8>),
}

/// Cuts packets out of a stream of bytes.
#[derive(Debug, Default)]
pub struct Filter {
    state: State,
    body: Vec<u8>,
    too_long: bool,
}

impl Filter {
    /// Takes a byte; returns the word that it ended.
    pub fn push(&mut self, byte: u8) -> Option<Word> {
        match (self.state, byte) {
            // A `$` within a packet would have been escaped: the rest of the old one is lost.
            (State::Between | State::Body, b'$') => {
                self.body.clear();
                self.too_long = false;
                self.state = State::Body;
            }
            (State::Between, 3) => return Some(Word::Interrupt),
            (State::Between, b'-') => return Some(Word::Again),
            (State::Between, _) => {}
            (State::Body, b'#') => self.state = State::Sum(None),
            (State::Body, _) if self.body.len() >= PACKET => self.too_long = true,
            (State::Body, _) => self.body.push(byte),
            (State::Sum(None), _) => self.state = State::Sum(Some(byte)),
            (State::Sum(Some(high)), low) => {
                self.state = State::Between;
                let body = std::mem::take(&mut self.body);
                if self.too_long {
                    return Some(Word::TooLong);
                }
                let right = number(&[high, low]).is_some_and(|n| n == u64::from(sum(&body)));
                return Some(if right { Word::Packet(body) } else { Word::Garbled });
            }
        }
        None
    }
}

/// A packet's checksum.
pub fn sum(body: &[u8]) -> u8 {
    body.iter().fold(0, |a, b| a.wrapping_add(*b))
}

/// A number in hex: one to sixteen digits and nothing else.
pub fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.iter().try_fold(0, |n, d| Some(n << 4 | u64::from(char::from(*d).to_digit(16)?)))
}

/// Two numbers with this between them.
pub fn pair(text: &[u8], between: u8) -> Option<(u64, u64)> {
    let at = text.iter().position(|b| *b == between)?;
    Some((number(&text[..at])?, number(&text[at + 1..])?))
}

/// The task that a thread's name means: `pPID.TID` or `TID`. `None` is none in particular: all (-1), any (0).
///
/// The outer `None`: not a thread's name.
pub fn thread(text: &[u8]) -> Option<Option<i32>> {
    let tid = match text {
        [b'p', rest @ ..] => &rest[rest.iter().position(|b| *b == b'.')? + 1..],
        _ => text,
    };
    match tid {
        b"-1" | b"0" => Some(None),
        _ => i32::try_from(number(tid)?).ok().map(Some),
    }
}

/// Bytes as they stand in a packet.
pub fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            b'#' | b'$' | b'}' | b'*' => out.extend([b'}', byte ^ 0x20]),
            b => out.push(*b),
        }
    }
}

/// Bytes that stand in a packet; `None`: it ends in the middle of an escape.
pub fn unescape(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        out.push(if *byte == b'}' { rest.next()? ^ 0x20 } else { *byte });
    }
    Some(out)
}

/// Bytes as hex digits.
pub fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).collect()
}

/// Bytes from hex digits.
pub fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let pairs = digits.chunks(2).map(|d| if d.len() == 2 { number(d).map(|n| n as u8) } else { None });
    pairs.collect()
}

/// Answers a `qXfer:OBJECT:read` packet (`rest`: what follows the annex, `OFFSET,LENGTH` in hex) from the whole object.
pub fn transfer(object: &[u8], rest: &[u8]) -> Option<Vec<u8>> {
    let (offset, length) = pair(rest, b',')?;
    let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(object.len());
    let length = usize::try_from(length).unwrap_or(usize::MAX).clamp(2, PACKET);
    let mut out = vec![b'l'];
    let full = object[offset..].iter().try_for_each(|byte| {
        if out.len() >= length {
            return ControlFlow::Break(());
        }
        escape(&[*byte], &mut out);
        ControlFlow::Continue(())
    });
    if full.is_break() {
        out[0] = b'm';
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

    fn words(bytes: &[u8]) -> Vec<Word> {
        let mut filter = Filter::default();
        bytes.iter().filter_map(|b| filter.push(*b)).collect()
    }

    fn packet(body: &[u8]) -> Word {
        Word::Packet(body.to_vec())
    }

    #[test]
    fn packets_are_cut_out() {
        assert_eq!(words(b"+$g#67+$?#3f"), [packet(b"g"), packet(b"?")]);
        assert_eq!(words(b"\x03$\x03\0#03"), [Word::Interrupt, packet(b"\x03\0")]);
        assert_eq!(words(b"noise-$#00"), [Word::Again, packet(b"")]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(words(b"$g#66$g#zz$g#67"), [Word::Garbled, Word::Garbled, packet(b"g")]);
        assert_eq!(words(b"$mff$g#67"), [packet(b"g")]);
        let endless = [b"$".as_slice(), &[b'a'; 3 * PACKET], b"#00$g#67"].concat();
        assert_eq!(words(&endless), [Word::TooLong, packet(b"g")]);
    }

    #[test]
    fn numbers_are_digits() {
        assert_eq!(number(b"ffffffffffffffff"), Some(u64::MAX));
        for wrong in [&b""[..], b"10000000000000000", b"-1", b"+1", b"0x1", b" 1"] {
            assert_eq!(number(wrong), None);
        }
        assert_eq!(pair(b"1,2", b','), Some((1, 2)));
        assert_eq!(pair(b"1,", b','), None);
    }

    #[test]
    fn threads_have_names() {
        assert_eq!(thread(b"p1.1f"), Some(Some(31)));
        assert_eq!(thread(b"1f"), Some(Some(31)));
        assert_eq!(thread(b"p1.-1"), Some(None));
        assert_eq!(thread(b"0"), Some(None));
        for wrong in [&b""[..], b"p1", b"p1.", b"100000001", b"-2"] {
            assert_eq!(thread(wrong), None);
        }
    }

    #[test]
    fn bytes_survive() {
        let all: Vec<u8> = (0..=255).collect();
        let mut escaped = Vec::new();
        escape(&all, &mut escaped);
        assert_eq!(unescape(&escaped).unwrap(), all);
        assert_eq!(unescape(b"a}"), None);
        assert_eq!(unhex(&hex(&all)).unwrap(), all);
        assert_eq!(unhex(b"123"), None);
    }

    #[test]
    fn transfers_come_in_pieces() {
        assert_eq!(transfer(b"abc", b"0,10").unwrap(), b"labc");
        assert_eq!(transfer(b"abc", b"0,3").unwrap(), b"mab");
        assert_eq!(transfer(b"abc", b"2,3").unwrap(), b"lc");
        assert_eq!(transfer(b"abc", b"9,3").unwrap(), b"l");
        assert_eq!(transfer(b"abc", b"ffffffffffffffff,ffffffffffffffff").unwrap(), b"l");
        assert_eq!(transfer(b"a}", b"0,10").unwrap(), b"la}\x5d");
        assert_eq!(transfer(b"abc", b"x,3"), None);
    }

    #[test]
    fn xml_is_escaped() {
        assert_eq!(xml(b"<a \"b\"&c>\n"), "&lt;a &quot;b&quot;&amp;c&gt;?");
    }
}
