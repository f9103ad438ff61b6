//! System calls: the table ([`table`]) and what happens around every handler.
//!
//! **A new system call** = one row in [`table`] + one handler here, in the file of its subject + one program in
//! `tests/guest`. A handler decides before it changes anything: if it must wait it returns a
//! [`Wait`](crate::wait::Wait) and is invoked again, from the start, when the task is woken; what it must remember in
//! between goes into `Task::progress`.

pub mod table;

use crate::error::{Errno, Fail, SysResult};
use crate::kernel::Kernel;
use crate::task::Call;
use crate::wait::Tid;
use llano_machine::clock;
use llano_machine::cpu::reg;

/// The six argument registers.
#[derive(Debug, Clone, Copy)]
pub struct Args(pub [u64; 6]);

impl Args {
    /// Argument `i` as the guest passed it.
    #[inline]
    pub fn u64(&self, i: usize) -> u64 {
        self.0[i]
    }

    /// A size or count.
    #[inline]
    pub fn usize(&self, i: usize) -> usize {
        self.0[i] as usize
    }

    /// An `int`: the upper half of the register is not looked at, as on Linux.
    #[inline]
    pub fn i32(&self, i: usize) -> i32 {
        self.0[i] as i32
    }

    /// An `unsigned int`.
    #[inline]
    pub fn u32(&self, i: usize) -> u32 {
        self.0[i] as u32
    }

    /// A signed 64-bit value (`off_t`).
    #[inline]
    pub fn i64(&self, i: usize) -> i64 {
        self.0[i] as i64
    }
}

/// A handler.
pub type Handler = fn(&mut Kernel, Tid, &Args) -> SysResult;
