//! Settings, window size, flow control, flushing, hang-up.

use super::input::special_bytes;
use super::{Ready, Tty, signal};
use llano_abi::termios::*;

/// When `tcsetattr(3)` takes effect.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// At once, or after output has drained: what was written is already processed, so they are one.
    Now,
    /// As above, and input not yet read is discarded.
    Flush,
}

/// Which queues a flush empties.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Queues {
    /// Received, not read.
    Input,
    /// Written, not sent.
    Output,
    /// Both.
    Both,
}

impl Queues {
    /// From the argument of `TCFLSH`; none for a number Linux does not define.
    pub fn from_number(number: u64) -> Option<Queues> {
        match u32::try_from(number) {
            Ok(TCIFLUSH) => Some(Queues::Input),
            Ok(TCOFLUSH) => Some(Queues::Output),
            Ok(TCIOFLUSH) => Some(Queues::Both),
            _ => None,
        }
    }
}

/// What `tcflow(3)` does.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Stop output.
    Stop,
    /// Restart it.
    Start,
    /// Send the stop character to the other side.
    SendStop,
    /// Send the start character.
    SendStart,
}

impl Flow {
    /// From the argument of `TCXONC`; none for a number Linux does not define.
    pub fn from_number(number: u64) -> Option<Flow> {
        match u32::try_from(number) {
            Ok(TCOOFF) => Some(Flow::Stop),
            Ok(TCOON) => Some(Flow::Start),
            Ok(TCIOFF) => Some(Flow::SendStop),
            Ok(TCION) => Some(Flow::SendStart),
            _ => None,
        }
    }
}

/// Whether ^S and ^Q control output, which is what packet mode tells the master.
fn usual_flow_control(termios: &Termios) -> bool {
    termios.c_iflag & IXON != 0 && termios.c_cc[VSTOP] == 0o23 && termios.c_cc[VSTART] == 0o21
}

impl Tty {
    /// The settings.
    pub fn termios(&self) -> &Termios {
        &self.termios
    }

    /// Changes the settings. Size, parity and the receiver cannot be changed: there is no line.
    ///
    /// Switching canonical mode on makes one line of what was received; switching it off shows
    /// end-of-file marks as NUL.
    pub fn set_termios(&mut self, new: Termios, when: When) {
        if when == When::Flush {
            self.clear_input();
        }
        let old = self.termios;
        self.termios = Termios { c_cflag: new.c_cflag & !(CSIZE | PARENB) | CS8 | CREAD, ..new };
        self.special = special_bytes(&self.termios);
        let changed = old.c_lflag ^ self.termios.c_lflag;
        if changed & (ICANON | EXTPROC) != 0 {
            if self.lflag(ICANON) {
                self.input.seal_all();
            } else {
                self.input.forget_lines();
            }
            self.literal_next = false;
            self.hard_copy_erasing = false;
        }
        if old.c_iflag & IXON != 0 && !self.iflag(IXON) {
            self.start_output();
        }
        let flow = usual_flow_control(&self.termios);
        if flow != usual_flow_control(&old) {
            self.status &= !(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
            self.status |= if flow { TIOCPKT_DOSTOP } else { TIOCPKT_NOSTOP };
        }
        if (old.c_lflag | self.termios.c_lflag) & EXTPROC != 0 {
            self.status |= TIOCPKT_IOCTL;
        }
        self.effects.master |= self.status != 0;
        self.receive_backlog();
    }

    /// The window size.
    pub fn winsize(&self) -> Winsize {
        self.winsize
    }

    /// Sets the window size; a change is told to the foreground by SIGWINCH.
    pub fn set_winsize(&mut self, winsize: Winsize) {
        if winsize != self.winsize {
            self.winsize = winsize;
            self.effects.signals |= 1 << signal::WINCH;
        }
    }

    /// Bytes that `FIONREAD` reports: in canonical mode those of finished lines.
    pub fn input_len(&self) -> usize {
        if self.canonical() { self.input.finished_text_len() } else { self.input.len() }
    }

    /// Bytes waiting to be shown, as `TIOCOUTQ` of a terminal that shows them slowly has it.
    pub fn output_len(&self) -> usize {
        self.output.len()
    }

    /// Discards queues.
    pub fn flush(&mut self, queues: Queues) {
        if queues != Queues::Output {
            self.clear_input();
            self.receive_backlog();
        }
        if queues != Queues::Input {
            self.output.flush();
            self.status |= TIOCPKT_FLUSHWRITE;
            self.effects.slave = true;
        }
        self.effects.master = true;
    }

    /// Discards what was processed and not read. Echoes not yet shown stay.
    pub(super) fn clear_input(&mut self) {
        self.input.clear();
        self.hard_copy_erasing = false;
        self.status |= TIOCPKT_FLUSHREAD;
        self.effects.master = true;
    }

    /// Stops or restarts output or the other side's.
    pub fn flow(&mut self, flow: Flow) {
        match flow {
            Flow::Stop => {
                self.stop_output();
                self.stopped_by_call = true;
            }
            Flow::Start => {
                self.stopped_by_call = false;
                self.start_output();
            }
            Flow::SendStop => self.send(self.termios.c_cc[VSTOP]),
            Flow::SendStart => self.send(self.termios.c_cc[VSTART]),
        }
        self.output.settle();
    }

    fn send(&mut self, byte: u8) {
        if byte != 0 {
            self.output.put(byte);
            self.effects.master = true;
        }
    }

    pub(super) fn stopped(&self) -> bool {
        self.stopped_by_key || self.stopped_by_call
    }

    pub(super) fn stop_output(&mut self) {
        if !self.stopped() {
            self.status = self.status & !TIOCPKT_START | TIOCPKT_STOP;
            self.effects.master = true;
        }
        self.stopped_by_key = true;
    }

    /// Undoes a stop by key; one by `tcflow(3)` stays.
    pub(super) fn start_output(&mut self) {
        if !self.stopped() || self.stopped_by_call {
            return;
        }
        self.stopped_by_key = false;
        self.status = self.status & !TIOCPKT_STOP | TIOCPKT_START;
        self.drain_echoes();
        self.effects.slave = true;
        self.effects.master = true;
    }

    /// Hangs the terminal up: readers get end of file, writers EIO, from now on.
    pub fn hang_up(&mut self) {
        self.clear_input();
        self.backlog.clear();
        self.hung_up = true;
        self.effects.slave = true;
    }

    /// Whether the terminal was hung up.
    pub fn is_hung_up(&self) -> bool {
        self.hung_up
    }

    /// What `poll(2)` reports to processes on the terminal.
    pub fn ready(&self) -> Ready {
        if self.hung_up {
            return Ready { readable: true, writable: true, urgent: false, error: true, hung_up: true };
        }
        Ready { readable: self.poll_readable(), writable: self.room() > 0, ..Ready::default() }
    }
}
