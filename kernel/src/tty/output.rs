//! Output processing and the output queue: `OPOST` and its companions of `termios(3)`.

use super::Tty;
use alloc::collections::VecDeque;
use llano_abi::errno::Errno;
use llano_abi::termios::{IUTF8, OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST, TABDLY, XTABS};

/// Bytes a writer can be ahead of the master, as measured on Linux 6.18.
pub const OUTPUT_LIMIT: usize = 19_457;

/// Bytes of the output that already belong to the master, beyond reach of a flush at the slave.
const MASTER_LIMIT: usize = 4095;

/// What was written and echoed and has not left yet.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: VecDeque<u8>,
    /// Leading bytes that the master has: a flush leaves them.
    settled: usize,
    /// Where the cursor stands.
    pub(super) column: usize,
    /// Where the cursor stood when the unfinished input line began.
    pub(super) line_column: usize,
}

impl Output {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes that have reached the master.
    pub(super) fn settled(&self) -> usize {
        self.settled
    }

    /// Ends a batch: what fits becomes the master's.
    pub(super) fn settle(&mut self) {
        self.settled = self.bytes.len().min(MASTER_LIMIT);
    }

    /// Drops what the master does not have yet.
    pub(super) fn flush(&mut self) {
        self.bytes.truncate(self.settled);
    }

    /// Drops what the master has.
    pub(super) fn flush_settled(&mut self) {
        self.bytes.drain(..self.settled);
        self.settle();
    }

    pub(super) fn put(&mut self, byte: u8) {
        self.bytes.push_back(byte);
    }

    pub(super) fn take(&mut self, out: &mut [u8]) -> usize {
        let taken = out.len().min(self.bytes.len());
        for (to, byte) in out.iter_mut().zip(self.bytes.drain(..taken)) {
            *to = byte;
        }
        self.settle();
        taken
    }
}

/// ASCII controls, as the kernel's `iscntrl` tells them: the upper half has none.
pub(super) fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}

/// A byte that continues a UTF-8 character.
pub(super) fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Upper case in Latin-1, by the kernel's rule of subtracting 32 from everything it calls lower case.
fn to_upper(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | 0xdf..=0xf6 | 0xf8..=0xff => byte - 32,
        _ => byte,
    }
}

impl Tty {
    /// Takes bytes from a writing process. Returns how many were accepted: 0 for a full queue or stopped
    /// output, when the writer must wait.
    ///
    /// Errors: `EIO` after a hang-up. Source: `write(2)` on a terminal.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        if self.hung_up {
            return Err(Errno::EIO);
        }
        self.drain_echoes();
        let accepted = if self.oflag(OPOST) {
            bytes.iter().take_while(|&&byte| self.emit(byte)).count()
        } else {
            let taken = bytes.len().min(self.room());
            bytes[..taken].iter().for_each(|&byte| self.output.put(byte));
            taken
        };
        self.output.settle();
        self.effects.master |= accepted > 0;
        Ok(accepted)
    }

    /// Moves output to whoever shows it (the pty's master, the host's terminal); returns how many bytes.
    pub fn take_output(&mut self, out: &mut [u8]) -> usize {
        // A writer may wait for as much as a tab needs.
        let was_tight = self.room() < 8;
        let taken = self.output.take(out);
        self.drain_echoes();
        self.output.settle();
        self.effects.slave |= was_tight && taken > 0;
        taken
    }

    /// Bytes that can be output now: none while output is stopped.
    pub(super) fn room(&self) -> usize {
        if self.stopped() { 0 } else { OUTPUT_LIMIT.saturating_sub(self.output.len()) }
    }

    /// Bytes that a write now would accept whatever they are: a tab may become eight spaces.
    pub fn sure_room(&self) -> usize {
        if self.oflag(OPOST) { self.room() / 8 } else { self.room() }
    }

    /// Outputs one byte with processing; false, and nothing done, if there is no room for the result.
    pub(super) fn emit(&mut self, byte: u8) -> bool {
        let room = self.room();
        if room == 0 {
            return false;
        }
        let mut byte = byte;
        match byte {
            b'\n' => {
                if self.oflag(ONLRET) {
                    self.output.column = 0;
                }
                if self.oflag(ONLCR) {
                    if room < 2 {
                        return false;
                    }
                    self.output.column = 0;
                    self.output.put(b'\r');
                }
                self.output.line_column = self.output.column;
            }
            b'\r' => {
                if self.oflag(ONOCR) && self.output.column == 0 {
                    return true;
                }
                if self.oflag(OCRNL) {
                    byte = b'\n';
                }
                if !self.oflag(OCRNL) || self.oflag(ONLRET) {
                    self.output.column = 0;
                    self.output.line_column = 0;
                }
            }
            b'\t' => {
                let spaces = 8 - self.output.column % 8;
                if self.termios.c_oflag & TABDLY == XTABS {
                    if room < spaces {
                        return false;
                    }
                    (0..spaces).for_each(|_| self.output.put(b' '));
                    self.output.column += spaces;
                    return true;
                }
                self.output.column += spaces;
            }
            0x08 => self.output.column = self.output.column.saturating_sub(1),
            _ if is_control(byte) => {}
            _ => {
                if self.oflag(OLCUC) {
                    byte = to_upper(byte);
                }
                if !(self.iflag(IUTF8) && is_continuation(byte)) {
                    self.output.column += 1;
                }
            }
        }
        self.output.put(byte);
        true
    }
}
