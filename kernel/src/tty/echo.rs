//! Echoes: what typing shows. They wait here while output is stopped or full, because what a tab's erasure
//! looks like depends on the column at the moment it is shown.

use super::Tty;
use super::output::is_control;
use alloc::collections::VecDeque;
use llano_abi::termios::{ECHOCTL, OPOST};

/// Echoes kept while output cannot take them; the oldest are dropped beyond it.
const ECHO_LIMIT: usize = 4096;

/// One thing to show.
#[derive(Copy, Clone, Debug)]
pub(super) enum Echo {
    /// A byte, through output processing.
    Byte(u8),
    /// A control character as `^X`.
    Control(u8),
    /// The previous byte took no column (a further byte of a character echoed by `ECHOPRT`).
    MoveBack,
    /// The input line begins at this column.
    LineColumn,
    /// Move back over a tab.
    EraseTab {
        /// Columns between the tab and what precedes it on the line: another tab, or the line's beginning.
        before: usize,
        /// Whether another tab precedes it.
        after_tab: bool,
    },
}

/// Echoes not yet shown.
pub(super) type Echoes = VecDeque<Echo>;

impl Tty {
    /// Echoes a typed character, control characters as `^X` if so set.
    pub(super) fn echo_typed(&mut self, byte: u8) {
        let as_control = self.lflag(ECHOCTL) && is_control(byte) && byte != b'\t';
        self.echo(if as_control { Echo::Control(byte) } else { Echo::Byte(byte) });
    }

    /// Echoes these bytes as they are.
    pub(super) fn echo_bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.echo(Echo::Byte(byte)));
    }

    pub(super) fn echo(&mut self, echo: Echo) {
        if self.echoes.len() == ECHO_LIMIT {
            self.drain_echoes();
        }
        if self.echoes.len() == ECHO_LIMIT {
            self.echoes.pop_front();
        }
        self.echoes.push_back(echo);
    }

    /// Shows what output has room for.
    pub(super) fn drain_echoes(&mut self) {
        while let Some(&echo) = self.echoes.front() {
            if !self.show(echo) {
                return;
            }
            self.echoes.pop_front();
            self.effects.master = true;
        }
    }

    /// False, and nothing done, if there is no room.
    fn show(&mut self, echo: Echo) -> bool {
        let room = self.room();
        match echo {
            // 0xff alone escapes output processing: in Linux's echo buffer it is a mark.
            Echo::Byte(byte) if self.oflag(OPOST) && byte != 0xff => return self.emit(byte),
            Echo::Byte(byte) => {
                if room == 0 {
                    return false;
                }
                self.output.put(byte);
                self.output.column += usize::from(byte == 0xff);
            }
            Echo::Control(byte) => {
                if room < 2 {
                    return false;
                }
                self.output.put(b'^');
                self.output.put(byte ^ 0o100);
                self.output.column += 2;
            }
            Echo::MoveBack => self.output.column = self.output.column.saturating_sub(1),
            Echo::LineColumn => self.output.line_column = self.output.column,
            Echo::EraseTab { before, after_tab } => {
                let column = if after_tab { before } else { before + self.output.line_column };
                let back = 8 - column % 8;
                if room < back {
                    return false;
                }
                (0..back).for_each(|_| self.output.put(0x08));
                self.output.column = self.output.column.saturating_sub(back);
            }
        }
        true
    }
}
