//! Reading: a line in canonical mode, else by VMIN and VTIME of `termios(3)`.

use super::Tty;
use llano_abi::errno::Errno;
use llano_abi::termios::{ICANON, VEOF, VMIN, VTIME};

/// What a reader is content with.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// What the settings say: a line, or VMIN bytes.
    Settings,
    /// Whatever is there: under `O_NONBLOCK`, after a timeout or a signal.
    Anything,
}

/// What a read came to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// So many bytes; 0 is end of file.
    Done(usize),
    /// Ask again when there is more, or at the end of this time with [`Content::Anything`].
    Wait(Timer),
}

/// How long a reader waits.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Until there is something.
    None,
    /// This many nanoseconds from the beginning of the read; then it returns 0.
    Whole(u64),
    /// This many nanoseconds from the beginning of the read or the last byte received, whichever is later;
    /// then it returns what is there.
    Gap(u64),
}

const TENTH_NS: u64 = 100_000_000;

impl Tty {
    /// Moves received bytes to `out`.
    ///
    /// Errors: `EAGAIN` if nothing is there and `content` is [`Content::Anything`].
    pub fn read(&mut self, out: &mut [u8], content: Content) -> Result<Read, Errno> {
        if self.hung_up || out.is_empty() {
            return Ok(Read::Done(0));
        }
        if self.canonical() {
            if self.input.finished_len() == 0 {
                return wait(Timer::None, content);
            }
            let taken = self.input.take_line(out);
            return Ok(self.taken(taken));
        }
        // Under EXTPROC canonical mode has no lines, but VMIN and VTIME mean nothing all the same.
        let (minimum, time_ns) = if self.lflag(ICANON) { (1, 0) } else { self.minimum_and_time() };
        let there = self.input.len();
        let enough = match content {
            Content::Settings => minimum.clamp(1, out.len()),
            Content::Anything => 1,
        };
        if there >= enough {
            let mut taken = self.input.take(out);
            // Under EXTPROC an end-of-file character alone still ends a read.
            let last = taken == 1 && self.input.len() == 0;
            if last && self.lflag(ICANON) && out[0] == self.termios.c_cc[VEOF] {
                taken = 0;
            }
            return Ok(self.taken(taken));
        }
        if (minimum, time_ns) == (0, 0) {
            return Ok(Read::Done(0));
        }
        wait(self.read_timer(), content)
    }

    fn taken(&mut self, taken: usize) -> Read {
        self.effects.master |= !self.backlog.is_empty();
        self.receive_backlog();
        Read::Done(taken)
    }

    /// How long a read that waits now would wait.
    pub fn read_timer(&self) -> Timer {
        match self.minimum_and_time() {
            _ if self.lflag(ICANON) => Timer::None,
            (0, ns) if ns > 0 => Timer::Whole(ns),
            (_, ns) if ns > 0 && self.input.len() > 0 => Timer::Gap(ns),
            _ => Timer::None,
        }
    }

    fn minimum_and_time(&self) -> (usize, u64) {
        let cc = &self.termios.c_cc;
        (usize::from(cc[VMIN]), u64::from(cc[VTIME]) * TENTH_NS)
    }

    /// Whether `poll(2)` says readable: under VMIN alone, once that many bytes are there.
    pub(super) fn poll_readable(&self) -> bool {
        if self.canonical() {
            return self.input.finished_len() > 0;
        }
        let (minimum, time_ns) = self.minimum_and_time();
        self.input.len() >= if time_ns == 0 { minimum.max(1) } else { 1 }
    }
}

fn wait(timer: Timer, content: Content) -> Result<Read, Errno> {
    match content {
        Content::Settings => Ok(Read::Wait(timer)),
        Content::Anything => Err(Errno::EAGAIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use llano_abi::termios::Termios;

    fn raw(minimum: u8, time: u8) -> Tty {
        let mut termios = Termios::PTY;
        termios.c_lflag &= !ICANON;
        termios.c_cc[VMIN] = minimum;
        termios.c_cc[VTIME] = time;
        Tty::new(termios)
    }

    #[test]
    fn a_line_waits_for_its_end() {
        let mut tty = Tty::new(Termios::PTY);
        let mut out = [0; 8];
        tty.input(b"ab");
        assert_eq!(tty.read(&mut out, Content::Settings), Ok(Read::Wait(Timer::None)));
        tty.input(b"\n");
        assert_eq!(tty.read(&mut out, Content::Settings), Ok(Read::Done(3)));
    }

    #[test]
    fn minimum_is_waited_for_whole() {
        let mut tty = raw(3, 0);
        let mut out = [0; 8];
        tty.input(b"ab");
        assert_eq!(tty.read(&mut out, Content::Settings), Ok(Read::Wait(Timer::None)));
        assert_eq!(tty.read(&mut out[..2], Content::Settings), Ok(Read::Done(2)), "a full buffer is enough");
        tty.input(b"cde");
        assert_eq!(tty.read(&mut out, Content::Settings), Ok(Read::Done(3)));
    }

    #[test]
    fn timers_are_told_apart() {
        let mut out = [0; 8];
        assert_eq!(raw(0, 0).read(&mut out, Content::Settings), Ok(Read::Done(0)));
        assert_eq!(raw(0, 5).read(&mut out, Content::Settings), Ok(Read::Wait(Timer::Whole(500_000_000))));
        let mut tty = raw(2, 3);
        assert_eq!(tty.read(&mut out, Content::Settings), Ok(Read::Wait(Timer::None)), "starts with a byte");
        tty.input(b"a");
        assert_eq!(tty.read(&mut out, Content::Settings), Ok(Read::Wait(Timer::Gap(300_000_000))));
        assert_eq!(tty.read(&mut out, Content::Anything), Ok(Read::Done(1)));
    }
}
