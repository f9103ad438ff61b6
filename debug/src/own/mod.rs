//! Stops in llano's own code: the vCPU is parked, and everything is answered without it.
//!
//! [`llano_kernel::inspect::own`] parks the vCPU and gives its registers and the debugger's table. What the kernel itself
//! must do (breakpoints in programs, a plan for other tasks) is posted, and done before it enters a program again.
//!
//! | module | what |
//! |---|---|
//! | [`stop`] | being told of a stop, running on, interrupting a kernel that hangs, leaving |
//! | [`state`] | registers, memory and threads of a parked vCPU |
//! | [`symbols`] | where a panic begins |

pub mod state;
pub mod stop;
pub mod symbols;

use llano_kernel::inspect::own::park::{self, Why};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What one debugger's session knows of llano's own code.
#[derive(Debug, Default)]
pub struct Own {
    /// Where a panic begins: it stops there, while its thread-local storage is whole.
    panic: Option<u64>,
    /// Breakpoints in programs, as the debugger has them, with the bytes that they replaced.
    programs: BTreeMap<u64, u8>,
    /// The kernel was given a plan: steps, tasks that run alone.
    planned: bool,
    /// The debugger waits for an interruption that it asked for.
    interrupted: Arc<AtomicBool>,
    /// The kernel is broken, and this was its rip.
    broken: Option<u64>,
    /// It was told to go on all the same.
    pub(crate) dying: bool,
}

impl Own {
    /// Looks at llano's own file.
    pub fn find() -> Own {
        Own { panic: symbols::panic(), ..Own::default() }
    }
}

/// Why the vCPU is parked; a panic is no breakpoint.
fn signal_of(why: Why, panics: bool) -> Option<i32> {
    const SIGABRT: i32 = 6;
    match why {
        Why::Signal(signal) => Some(signal),
        Why::Breakpoint if panics => Some(SIGABRT),
        _ => None,
    }
}

/// rip of the parked vCPU.
fn rip() -> Option<u64> {
    park::registers().map(|cpu| cpu.registers.rip)
}
