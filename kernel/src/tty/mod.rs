//! Terminals: the line discipline and the pty pair, as values.
//!
//! A [`Tty`] is fed bytes by whoever types and is read and written by processes; it waits for nobody and
//! signals nobody. What must happen elsewhere it leaves in its [`Effects`], to be taken after each call:
//! a ^C is a signal number there, and the caller knows which processes stand in the foreground.
//!
//! - [`queue`]: received bytes and lines - `input`: what becomes of a typed byte - `edit`: erase, kill
//! - `echo`: what typing shows - [`output`]: output processing - [`read`]: reading, VMIN and VTIME
//! - [`control`]: settings, flow, flushing, hang-up - [`job`]: who may touch the terminal
//! - [`pty`]: the pair of a master and a slave
//!
//! Around these values: [`terminal`] shares one among files and processes, [`mod@file`] and [`ioctl`] are what
//! a descriptor can do, [`devices`] is the table of all, [`devpts`] their
//! names, `console` the host's terminal behind one of them.
//!
//! The truth is the behaviour of Linux 6.18, recorded in `tests/tty`. Sources: `termios(3)`, `ioctl_tty(2)`,
//! `pty(7)`.

mod console;
pub mod control;
pub mod devices;
pub mod devpts;
mod echo;
mod edit;
pub mod file;
mod input;
pub mod ioctl;
pub mod job;
pub mod output;
pub mod pty;
pub mod queue;
pub mod read;
#[cfg(test)]
mod recorded;
pub mod terminal;
#[cfg(test)]
mod tests;

pub use control::{Flow, Queues, When};
pub use file::{Side, TtyFile};
pub use job::{Background, Verdict, Wish};
pub use pty::Pty;
pub use read::{Content, Read, Timer};
pub use terminal::TtyRef;

use alloc::collections::VecDeque;
use llano_abi::termios::{EXTPROC, ICANON, Termios, Winsize};

/// Signals a terminal sends, by number.
pub mod signal {
    /// `SIGHUP`.
    pub const HUP: u32 = 1;
    /// `SIGINT`.
    pub const INT: u32 = 2;
    /// `SIGQUIT`.
    pub const QUIT: u32 = 3;
    /// `SIGCONT`.
    pub const CONT: u32 = 18;
    /// `SIGTSTP`.
    pub const TSTP: u32 = 20;
    /// `SIGTTIN`.
    pub const TTIN: u32 = 21;
    /// `SIGTTOU`.
    pub const TTOU: u32 = 22;
    /// `SIGWINCH`.
    pub const WINCH: u32 = 28;
}

/// What a call asks of the rest of the kernel.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Signals for the foreground process group: bit n is signal n.
    pub signals: u32,
    /// Readers, writers and pollers of the terminal may find a change.
    pub slave: bool,
    /// Whoever feeds and shows the terminal (a pty's master, the host's console) may find a change.
    pub master: bool,
}

impl Effects {
    /// The signals for the foreground group, lowest first.
    pub fn signals(self) -> impl Iterator<Item = u32> {
        (1..32).filter(move |number| self.signals & 1 << number != 0)
    }
}

/// What `poll(2)` would report.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// A read would not wait (`POLLIN`).
    pub readable: bool,
    /// A write would not wait (`POLLOUT`).
    pub writable: bool,
    /// A packet mode status is there (`POLLPRI`).
    pub urgent: bool,
    /// The terminal is gone (`POLLERR`).
    pub error: bool,
    /// The other side is gone (`POLLHUP`).
    pub hung_up: bool,
}

/// A terminal with its line discipline (N_TTY).
#[derive(Debug)]
pub struct Tty {
    termios: Termios,
    winsize: Winsize,
    /// Bytes that are more than data under the present settings.
    special: [bool; 256],
    input: queue::Input,
    /// Received and not processed, because the input queue is full.
    backlog: VecDeque<u8>,
    output: output::Output,
    echoes: echo::Echoes,
    /// The next byte is data whatever it is (VLNEXT).
    literal_next: bool,
    /// Between the `\` and the `/` that `ECHOPRT` puts around erased characters.
    hard_copy_erasing: bool,
    /// Output is stopped by VSTOP.
    stopped_by_key: bool,
    /// Output is stopped by `tcflow(3)`.
    stopped_by_call: bool,
    /// `TIOCPKT_*` bits of what happened, for a master in packet mode.
    status: u8,
    hung_up: bool,
    /// The session whose controlling terminal this is; 0 for none.
    session: i32,
    /// The foreground process group; 0 for none.
    foreground: i32,
    effects: Effects,
}

impl Tty {
    /// A terminal with these settings.
    pub fn new(termios: Termios) -> Tty {
        Tty {
            special: input::special_bytes(&termios),
            termios,
            winsize: Winsize::default(),
            input: queue::Input::default(),
            backlog: VecDeque::new(),
            output: output::Output::default(),
            echoes: echo::Echoes::new(),
            literal_next: false,
            hard_copy_erasing: false,
            stopped_by_key: false,
            stopped_by_call: false,
            status: 0,
            hung_up: false,
            session: 0,
            foreground: 0,
            effects: Effects::default(),
        }
    }

    /// What the calls since the last time ask for.
    #[must_use]
    pub fn take_effects(&mut self) -> Effects {
        core::mem::take(&mut self.effects)
    }

    fn iflag(&self, flag: u32) -> bool {
        self.termios.c_iflag & flag != 0
    }

    fn oflag(&self, flag: u32) -> bool {
        self.termios.c_oflag & flag != 0
    }

    fn lflag(&self, flag: u32) -> bool {
        self.termios.c_lflag & flag != 0
    }

    /// Whether readers get lines.
    fn canonical(&self) -> bool {
        self.lflag(ICANON) && !self.lflag(EXTPROC)
    }
}
