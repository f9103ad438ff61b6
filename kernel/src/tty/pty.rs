//! Pseudoterminals: a slave, which is a [`Tty`], and a master, which is its screen and keyboard.
//! Sources: `pty(7)`, `ioctl_tty(2)` for packet mode.

use super::{Queues, Ready, Tty};
use llano_abi::errno::Errno;
use llano_abi::termios::{TIOCPKT_DATA, Termios};

/// A pair. The master is open as long as the pair lives; [`Tty::hang_up`] on `slave` is its closing.
#[derive(Debug)]
pub struct Pty {
    /// The slave.
    pub slave: Tty,
    /// Number of the slave in `/dev/pts`.
    number: u32,
    /// The slave cannot be opened (`TIOCSPTLCK`); so it begins.
    locked: bool,
    /// Reads of the master are packets (`TIOCPKT`).
    packet: bool,
    /// How many times the slave is open.
    opens: u32,
    /// The slave was open and no longer is: the master sees a hang-up, until it is opened again.
    deserted: bool,
}

impl Pty {
    /// The pair of `/dev/pts/number`, its slave locked.
    pub fn new(number: u32) -> Pty {
        let slave = Tty::new(Termios::PTY);
        Pty { slave, number, locked: true, packet: false, opens: 0, deserted: false }
    }

    /// Number of the slave in `/dev/pts` (`TIOCGPTN`).
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether the slave is locked (`TIOCGPTLCK`).
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// Locks or unlocks the slave (`TIOCSPTLCK`).
    pub fn set_locked(&mut self, locked: bool) {
        self.locked = locked;
    }

    /// Whether the master is in packet mode (`TIOCGPKT`).
    pub fn packet_mode(&self) -> bool {
        self.packet
    }

    /// Switches packet mode (`TIOCPKT`); what happened before it is not told.
    pub fn set_packet_mode(&mut self, packet: bool) {
        if packet && !self.packet {
            self.slave.status = 0;
        }
        self.packet = packet;
    }

    /// Counts an opening of the slave. Errors: `EIO` if it is locked or the master is closed.
    pub fn open_slave(&mut self) -> Result<(), Errno> {
        if self.locked || self.slave.hung_up {
            return Err(Errno::EIO);
        }
        self.opens += 1;
        self.deserted = false;
        Ok(())
    }

    /// Counts a closing of the slave; the last one is a hang-up for the master.
    pub fn close_slave(&mut self) {
        self.opens = self.opens.saturating_sub(1);
        if self.opens == 0 {
            self.deserted = true;
            self.slave.effects.master = true;
        }
    }

    /// Reads at the master: what the slave wrote and echoed; in packet mode behind a byte that says so, or
    /// one byte of `TIOCPKT_*` bits alone.
    ///
    /// Errors: `EAGAIN` if there is nothing, `EIO` if moreover nobody has the slave open.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Errno> {
        let Some((first, rest)) = out.split_first_mut() else { return Ok(0) };
        if self.packet && self.slave.status != 0 {
            *first = core::mem::take(&mut self.slave.status);
            return Ok(1);
        }
        if self.slave.output.len() == 0 {
            return Err(if self.deserted { Errno::EIO } else { Errno::EAGAIN });
        }
        if self.packet {
            *first = TIOCPKT_DATA;
            return Ok(1 + self.slave.take_output(rest));
        }
        Ok(self.slave.take_output(out))
    }

    /// Writes at the master: what is typed at the slave. Returns how many bytes were accepted; 0 if the
    /// writer must wait.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        self.slave.input(bytes)
    }

    /// Bytes the master can read (`FIONREAD` at the master).
    pub fn output_len(&self) -> usize {
        self.slave.output.settled()
    }

    /// Discards queues as the master sees them (`TCFLSH` at the master): its input is the slave's output.
    pub fn flush(&mut self, queues: Queues) {
        if queues != Queues::Output {
            self.slave.output.flush_settled();
            self.slave.effects.slave = true;
        }
        if queues != Queues::Input {
            self.slave.backlog.clear();
            self.slave.effects.master = true;
        }
    }

    /// What `poll(2)` reports at the master.
    pub fn ready(&self) -> Ready {
        let urgent = self.packet && self.slave.status != 0;
        Ready {
            readable: urgent || self.slave.output.len() > 0,
            writable: self.slave.input_room() > 0,
            urgent,
            error: false,
            hung_up: self.deserted,
        }
    }
}
