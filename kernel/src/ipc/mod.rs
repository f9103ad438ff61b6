//! Talking to each other: what has no place in a filesystem but is read, written and waited for like a file.
//!
//! - [`pipe`]: pipes and FIFOs, on [`ring`]
//! - [`eventfd`], [`timerfd`], [`signalfd`]: counters, timers and signals as files
//! - [`pidfd`]: processes as files
//! - [`epoll`]: many files waited for at once
//! - [`unix`]: AF_UNIX sockets
//! - [`inotify`]: changes in directories
//!
//! Like all nouns they never sleep: what cannot be done now is `EAGAIN`.

pub mod epoll;
pub mod eventfd;
pub mod inotify;
pub mod pidfd;
pub mod pipe;
pub mod ring;
pub mod signalfd;
pub mod timerfd;
pub mod unix;

use crate::env::Env;
use crate::wait::{WaitQueue, Wakes, poll};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use core::cell::RefCell;

/// A file's identity: device and inode number.
pub type FileId = (u64, u64);

/// What must be found by something else than a descriptor: FIFOs and sockets by inode, timers by time.
pub struct Registry {
    /// Open (or waited for) FIFOs by inode.
    fifos: RefCell<BTreeMap<FileId, Rc<pipe::Pipe>>>,
    /// Armed timerfds.
    timers: timerfd::Armed,
    /// Bound AF_UNIX sockets.
    pub bound: unix::connect::Bound,
    /// What inotify instances watch.
    pub watches: inotify::Watches,
    /// Files in messages.
    pub flights: unix::gc::Flights,
    /// Where those wait who read or poll a signalfd; woken whenever any signal is sent.
    pub signals: WaitQueue,
}

impl Registry {
    /// An empty registry.
    pub fn new(wakes: &Wakes) -> Registry {
        Registry {
            fifos: RefCell::default(),
            timers: timerfd::Armed::default(),
            bound: Default::default(),
            watches: Default::default(),
            flights: Default::default(),
            signals: WaitQueue::new(wakes),
        }
    }

    /// CLOCK_REALTIME was set (clock_settime(2)).
    pub fn clock_was_set(&self) {
        self.timers.clock_was_set();
    }

    /// A signal was sent to some task: whoever waits on a signalfd looks again.
    pub fn signal_sent(&self) {
        self.signals.wake(poll::IN);
    }

    /// The FIFO behind an inode, made when it is first opened.
    pub fn fifo(&self, env: &Rc<Env>, id: FileId) -> Rc<pipe::Pipe> {
        let mut fifos = self.fifos.borrow_mut();
        fifos.retain(|at, fifo| *at == id || fifo.in_use());
        if !fifos.get(&id).is_some_and(|fifo| fifo.in_use()) {
            fifos.insert(id, pipe::Pipe::new(env));
        }
        fifos[&id].clone()
    }
}

/// Wakes who waits for timers that are due; returns when the next one is. The run loop calls it when that time is
/// reached or a timer was set.
pub fn expire(env: &Env, now: u64) -> Option<u64> {
    env.ipc.timers.expire(now)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::error::Result;
    use crate::fs::file::{File, oflag};
    use crate::user::{Dst, Src};
    use alloc::vec::Vec;
    use llano_machine::{bell::Bell, pool::Pool};

    /// Surroundings for nouns.
    pub(crate) fn env() -> Rc<Env> {
        Env::new(Pool::new(1 << 20).unwrap(), Bell::new().unwrap())
    }

    /// A pipe's ends with these flags.
    pub(crate) fn pipe(env: &Env, flags: u32) -> (Rc<File>, Rc<File>) {
        let (r, w) = pipe::Pipe::pair(env);
        (File::new(r, oflag::RDONLY | flags, None), File::new(w, oflag::WRONLY | flags, None))
    }

    /// Reads at most `max` bytes.
    pub(crate) fn read(file: &File, max: usize) -> Result<Vec<u8>> {
        let mut buf = alloc::vec![0; max];
        let n = file.ops().read(file, &mut Dst::Kernel(&mut buf, 0), 0)?;
        buf.truncate(n);
        Ok(buf)
    }

    /// Writes once.
    pub(crate) fn write(file: &File, bytes: &[u8]) -> Result<usize> {
        file.ops().write(file, &mut Src::Kernel(bytes), 0)
    }
}
