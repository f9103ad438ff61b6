//! pidfd_open(2): a process as a file, readable to poll once it is over.

use crate::env::Env;
use crate::fs::file::{File, FileOps};
use crate::wait::{WaitQueue, poll};
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;
use core::cell::Cell;

/// Whether a process is over; its pidfds and the process share it.
#[derive(Debug)]
pub struct End {
    over: Cell<bool>,
    queue: WaitQueue,
}

impl End {
    /// Of a process that lives.
    pub fn new(env: &Env) -> Rc<End> {
        Rc::new(End { over: Cell::new(false), queue: env.queue() })
    }

    /// The process is over.
    pub fn reached(&self) {
        self.over.set(true);
        self.queue.wake(poll::IN | poll::RDNORM);
    }
}

/// An open pidfd.
pub struct PidFd {
    /// The process's number, which another may have once it is reaped.
    pub pid: i32,
    /// Tells this process from a later one of the same number.
    pub end: Rc<End>,
}

impl FileOps for PidFd {
    fn poll(&self, _: &File) -> u32 {
        if self.end.over.get() { poll::IN | poll::RDNORM } else { 0 }
    }

    fn queue(&self, _: &File, _: u32) -> Option<WaitQueue> {
        Some(self.end.queue.clone())
    }

    fn label(&self) -> String {
        "anon_inode:[pidfd]".into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
