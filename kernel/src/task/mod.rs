//! Tasks and processes: what belongs to a thread, what to its process, and the tables of both.
//!
//! - [`Task`]: one thread of execution
//! - [`process`]: what threads of a process share
//! - [`table`]: all of them, by number

pub mod process;
pub mod table;

use crate::cred::Cred;
use crate::fs::FsContext;
use crate::fs::fdtable::FdTable;
use crate::mm::Mm;
use crate::sigstate::{SigHandlers, SigQueue, SigSet};
use crate::wait::{FutexKey, OnSignal, Tid, Wait};
use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::RefCell;
use llano_machine::Context;
use llano_machine::overlay::View;
pub use process::{Pid, Process};

/// What a task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// On the run queue, or running.
    Runnable,
    /// Asleep in a call; `Task::wait` says why.
    Blocked,
    /// Stopped by a signal (job control).
    Stopped,
    /// Stopped by a tool (gdb, monitor).
    Frozen,
    /// Over; only the number is still taken.
    Dead,
}

/// A call in progress: from the trap until its result is stored.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Number.
    pub nr: usize,
    /// Arguments.
    pub args: [u64; 6],
    /// TSC at the trap.
    pub start: u64,
}

/// What a call that waits must remember between its invocations; cleared when the call ends.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// When the wait ends, monotonic ns, once computed from a relative time.
    pub deadline: Option<u64>,
    /// Bytes already moved (a write larger than a pipe).
    pub done: usize,
    /// A futex wait that was woken, or whatever one bit a call needs.
    pub woken: bool,
    /// Set by the run loop: the deadline of the wait passed.
    pub timed_out: bool,
    /// Set by the run loop when a signal ends the wait: the call is invoked once more to say how (nanosleep's rest).
    pub interrupted: bool,
    /// The blocked signals that sigtimedwait waits for.
    pub sigwait: SigSet,
    /// A file that is half open: a FIFO's end that waits for the other side.
    pub held: Option<Rc<crate::fs::file::File>>,
    /// The futex it waits on; requeueing changes it.
    pub futex: Option<FutexKey>,
    /// A number the call needs again.
    pub value: u64,
}

/// The alternate signal stack (sigaltstack(2)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AltStack {
    /// Lowest address.
    pub sp: u64,
    /// `SS_*` flags.
    pub flags: i32,
    /// Bytes; 0: none.
    pub size: u64,
}

/// What a thread says about itself by prctl(2) and its kin: kept, reported and inherited.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// prctl(PR_SET_NO_NEW_PRIVS).
    pub no_new_privs: bool,
    /// prctl(PR_SET_KEEPCAPS); execve clears it.
    pub keep_caps: bool,
    /// prctl(PR_SET_TIMERSLACK), ns: now, and what 0 sets it to. Timers are never late on purpose.
    pub timer_slack: (u64, u64),
    /// personality(2).
    pub personality: u32,
    /// ioprio_set(2); 0: as the nice value.
    pub io_priority: u16,
    /// Children start with the ordinary policy (SCHED_RESET_ON_FORK).
    pub reset_on_fork: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            no_new_privs: false,
            keep_caps: false,
            timer_slack: (50_000, 50_000),
            personality: 0,
            io_priority: 0,
            reset_on_fork: false,
        }
    }
}

impl Settings {
    /// What a new thread starts with.
    pub fn inherited(&self) -> Settings {
        Settings { timer_slack: (self.timer_slack.0, self.timer_slack.0), reset_on_fork: false, ..*self }
    }
}

/// One thread of execution.
pub struct Task {
    /// Its number.
    pub tid: Tid,
    /// Its process.
    pub pid: Pid,
    /// Name (prctl(PR_SET_NAME), /proc/PID/comm), NUL-padded.
    pub comm: [u8; 16],
    /// Registers.
    pub ctx: Box<Context>,
    /// What it is doing.
    pub state: State,
    /// Why it sleeps, while `Blocked`.
    pub wait: Option<Wait>,
    /// The wait's deadline in the timer queue.
    pub wait_key: Option<crate::timers::Key>,
    /// The call in progress.
    pub call: Option<Call>,
    /// What that call remembers.
    pub progress: Progress,
    /// Address space.
    pub mm: Rc<RefCell<Mm>>,
    /// Its `view`, at hand for the loop.
    pub view: View,
    /// Descriptors.
    pub files: Rc<RefCell<FdTable>>,
    /// Root, working directory, umask.
    pub fs: Rc<RefCell<FsContext>>,
    /// Signal handlers.
    pub sighand: Rc<RefCell<SigHandlers>>,
    /// Blocked signals.
    pub sigmask: SigSet,
    /// The mask to restore when a handler returns or the call ends (sigsuspend, ppoll).
    pub saved_sigmask: Option<SigSet>,
    /// Signals for this thread alone.
    pub pending: SigQueue,
    /// Look for signals (or a request to die) before the next entry: one flag test in the loop.
    pub attention: bool,
    /// Alternate signal stack.
    pub altstack: AltStack,
    /// Who it is.
    pub cred: Rc<Cred>,
    /// Zeroed and woken when the thread ends (set_tid_address(2)).
    pub clear_child_tid: u64,
    /// Head of the robust futex list (set_robust_list(2)).
    pub robust_list: u64,
    /// The parent that waits in vfork until this task lets go of the memory.
    pub vfork_parent: Option<Tid>,
    /// Nice value, -20..=19.
    pub nice: i32,
    /// Scheduling policy and real-time priority, as set and reported only.
    pub policy: (i32, i32),
    /// What else it says about itself.
    pub settings: Settings,
    /// Nanoseconds of CPU time: in the guest, in the kernel.
    pub utime: u64,
    /// See `utime`.
    pub stime: u64,
    /// Times it gave the CPU away by itself, and by the tick.
    pub switches: (u64, u64),
    /// Error code, trap number and CR2 of its last fault.
    pub fault: (u64, u64, u64),
    /// System calls made.
    pub calls: u64,
    /// When it started, monotonic ns.
    pub started: u64,
}

impl Task {
    /// What it used so far.
    pub fn usage(&self) -> process::Usage {
        process::Usage { utime: self.utime, stime: self.stime, switches: self.switches, max_rss: 0 }
    }

    /// Whether it sleeps where signals do not interrupt it.
    pub fn is_uninterruptible(&self) -> bool {
        self.wait.as_ref().is_some_and(|wait| wait.on_signal == OnSignal::Uninterruptible)
    }

    /// The name as text bytes, without padding.
    pub fn name(&self) -> &[u8] {
        let end = self.comm.iter().position(|b| *b == 0).unwrap_or(16);
        &self.comm[..end]
    }

    /// Sets the name, cut to 15 bytes.
    pub fn set_name(&mut self, name: &[u8]) {
        self.comm = [0; 16];
        let n = name.len().min(15);
        self.comm[..n].copy_from_slice(&name[..n]);
    }
}
