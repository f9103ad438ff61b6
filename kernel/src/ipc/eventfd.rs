//! eventfd(2): a counter as a file.

use crate::env::Env;
use crate::error::{Errno, Result};
use crate::fs::file::{File, FileOps, Seek};
use crate::user::{Dst, Src};
use crate::wait::{WaitQueue, poll};
use alloc::string::String;
use core::any::Any;
use core::cell::Cell;

/// How a read takes from the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// All of it.
    All,
    /// One (EFD_SEMAPHORE).
    One,
}

/// The counter.
pub struct EventFd {
    count: Cell<u64>,
    take: Take,
    queue: WaitQueue,
}

impl EventFd {
    /// A counter that starts at `count`.
    pub fn new(env: &Env, count: u32, take: Take) -> EventFd {
        EventFd { count: Cell::new(count.into()), take, queue: env.queue() }
    }
}

impl FileOps for EventFd {
    fn read(&self, _file: &File, dst: &mut Dst<'_>, _at: u64) -> Result<usize> {
        if dst.left() < 8 {
            return Err(Errno::EINVAL);
        }
        let count = self.count.get();
        if count == 0 {
            return Err(Errno::EAGAIN);
        }
        let taken = if self.take == Take::One { 1 } else { count };
        self.count.set(count - taken);
        self.queue.wake(poll::OUT);
        dst.put(&taken.to_le_bytes())
    }

    fn write(&self, _file: &File, src: &mut Src<'_>, _at: u64) -> Result<usize> {
        if src.left() < 8 {
            return Err(Errno::EINVAL);
        }
        let mut bytes = [0; 8];
        let saved = self.count.get();
        if src.take(&mut bytes)? < 8 {
            return Err(Errno::EFAULT);
        }
        match u64::from_le_bytes(bytes) {
            u64::MAX => Err(Errno::EINVAL),
            more if u64::MAX - 1 - saved < more => Err(Errno::EAGAIN),
            more => {
                self.count.set(saved + more);
                self.queue.wake(poll::IN);
                Ok(8)
            }
        }
    }

    fn poll(&self, _file: &File) -> u32 {
        let count = self.count.get();
        let readable = if count > 0 { poll::IN } else { 0 };
        let writable = if count < u64::MAX - 1 { poll::OUT } else { 0 };
        readable | writable
    }

    fn queue(&self, _file: &File, _events: u32) -> Option<WaitQueue> {
        Some(self.queue.clone())
    }

    fn seek(&self) -> Seek {
        Seek::Ignored
    }

    fn label(&self) -> String {
        "anon_inode:[eventfd]".into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
