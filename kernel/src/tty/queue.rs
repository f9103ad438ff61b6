//! What was received and not yet read: bytes, and which of them end a line.

use alloc::collections::VecDeque;

/// Bytes the queue holds (`N_TTY_BUF_SIZE`): the longest line with its newline.
pub const INPUT_LIMIT: usize = 4096;

/// The input queue.
///
/// Positions count all bytes ever received, so that marks stay valid while the front is read away. A NUL
/// that ends a line is an end-of-file mark: it ends the line and is not given to the reader. (A disabled
/// control character is a NUL too, so a typed NUL never ends a line.)
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: VecDeque<u8>,
    /// Position of the first byte.
    start: u64,
    /// Position behind the last byte of the last finished line.
    finished: u64,
    /// Positions of the bytes that end lines.
    ends: VecDeque<u64>,
}

impl Input {
    /// All bytes, finished lines or not.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of finished lines, end-of-file marks included.
    pub(super) fn finished_len(&self) -> usize {
        self.finished.saturating_sub(self.start) as usize
    }

    /// Bytes of finished lines that a reader will get.
    pub(super) fn finished_text_len(&self) -> usize {
        let marks = self.ends.iter().filter(|&&end| self.at(end) == 0).count();
        self.finished_len() - marks
    }

    /// The unfinished line.
    pub(super) fn line(&self) -> impl DoubleEndedIterator<Item = u8> + '_ {
        self.bytes.range(self.finished_len()..).copied()
    }

    /// Whether nothing stands behind the last finished line.
    pub(super) fn line_is_empty(&self) -> bool {
        self.finished_len() == self.bytes.len()
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.bytes.push_back(byte);
    }

    /// Takes the last byte off the unfinished line.
    pub(super) fn pop(&mut self) -> Option<u8> {
        if self.line_is_empty() { None } else { self.bytes.pop_back() }
    }

    /// Drops the unfinished line.
    pub(super) fn drop_line(&mut self) {
        self.bytes.truncate(self.finished_len());
    }

    /// Adds the byte that ends the unfinished line.
    pub(super) fn finish_line(&mut self, end: u8) {
        self.bytes.push_back(end);
        self.seal();
    }

    /// Makes all that is there one finished line: what a reader gets who switches canonical mode on.
    pub(super) fn seal_all(&mut self) {
        self.ends.clear();
        self.finished = self.start;
        if !self.bytes.is_empty() {
            self.seal();
        }
    }

    fn seal(&mut self) {
        self.finished = self.start + self.bytes.len() as u64;
        self.ends.push_back(self.finished - 1);
    }

    /// Forgets lines: what happens when canonical mode ends.
    pub(super) fn forget_lines(&mut self) {
        self.ends.clear();
        self.finished = self.start;
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.forget_lines();
    }

    /// Moves bytes to `out`, at most one finished line; 0 for an end-of-file mark alone or no line.
    pub(super) fn take_line(&mut self, out: &mut [u8]) -> usize {
        let Some(&end) = self.ends.front() else { return 0 };
        let until_end = (end - self.start) as usize;
        if self.at(end) == 0 && until_end <= out.len() {
            // The mark goes with its line, even when the line just fills `out`: no empty read follows.
            let taken = self.take(&mut out[..until_end]);
            self.bytes.pop_front();
            self.start += 1;
            self.ends.pop_front();
            return taken;
        }
        let taken = out.len().min(until_end + 1);
        self.take(&mut out[..taken]);
        if self.start > end {
            self.ends.pop_front();
        }
        taken
    }

    /// Moves bytes to `out` regardless of lines.
    pub(super) fn take(&mut self, out: &mut [u8]) -> usize {
        let taken = out.len().min(self.bytes.len());
        for (to, byte) in out.iter_mut().zip(self.bytes.drain(..taken)) {
            *to = byte;
        }
        self.start += taken as u64;
        self.finished = self.finished.max(self.start);
        taken
    }

    fn at(&self, position: u64) -> u8 {
        self.bytes[(position - self.start) as usize]
    }
}
