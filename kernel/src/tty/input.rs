//! What happens to a received byte: mapping, signals, flow control, lines.

use super::echo::Echo;
use super::edit::Erase;
use super::queue::INPUT_LIMIT;
use super::{Tty, signal};
use llano_abi::termios::*;

/// Bytes held back, unprocessed, once the input queue is full: what a pty's master can be ahead.
const BACKLOG_LIMIT: usize = 16_385;

/// Which bytes are more than data under these settings. A disabled control character is 0, so 0 never is.
pub(super) fn special_bytes(termios: &Termios) -> [bool; 256] {
    let mut special = [false; 256];
    let (iflag, lflag) = (termios.c_iflag, termios.c_lflag);
    let mut mark = |byte: u8, when: bool| special[byte as usize] |= when;
    mark(b'\r', iflag & (IGNCR | ICRNL) != 0);
    mark(b'\n', iflag & INLCR != 0 || lflag & ICANON != 0);
    for (index, &byte) in termios.c_cc.iter().enumerate() {
        let extended = lflag & ICANON != 0 && lflag & IEXTEN != 0;
        let when = match index {
            VERASE | VKILL | VEOF | VEOL => lflag & ICANON != 0,
            VWERASE | VLNEXT | VEOL2 => extended,
            VREPRINT => extended && lflag & ECHO != 0,
            VSTART | VSTOP => iflag & IXON != 0,
            VINTR | VQUIT | VSUSP => lflag & ISIG != 0,
            _ => false,
        };
        mark(byte, when);
    }
    special[0] = false;
    special
}

/// Lower case in Latin-1.
fn to_lower(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' | 0xc0..=0xd6 | 0xd8..=0xde => byte + 32,
        _ => byte,
    }
}

impl Tty {
    /// Takes bytes from the keyboard: the pty's master, the host's terminal. Returns how many were accepted;
    /// fewer than given when a reader must first make room.
    pub fn input(&mut self, bytes: &[u8]) -> usize {
        let mut accepted = 0;
        if self.backlog.is_empty() {
            accepted = bytes.iter().take_while(|&&byte| self.receive(byte)).count();
        }
        let held = (bytes.len() - accepted).min(BACKLOG_LIMIT - self.backlog.len());
        self.backlog.extend(&bytes[accepted..accepted + held]);
        self.end_batch();
        accepted + held
    }

    /// Bytes that [`Tty::input`] would surely accept.
    pub fn input_room(&self) -> usize {
        BACKLOG_LIMIT - self.backlog.len()
    }

    /// Processes bytes held back, after a read or a flush made room.
    pub(super) fn receive_backlog(&mut self) {
        while let Some(&byte) = self.backlog.front() {
            if !self.receive(byte) {
                break;
            }
            self.backlog.pop_front();
        }
        self.end_batch();
    }

    fn end_batch(&mut self) {
        self.drain_echoes();
        self.output.settle();
        self.effects.slave = true;
    }

    /// False, and nothing done, if the queue is full.
    ///
    /// A full queue without one finished line can only be emptied by going on: editing keys and the newline
    /// must get through. So the last byte gives way, and a line is cut at [`INPUT_LIMIT`].
    fn receive(&mut self, byte: u8) -> bool {
        let spare = if self.iflag(PARMRK) { 3 } else { 1 };
        if self.input.len() + spare >= INPUT_LIMIT {
            if !self.canonical() || self.input.finished_len() > 0 {
                return false;
            }
            if self.input.len() >= INPUT_LIMIT {
                self.input.pop();
            }
        }
        let mut byte = byte;
        if self.iflag(ISTRIP) {
            byte &= 0x7f;
        }
        if self.iflag(IUCLC) && self.lflag(IEXTEN) {
            byte = to_lower(byte);
        }
        if core::mem::take(&mut self.literal_next) {
            self.receive_data(byte);
        } else if self.lflag(EXTPROC) {
            self.input.push(byte);
        } else if self.special[byte as usize] {
            self.receive_special(byte);
        } else {
            self.receive_data(byte);
        }
        true
    }

    fn receive_data(&mut self, byte: u8) {
        self.restart_on_any();
        if self.lflag(ECHO) {
            self.end_hard_copy();
            self.mark_line_start();
            self.echo_typed(byte);
        }
        self.keep(byte);
    }

    /// Queues a byte; 0xff twice under `PARMRK`, where one alone announces a marked byte.
    fn keep(&mut self, byte: u8) {
        if byte == 0xff && self.iflag(PARMRK) {
            self.input.push(byte);
        }
        self.input.push(byte);
    }

    fn mark_line_start(&mut self) {
        if self.input.line_is_empty() {
            self.echo(Echo::LineColumn);
        }
    }

    fn restart_on_any(&mut self) {
        if self.iflag(IXON) && self.iflag(IXANY) {
            self.start_output();
        }
    }

    fn receive_special(&mut self, byte: u8) {
        let cc = self.termios.c_cc;
        if self.iflag(IXON) {
            if byte == cc[VSTART] {
                self.start_output();
                // Even if nothing was stopped: a stop that follows does not hold back what was typed before.
                return self.drain_echoes();
            }
            if byte == cc[VSTOP] {
                return self.stop_output();
            }
        }
        if self.lflag(ISIG) {
            for (key, number) in [(VINTR, signal::INT), (VQUIT, signal::QUIT), (VSUSP, signal::TSTP)] {
                if byte == cc[key] {
                    return self.receive_signal(byte, number);
                }
            }
        }
        self.restart_on_any();
        let mut byte = byte;
        if byte == b'\r' {
            if self.iflag(IGNCR) {
                return;
            }
            if self.iflag(ICRNL) {
                byte = b'\n';
            }
        } else if byte == b'\n' && self.iflag(INLCR) {
            byte = b'\r';
        }
        if self.lflag(ICANON) && self.receive_canonical(byte) {
            return;
        }
        if self.lflag(ECHO) {
            self.end_hard_copy();
            if byte == b'\n' {
                self.echo_bytes(b"\n");
            } else {
                self.mark_line_start();
                self.echo_typed(byte);
            }
        }
        self.keep(byte);
    }

    /// The keys of canonical mode; false if this is none of them.
    fn receive_canonical(&mut self, byte: u8) -> bool {
        let cc = self.termios.c_cc;
        let extended = self.lflag(IEXTEN);
        if byte == cc[VERASE] {
            self.erase(Erase::Character);
        } else if byte == cc[VKILL] {
            self.erase(Erase::Line);
        } else if extended && byte == cc[VWERASE] {
            self.erase(Erase::Word);
        } else if extended && byte == cc[VLNEXT] {
            self.literal_next = true;
            if self.lflag(ECHO) {
                self.end_hard_copy();
                if self.lflag(ECHOCTL) {
                    // A caret that the literal character will overwrite.
                    self.echo_bytes(b"^\x08");
                }
            }
        } else if extended && self.lflag(ECHO) && byte == cc[VREPRINT] {
            self.reprint(byte);
        } else if byte == b'\n' {
            if self.lflag(ECHO) || self.lflag(ECHONL) {
                self.echo_bytes(b"\n");
            }
            self.input.finish_line(b'\n');
        } else if byte == cc[VEOF] {
            self.input.finish_line(0);
        } else if byte == cc[VEOL] || (extended && byte == cc[VEOL2]) {
            if self.lflag(ECHO) {
                self.mark_line_start();
                self.echo_typed(byte);
            }
            if byte == 0xff && self.iflag(PARMRK) {
                self.input.push(byte);
            }
            self.input.finish_line(byte);
        } else {
            return false;
        }
        true
    }

    fn receive_signal(&mut self, byte: u8, number: u32) {
        self.effects.signals |= 1 << number;
        if !self.lflag(NOFLSH) {
            self.echoes.clear();
            self.output.flush();
            self.status |= TIOCPKT_FLUSHWRITE;
            self.clear_input();
        }
        if self.iflag(IXON) {
            self.start_output();
        }
        if self.lflag(ECHO) {
            self.echo_typed(byte);
        } else {
            self.drain_echoes();
        }
    }
}
