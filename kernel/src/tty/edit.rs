//! Editing of the unfinished line: erase, word erase, kill, reprint.

use super::Tty;
use super::echo::Echo;
use super::output::{is_continuation, is_control};
use alloc::vec::Vec;
use llano_abi::termios::{ECHO, ECHOCTL, ECHOE, ECHOK, ECHOKE, ECHOPRT, IUTF8, VERASE, VKILL};

/// What one editing key takes away.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Erase {
    Character,
    Word,
    Line,
}

impl Tty {
    /// Takes characters off the unfinished line and shows that.
    pub(super) fn erase(&mut self, what: Erase) {
        if self.input.line_is_empty() {
            return;
        }
        if what == Erase::Line {
            if !self.lflag(ECHO) {
                return self.input.drop_line();
            }
            if !(self.lflag(ECHOK) && self.lflag(ECHOKE) && self.lflag(ECHOE)) {
                self.input.drop_line();
                self.end_hard_copy();
                self.echo_typed(self.termios.c_cc[VKILL]);
                if self.lflag(ECHOK) {
                    self.echo_bytes(b"\n");
                }
                return;
            }
        }
        let mut in_word = false;
        while let Some((first, length)) = self.last_character() {
            if what == Erase::Word {
                if is_word(first) {
                    in_word = true;
                } else if in_word {
                    break;
                }
            }
            let mut bytes = [0; 4];
            for i in (0..length).rev() {
                let byte = self.input.pop().unwrap_or_default();
                if let Some(slot) = bytes.get_mut(i) {
                    *slot = byte;
                }
            }
            if self.lflag(ECHO) {
                self.show_erased(first, &bytes[..length.min(4)], what);
            }
            if what == Erase::Character {
                break;
            }
        }
        if self.input.line_is_empty() && self.lflag(ECHO) {
            self.end_hard_copy();
        }
    }

    /// First byte and length of the line's last character; none if the line is empty or, in UTF-8, only
    /// continuation bytes are left, which belong to nothing.
    fn last_character(&self) -> Option<(u8, usize)> {
        let utf8 = self.iflag(IUTF8);
        let length = 1 + self.input.line().rev().position(|byte| !(utf8 && is_continuation(byte)))?;
        self.input.line().rev().nth(length - 1).map(|first| (first, length))
    }

    fn show_erased(&mut self, first: u8, bytes: &[u8], what: Erase) {
        if self.lflag(ECHOPRT) {
            if !self.hard_copy_erasing {
                self.echo_bytes(b"\\");
                self.hard_copy_erasing = true;
            }
            self.echo_typed(first);
            for &byte in &bytes[1..] {
                self.echo_bytes(&[byte]);
                self.echo(Echo::MoveBack);
            }
        } else if what == Erase::Character && !self.lflag(ECHOE) {
            self.echo_typed(self.termios.c_cc[VERASE]);
        } else if first == b'\t' {
            let echo = self.erased_tab();
            self.echo(echo);
        } else {
            let control = is_control(first);
            if control && self.lflag(ECHOCTL) {
                self.echo_bytes(b"\x08 \x08");
            }
            if !control || self.lflag(ECHOCTL) {
                self.echo_bytes(b"\x08 \x08");
            }
        }
    }

    /// How far back a tab just taken off the line's end went.
    fn erased_tab(&self) -> Echo {
        let mut before = 0;
        for byte in self.input.line().rev() {
            if byte == b'\t' {
                return Echo::EraseTab { before, after_tab: true };
            }
            if is_control(byte) {
                before += if self.lflag(ECHOCTL) { 2 } else { 0 };
            } else if !(self.iflag(IUTF8) && is_continuation(byte)) {
                before += 1;
            }
        }
        Echo::EraseTab { before, after_tab: false }
    }

    /// Closes the `\...` of `ECHOPRT` with its `/`.
    pub(super) fn end_hard_copy(&mut self) {
        if self.hard_copy_erasing {
            self.echo_bytes(b"/");
            self.hard_copy_erasing = false;
        }
    }

    /// Shows the unfinished line again on a line of its own, below `key`.
    pub(super) fn reprint(&mut self, key: u8) {
        self.end_hard_copy();
        self.echo_typed(key);
        self.echo_bytes(b"\n");
        let line: Vec<u8> = self.input.line().collect();
        line.into_iter().for_each(|byte| self.echo_typed(byte));
    }
}

/// Letters and digits of Latin-1, and the underscore.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || matches!(byte, 0xc0..=0xd6 | 0xd8..=0xf6 | 0xf8..=0xff)
}
