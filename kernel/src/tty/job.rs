//! Job control: which session owns the terminal, and what a process outside the foreground meets.
//! Sources: `credentials(7)`, `tcsetpgrp(3)`, POSIX 11.1.4.

use super::{Tty, signal};
use llano_abi::termios::TOSTOP;

/// What a process wants of its controlling terminal.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To read.
    Read,
    /// To write.
    Write,
    /// To change settings, flush, or set the foreground group.
    Change,
}

impl Wish {
    /// The signal that stops a background process with this wish.
    pub fn signal(self) -> u32 {
        match self {
            Wish::Read => signal::TTIN,
            Wish::Write | Wish::Change => signal::TTOU,
        }
    }
}

/// The answer to a background process.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Allowed,
    /// Send [`Wish::signal`] to the caller's process group and run the call again afterwards.
    Stop,
    /// `EIO`: there is nobody to continue it.
    Refused,
}

/// How a background process and its group stand.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Background {
    /// The caller blocks or ignores the signal.
    pub heedless: bool,
    /// Its process group is orphaned.
    pub orphaned: bool,
}

impl Wish {
    /// What a background process gets.
    pub fn verdict(self, caller: Background) -> Verdict {
        match self {
            Wish::Read if caller.heedless => Verdict::Refused,
            _ if caller.heedless => Verdict::Allowed,
            _ if caller.orphaned => Verdict::Refused,
            _ => Verdict::Stop,
        }
    }
}

impl Tty {
    /// The session whose controlling terminal this is; 0 for none.
    pub fn session(&self) -> i32 {
        self.session
    }

    /// The foreground process group; 0 for none.
    pub fn foreground(&self) -> i32 {
        self.foreground
    }

    /// Becomes the controlling terminal of a session; its leader's group is in the foreground.
    pub fn set_session(&mut self, session: i32, foreground: i32) {
        self.session = session;
        self.foreground = foreground;
    }

    /// Belongs to no session any more.
    pub fn clear_session(&mut self) {
        self.set_session(0, 0);
    }

    /// Puts a process group in the foreground.
    pub fn set_foreground(&mut self, group: i32) {
        self.foreground = group;
    }

    /// Whether a process of this group, whose controlling terminal this is, must be judged by
    /// [`Wish::verdict`] first.
    pub fn is_background(&self, group: i32, wish: Wish) -> bool {
        let free = wish == Wish::Write && !self.lflag(TOSTOP);
        !free && self.foreground != 0 && self.foreground != group
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use llano_abi::termios::Termios;

    const PLAIN: Background = Background { heedless: false, orphaned: false };

    #[test]
    fn only_other_groups_are_background() {
        let mut tty = Tty::new(Termios::PTY);
        assert!(!tty.is_background(7, Wish::Read), "no session, no job control");
        tty.set_session(5, 5);
        assert!(tty.is_background(7, Wish::Read));
        assert!(tty.is_background(7, Wish::Change));
        assert!(!tty.is_background(5, Wish::Read));
        tty.set_foreground(7);
        assert!(!tty.is_background(7, Wish::Read));
    }

    #[test]
    fn background_writes_are_free_without_tostop() {
        let mut termios = Termios::PTY;
        let mut tty = Tty::new(termios);
        tty.set_session(5, 5);
        assert!(!tty.is_background(7, Wish::Write));
        termios.c_lflag |= TOSTOP;
        let mut tty = Tty::new(termios);
        tty.set_session(5, 5);
        assert!(tty.is_background(7, Wish::Write));
    }

    #[test]
    fn verdicts() {
        let heedless = Background { heedless: true, orphaned: true };
        let orphaned = Background { heedless: false, orphaned: true };
        assert_eq!(Wish::Read.verdict(PLAIN), Verdict::Stop);
        assert_eq!(Wish::Read.verdict(heedless), Verdict::Refused);
        assert_eq!(Wish::Read.verdict(orphaned), Verdict::Refused);
        assert_eq!(Wish::Write.verdict(heedless), Verdict::Allowed);
        assert_eq!(Wish::Write.verdict(orphaned), Verdict::Refused);
        assert_eq!(Wish::Change.verdict(PLAIN), Verdict::Stop);
        assert_eq!((Wish::Read.signal(), Wish::Change.signal()), (21, 22));
    }
}
