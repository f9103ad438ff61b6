//! Open terminals: reading, writing, polling either side.

use super::terminal::{Master, TtyRef};
use super::{Content, Read, Ready, Timer, devpts};
use crate::error::{Errno, Result};
use crate::fs::file::{File, FileOps};
use crate::fs::inode::Attr;
use crate::user::{Dst, Src};
use crate::wait::{WaitQueue, poll};
use alloc::rc::Weak;
use alloc::string::String;
use core::any::Any;

/// Bytes moved at once between guest memory and a terminal.
const CHUNK: usize = 4096;

/// Which end of the pair a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The terminal.
    Slave,
    /// Its screen and keyboard.
    Master,
}

/// An open terminal, or the master of one.
pub struct TtyFile {
    /// The pair.
    pub terminal: TtyRef,
    /// Which end.
    pub side: Side,
    /// Where the pair's number is given back when the master closes.
    pub(super) table: Weak<super::devices::Terminals>,
}

impl Drop for TtyFile {
    fn drop(&mut self) {
        match self.side {
            Side::Slave => {
                self.terminal.with(super::Pty::close_slave);
                self.wake_hang_up();
            }
            Side::Master => {
                if let Some(table) = self.table.upgrade() {
                    table.remove(&self.terminal);
                }
                self.terminal.hang_up();
            }
        }
    }
}

/// What a poll reports, in its bits.
fn poll_bits(ready: Ready) -> u32 {
    let bits = [
        (ready.readable, poll::IN | poll::RDNORM),
        (ready.writable, poll::OUT | poll::WRNORM),
        (ready.urgent, poll::PRI),
        (ready.error, poll::ERR),
        (ready.hung_up, poll::HUP),
    ];
    bits.iter().filter(|(holds, _)| *holds).fold(0, |all, (_, bits)| all | bits)
}

impl TtyFile {
    /// The master's waiters learn that nobody has the slave open.
    fn wake_hang_up(&self) {
        if let Master::File(queue) = &self.terminal.master
            && self.terminal.look(|pair| pair.ready().hung_up)
        {
            queue.wake(poll::HUP);
        }
    }

    /// Whether it is a slave whose master is gone.
    pub fn is_hung_up(&self) -> bool {
        self.side == Side::Slave && self.terminal.look(|pair| pair.slave.is_hung_up())
    }

    /// How long a read of the slave waits now, if VTIME says so: (ns, counted anew at each byte).
    pub fn read_timer(&self) -> Timer {
        match self.side {
            Side::Slave => self.terminal.look(|pair| pair.slave.read_timer()),
            Side::Master => Timer::None,
        }
    }

    /// Reads what is there, whatever VMIN says, perhaps nothing: how a read ends whose time is over.
    pub fn read_anything(&self, dst: &mut Dst<'_>) -> Result<usize> {
        match self.read_as(dst, Content::Anything) {
            Err(Errno::EAGAIN) => Ok(0),
            result => result,
        }
    }

    fn read_as(&self, dst: &mut Dst<'_>, content: Content) -> Result<usize> {
        let mut buf = [0; CHUNK];
        let room = dst.left().min(CHUNK);
        let taken = match self.side {
            Side::Master => self.terminal.with(|pair| pair.read(&mut buf[..room]))?,
            Side::Slave => match self.terminal.with(|pair| pair.slave.read(&mut buf[..room], content))? {
                Read::Done(taken) => taken,
                Read::Wait(_) => return Err(Errno::EAGAIN),
            },
        };
        dst.put(&buf[..taken])
    }

    fn write_some(&self, bytes: &[u8]) -> Result<usize> {
        match self.side {
            Side::Slave => self.terminal.with(|pair| pair.slave.write(bytes)),
            Side::Master => Ok(self.terminal.with(|pair| pair.write(bytes))),
        }
    }
}

impl FileOps for TtyFile {
    fn read(&self, file: &File, dst: &mut Dst<'_>, _at: u64) -> Result<usize> {
        self.read_as(dst, if file.nonblocking() { Content::Anything } else { Content::Settings })
    }

    fn write(&self, _file: &File, src: &mut Src<'_>, _at: u64) -> Result<usize> {
        let mut buf = [0; CHUNK];
        let mut done = 0;
        loop {
            // Only what will surely be accepted is taken: a byte taken cannot be given back.
            let sure = match self.side {
                Side::Slave => self.terminal.look(|pair| pair.slave.sure_room()),
                Side::Master => self.terminal.look(|pair| pair.slave.input_room()),
            };
            let want = src.left().min(sure.clamp(1, CHUNK));
            if want == 0 || (sure == 0 && done > 0) {
                return Ok(done);
            }
            let taken = match src.take(&mut buf[..want]) {
                Err(_) if done > 0 => return Ok(done),
                taken => taken?,
            };
            let accepted = self.write_some(&buf[..taken])?;
            done += accepted;
            if accepted < taken {
                return if done > 0 { Ok(done) } else { Err(Errno::EAGAIN) };
            }
        }
    }

    fn poll(&self, _file: &File) -> u32 {
        poll_bits(self.terminal.look(|pair| match self.side {
            Side::Slave => pair.slave.ready(),
            Side::Master => pair.ready(),
        }))
    }

    fn queue(&self, _file: &File, _events: u32) -> Option<WaitQueue> {
        match (self.side, &self.terminal.master) {
            (Side::Master, Master::File(queue)) => Some(queue.clone()),
            _ => Some(self.terminal.queue.clone()),
        }
    }

    fn ioctl(&self, _file: &File, cmd: u32, arg: u64) -> Result<i64> {
        super::ioctl::ioctl(self, cmd, arg)
    }

    fn attr(&self) -> Attr {
        match self.side {
            Side::Slave => devpts::slave_attr(&self.terminal),
            Side::Master => devpts::ptmx_attr(),
        }
    }

    fn label(&self) -> String {
        match self.side {
            Side::Slave => alloc::format!("/dev/{}", self.terminal.name()),
            Side::Master => "/dev/ptmx".into(),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
