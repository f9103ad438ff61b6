//! Processes: what the threads of one share beside the things that `clone` may share in other ways.

use super::Tid;
use crate::fs::Path;
use crate::sigstate::{SigInfo, SigQueue};
use crate::timers::USER_TICK;
use crate::wait::WaitQueue;
use alloc::vec::Vec;

/// A process's number: that of its first thread.
pub type Pid = i32;

/// Resource limits by number (`RLIMIT_*`), as (soft, hard).
pub type Limits = [(u64, u64); 16];

/// No limit.
pub const UNLIMITED: u64 = u64::MAX;

/// Limits as numbered on x86-64 (getrlimit(2)).
#[allow(missing_docs)]
pub mod rlimit {
    pub const CPU: usize = 0;
    pub const FSIZE: usize = 1;
    pub const DATA: usize = 2;
    pub const STACK: usize = 3;
    pub const CORE: usize = 4;
    pub const NPROC: usize = 6;
    pub const NOFILE: usize = 7;
    pub const MEMLOCK: usize = 8;
    pub const AS: usize = 9;
    pub const SIGPENDING: usize = 11;
    pub const MSGQUEUE: usize = 12;
    pub const NICE: usize = 13;
    pub const RTPRIO: usize = 14;
}

/// Times and counts of finished children, for getrusage(2) and times(2).
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// CPU time in guest code, ns.
    pub utime: u64,
    /// CPU time in the kernel, ns.
    pub stime: u64,
    /// Voluntary and involuntary switches.
    pub switches: (u64, u64),
    /// The largest resident set seen, bytes: of one process, so the larger of two, not their sum.
    pub max_rss: u64,
}

impl Usage {
    /// Adds another.
    pub fn add(&mut self, other: &Usage) {
        self.utime += other.utime;
        self.stime += other.stime;
        self.switches.0 += other.switches.0;
        self.switches.1 += other.switches.1;
        self.max_rss = self.max_rss.max(other.max_rss);
    }
}

/// A change of state that a parent has not yet waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Nothing new.
    None,
    /// Stopped by this signal.
    Stopped(i32),
    /// Continued.
    Continued,
}

/// What a zombie still tells: name and owner.
#[derive(Debug, Clone, Copy)]
pub struct Last {
    /// Name, NUL-padded.
    pub comm: [u8; 16],
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
}

/// A process.
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// Its parent; 0 for the first process.
    pub parent: Pid,
    /// The parent's thread that made it, or that was left when that one ended.
    pub parent_thread: Tid,
    /// Its parent ended, and the kernel collects it for the first process, see `Kernel::heir`.
    pub collected: bool,
    /// Its children, dead ones that nobody waited for included.
    pub children: Vec<Pid>,
    /// Its threads, the leader first while it lives.
    pub threads: Vec<Tid>,
    /// Process group.
    pub pgid: Pid,
    /// Session.
    pub sid: Pid,
    /// Controlling terminal.
    pub tty: Option<crate::tty::TtyRef>,
    /// Signals for whichever thread takes them first.
    pub pending: SigQueue,
    /// What its pidfds share with it.
    pub end: alloc::rc::Rc<crate::ipc::pidfd::End>,
    /// Where parents of this process's children wait.
    pub child_wait: WaitQueue,
    /// Real user of its last thread, for the parent's siginfo.
    pub uid: u32,
    /// wait(2) status once the process is over; set while threads are still dying.
    pub exit_status: Option<i32>,
    /// Who its last thread was.
    pub last: Option<Last>,
    /// What /proc/PID/oom_score_adj says; kept and reported.
    pub oom_score_adj: i32,
    /// All threads are gone: a zombie, waiting to be waited for.
    pub zombie: bool,
    /// Stopped by job control.
    pub stopped: bool,
    /// News for the parent.
    pub report: Report,
    /// The signal the parent gets when this process ends (SIGCHLD, or what clone said).
    pub exit_signal: i32,
    /// Resource limits.
    pub limits: Limits,
    /// The program.
    pub exe: Option<Path>,
    /// Whether it executed a program since it was made (setpgid(2) by the parent is refused then).
    pub did_exec: bool,
    /// Orphans below it become its children (prctl(PR_SET_CHILD_SUBREAPER)).
    pub subreaper: bool,
    /// The signal it gets when its parent dies.
    pub pdeath_signal: i32,
    /// prctl(PR_SET_DUMPABLE).
    pub dumpable: bool,
    /// CPU time and so on of its finished threads.
    pub own_usage: Usage,
    /// The same of its finished and waited-for children.
    pub child_usage: Usage,
    /// Interval timers and POSIX timers.
    pub timers: crate::timers::ProcessTimers,
    /// When it started, monotonic ns.
    pub started: u64,
}

impl Process {
    /// What the parent's SIGCHLD, or waitid, says of this process.
    pub fn child_info(&self, code: i32, status: i32) -> SigInfo {
        let mut info = SigInfo::child(code, self.pid, self.uid, status);
        info.fields[2] = self.own_usage.utime / USER_TICK;
        info.fields[3] = self.own_usage.stime / USER_TICK;
        info
    }
}
