//! signalfd(2): signals as a file.
//!
//! Which signals wait is known only to a task, so this file alone can tell nothing: the system calls for reading and
//! polling look at the calling task's queues with [`SignalFd::mask`]. Everyone who waits does so on one queue that every
//! sent signal wakes.

use crate::env::Env;
use crate::error::{Errno, Result};
use crate::fs::file::{File, FileOps, Seek};
use crate::sigstate::SigSet;
use crate::user::Dst;
use crate::wait::WaitQueue;
use alloc::string::String;
use core::any::Any;
use core::cell::Cell;

/// A view of the caller's pending signals.
pub struct SignalFd {
    /// The signals it shows.
    pub mask: Cell<SigSet>,
    queue: WaitQueue,
}

impl SignalFd {
    /// Shows `mask`.
    pub fn new(env: &Env, mask: SigSet) -> SignalFd {
        SignalFd { mask: Cell::new(mask), queue: env.ipc.signals.clone() }
    }
}

impl FileOps for SignalFd {
    fn read(&self, _file: &File, _dst: &mut Dst<'_>, _at: u64) -> Result<usize> {
        Err(Errno::EAGAIN)
    }

    fn poll(&self, _file: &File) -> u32 {
        0
    }

    fn queue(&self, _file: &File, _events: u32) -> Option<WaitQueue> {
        Some(self.queue.clone())
    }

    fn seek(&self) -> Seek {
        Seek::Ignored
    }

    fn label(&self) -> String {
        "anon_inode:[signalfd]".into()
    }

    fn depends(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
