//! The host's terminal behind the console: raw, so that the console's own line discipline does the work.

use super::Pty;
use crate::env::Env;
use crate::wait::poll;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use llano_abi::termios::Winsize;
use llano_machine::host::HostFd;
use llano_machine::{HostError, term};

/// Host errors that matter here.
const EAGAIN: HostError = HostError(11);

/// Open flags of the host: for reading and writing, without waiting, not as controlling terminal.
const OPEN_FLAGS: i32 = 0o2 | 0o4000 | 0o400;

/// The host's terminal, as seen by the console.
pub(super) struct Host {
    /// Opened anew where possible: its `O_NONBLOCK` is then ours alone, and the caller's stays as it is.
    fd: HostFd,
    /// What the bell calls it.
    key: u64,
    /// Poll bits the bell watches for now.
    watched: Cell<u32>,
    /// Taken from the console and not yet accepted by the host.
    unsent: RefCell<Vec<u8>>,
    /// The host's terminal is gone.
    gone: Cell<bool>,
}

impl Host {
    /// Takes the terminal that is the process's standard input, and makes it raw.
    pub(super) fn open(env: &Env) -> Result<Host, HostError> {
        let fd = match HostFd::open(c"/proc/self/fd/0", OPEN_FLAGS) {
            Ok(fd) => fd,
            Err(_) => HostFd::dup_of(0)?,
        };
        // Named by the standard descriptor, which stays open until the very end, when it is restored.
        term::raw(0)?;
        let mut watched = env.watched.borrow_mut();
        // The console waits for the host by its key alone: no queue.
        watched.push(None);
        let key = watched.len() as u64 - 1;
        let host = Host {
            fd,
            key,
            watched: Cell::new(poll::IN),
            unsent: RefCell::default(),
            gone: Cell::new(false),
        };
        env.bell.watch(&host.fd, key, poll::IN)?;
        Ok(host)
    }

    pub(super) fn key(&self) -> u64 {
        self.key
    }

    /// The window, as the host has it.
    pub(super) fn size(&self) -> Winsize {
        let (ws_row, ws_col) = term::size(self.fd.raw()).unwrap_or_default();
        Winsize { ws_row, ws_col, ..Winsize::default() }
    }

    /// Makes the terminal raw again, after llano was stopped and someone else had it.
    pub(super) fn reclaim(&self) {
        if term::is_foreground(0) {
            // A terminal that went away is noticed at the next read.
            let _ = term::raw(0);
        }
    }

    /// Hands on what was typed; false if the terminal is gone.
    pub(super) fn listen(&self, pair: &mut Pty) -> bool {
        let mut buf = [0; 1024];
        let room = pair.slave.input_room().min(buf.len());
        if room == 0 || self.gone.get() {
            return true;
        }
        match self.fd.read(&mut buf[..room]) {
            Ok(0) => self.gone.set(true),
            Ok(taken) => {
                pair.write(&buf[..taken]);
            }
            Err(EAGAIN) => {}
            Err(_) => self.gone.set(true),
        }
        !self.gone.get()
    }

    /// Writes the console's output as far as the host takes it, and watches for what is needed next.
    pub(super) fn show(&self, pair: &RefCell<Pty>, env: &Env) {
        let mut unsent = self.unsent.borrow_mut();
        while !self.gone.get() {
            if unsent.is_empty() {
                let mut buf = [0; 4096];
                let taken = pair.borrow_mut().slave.take_output(&mut buf);
                unsent.extend_from_slice(&buf[..taken]);
            }
            if unsent.is_empty() {
                break;
            }
            match self.fd.write(&unsent) {
                Ok(sent) => drop(unsent.drain(..sent)),
                Err(EAGAIN) => break,
                Err(_) => self.gone.set(true),
            }
        }
        let mut wanted = 0;
        if pair.borrow().slave.input_room() > 0 {
            wanted |= poll::IN;
        }
        if !unsent.is_empty() {
            wanted |= poll::OUT;
        }
        self.watch(wanted, env);
    }

    fn watch(&self, wanted: u32, env: &Env) {
        if self.gone.get() {
            env.bell.unwatch(&self.fd);
        } else if wanted != self.watched.get() && env.bell.watch(&self.fd, self.key, wanted).is_ok() {
            self.watched.set(wanted);
        }
    }

    /// Writes what is left, waiting for the host: the last words of a system that ends.
    pub(super) fn finish(&self, pair: &RefCell<Pty>) {
        let Ok(patient) = HostFd::dup_of(1) else { return };
        let mut unsent = self.unsent.borrow_mut();
        loop {
            while !unsent.is_empty() {
                match patient.write(&unsent) {
                    Ok(sent) => drop(unsent.drain(..sent)),
                    Err(_) => return,
                }
            }
            let mut buf = [0; 4096];
            let taken = pair.borrow_mut().slave.take_output(&mut buf);
            if taken == 0 {
                return;
            }
            unsent.extend_from_slice(&buf[..taken]);
        }
    }
}
