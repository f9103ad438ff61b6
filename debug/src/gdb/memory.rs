//! Memory that a debugger reads piece after piece, as `dump memory` does.
//!
//! Each piece would be a question to the vCPU. When pieces follow each other, the next answer is longer than what was
//! asked, and serves the ones after it: while the system stands still nobody but the debugger changes anything. Every
//! packet that is no read ends that.

use super::{Target, errno};
use gdbstub::target::TargetResult;

/// How much is read ahead.
const AHEAD: usize = 1 << 20;

/// What was read.
#[derive(Default)]
pub(crate) struct Ahead {
    /// Whose memory.
    tid: i32,
    /// Where it begins.
    start: u64,
    data: Vec<u8>,
    /// Where the last read ended: one that begins there goes on.
    next: Option<(i32, u64)>,
}

impl Ahead {
    /// What is known is not true any more.
    pub(crate) fn forget(&mut self) {
        *self = Ahead::default();
    }

    /// The bytes at `addr`, if all are known.
    fn known(&self, tid: i32, addr: u64, len: usize) -> Option<&[u8]> {
        let from = usize::try_from(addr.checked_sub(self.start)?).ok()?;
        if tid != self.tid {
            return None;
        }
        self.data.get(from..from.checked_add(len)?)
    }
}

impl Target {
    /// Fills `data` with what the task sees at `start`, as far as there is any; returns the count.
    pub(super) fn read_memory(&mut self, tid: i32, start: u64, data: &mut [u8]) -> TargetResult<usize, Self> {
        let len = data.len();
        let follows = self.ahead.next == Some((tid, start));
        self.ahead.next = Some((tid, start.wrapping_add(len as u64)));
        if let Some(known) = self.ahead.known(tid, start, len) {
            data.copy_from_slice(known);
            return Ok(len);
        }
        let wanted = if follows { len.max(AHEAD) } else { len };
        let read = self.ask(move |k| {
            let mut buf = vec![0; wanted];
            k.peek_as(tid, start, &mut buf).map(|n| {
                buf.truncate(n);
                buf
            })
        })?;
        let bytes = read.map_err(errno)?;
        let n = bytes.len().min(len);
        data[..n].copy_from_slice(&bytes[..n]);
        if follows {
            (self.ahead.tid, self.ahead.start, self.ahead.data) = (tid, start, bytes);
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::Ahead;

    #[test]
    fn only_what_was_read_is_known() {
        let ahead = Ahead { tid: 3, start: 0x1000, data: vec![1, 2, 3, 4], next: None };
        assert_eq!(ahead.known(3, 0x1001, 2), Some(&[2, 3][..]));
        assert_eq!(ahead.known(3, 0x1002, 3), None);
        assert_eq!(ahead.known(3, 0xfff, 1), None);
        assert_eq!(ahead.known(4, 0x1000, 1), None);
        assert_eq!(ahead.known(3, 0x1000, usize::MAX), None);
    }
}
