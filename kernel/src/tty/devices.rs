//! The table of terminals, and the inodes of `/dev/pts` and `/dev/ptmx`.

use super::console::Host;
use super::file::{Side, TtyFile};
use super::terminal::{Master, Outbox, Terminal, TtyRef};
use super::{Pty, signal};
use crate::cred::Cred;
use crate::env::Env;
use crate::error::{Errno, Result, host};
use crate::fs::file::FileOps;
use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::RefCell;

/// Debian's group `tty`, to which slaves belong.
const GROUP_TTY: u32 = 5;

/// Pairs at most (`/proc/sys/kernel/pty/max`).
const PTY_MAX: usize = 4096;

/// All terminals of the system.
pub struct Terminals {
    me: Weak<Terminals>,
    pub(super) env: Rc<Env>,
    /// Signals they want sent.
    pub outbox: Outbox,
    console: RefCell<Option<TtyRef>>,
    ptys: RefCell<Vec<Option<TtyRef>>>,
}

impl Terminals {
    /// No terminal at all.
    pub fn new(env: &Rc<Env>) -> Rc<Terminals> {
        Rc::new_cyclic(|me| Terminals {
            me: me.clone(),
            env: env.clone(),
            outbox: Outbox::default(),
            console: RefCell::default(),
            ptys: RefCell::default(),
        })
    }

    /// Makes the host's terminal, which must be the process's standard input, the console.
    ///
    /// # Errors
    /// The host's, if it cannot be made raw or watched.
    pub fn open_host(&self) -> Result<TtyRef> {
        let mut pair = Pty::new(0);
        pair.set_locked(false);
        let host = Host::open(&self.env).map_err(host)?;
        pair.slave.set_winsize(host.size());
        let console = Rc::new(Terminal::new(&self.env, &self.outbox, pair, Master::Host(host), (0, 0)));
        *self.console.borrow_mut() = Some(console.clone());
        Ok(console)
    }

    /// The console, if there is one.
    pub fn console(&self) -> Option<TtyRef> {
        self.console.borrow().clone()
    }

    /// The pair of `/dev/pts/number`.
    pub fn pty(&self, number: usize) -> Option<TtyRef> {
        self.ptys.borrow().get(number).cloned().flatten()
    }

    /// Numbers of all pairs, ascending.
    pub fn numbers(&self) -> Vec<usize> {
        self.ptys
            .borrow()
            .iter()
            .enumerate()
            .filter(|(_, pty)| pty.is_some())
            .map(|(number, _)| number)
            .collect()
    }

    /// Opens `/dev/ptmx`: a new pair, of which this is the master.
    ///
    /// # Errors
    /// `ENOSPC` if there are too many.
    pub fn open_ptmx(&self, cred: &Cred) -> Result<Box<dyn FileOps>> {
        let mut ptys = self.ptys.borrow_mut();
        let free = ptys.iter().position(Option::is_none).unwrap_or(ptys.len());
        if free >= PTY_MAX {
            return Err(Errno::ENOSPC);
        }
        let master = Master::File(self.env.queue());
        let pair = Pty::new(free as u32);
        let owner = (cred.fsuid, GROUP_TTY);
        let terminal = Rc::new(Terminal::new(&self.env, &self.outbox, pair, master, owner));
        if free == ptys.len() {
            ptys.push(None);
        }
        ptys[free] = Some(terminal.clone());
        Ok(Box::new(TtyFile { terminal, side: Side::Master, table: self.me.clone() }))
    }

    /// Opens the slave side of a terminal.
    ///
    /// # Errors
    /// `EIO` if it is locked or hung up, `EBUSY` under `TIOCEXCL`.
    pub fn open(&self, terminal: &TtyRef, cred: &Cred) -> Result<Box<dyn FileOps>> {
        if terminal.exclusive.get() && !cred.privileged() {
            return Err(Errno::EBUSY);
        }
        terminal.with(Pty::open_slave)?;
        Ok(Box::new(TtyFile { terminal: terminal.clone(), side: Side::Slave, table: self.me.clone() }))
    }

    pub(super) fn remove(&self, terminal: &TtyRef) {
        if let Some(slot) = self.ptys.borrow_mut().get_mut(terminal.look(Pty::number) as usize) {
            *slot = None;
        }
    }

    /// Something happened at the host descriptor that the bell knows by `key`; false if it is not the console's.
    pub fn host_ready(&self, key: u64) -> bool {
        match self.console() {
            Some(console) if matches!(&console.master, Master::Host(host) if host.key() == key) => {
                console.host_ready();
                true
            }
            _ => false,
        }
    }

    /// Takes a signal that the host sent to llano because of its terminal; false if it is not one of those.
    pub fn host_signal(&self, number: i32) -> bool {
        let Some(console) = self.console() else { return false };
        let Master::Host(host) = &console.master else { return false };
        match number as u32 {
            signal::WINCH => console.with(|pair| pair.slave.set_winsize(host.size())),
            signal::CONT => host.reclaim(),
            signal::HUP => console.hang_up(),
            _ => return false,
        }
        true
    }

    /// Shows the rest of the console's output before the system ends.
    pub fn finish(&self) {
        if let Some(console) = self.console() {
            console.finish();
        }
    }
}
