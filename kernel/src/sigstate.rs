//! What is known about signals without knowing tasks: sets, handlers, queues.

use alloc::collections::VecDeque;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Signal numbers of x86-64, as in signal(7).
#[allow(missing_docs)]
pub mod sig {
    pub const HUP: i32 = 1;
    pub const INT: i32 = 2;
    pub const QUIT: i32 = 3;
    pub const ILL: i32 = 4;
    pub const TRAP: i32 = 5;
    pub const ABRT: i32 = 6;
    pub const BUS: i32 = 7;
    pub const FPE: i32 = 8;
    pub const KILL: i32 = 9;
    pub const USR1: i32 = 10;
    pub const SEGV: i32 = 11;
    pub const USR2: i32 = 12;
    pub const PIPE: i32 = 13;
    pub const ALRM: i32 = 14;
    pub const TERM: i32 = 15;
    pub const CHLD: i32 = 17;
    pub const CONT: i32 = 18;
    pub const STOP: i32 = 19;
    pub const TSTP: i32 = 20;
    pub const TTIN: i32 = 21;
    pub const TTOU: i32 = 22;
    pub const URG: i32 = 23;
    pub const XCPU: i32 = 24;
    pub const XFSZ: i32 = 25;
    pub const VTALRM: i32 = 26;
    pub const PROF: i32 = 27;
    pub const WINCH: i32 = 28;
    pub const IO: i32 = 29;
    pub const SYS: i32 = 31;
    pub const RTMIN: i32 = 32;
    pub const MAX: i32 = 64;
}

/// A set of signals: bit n-1 is signal n.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SigSet(pub u64);

impl SigSet {
    /// The set of one.
    pub const fn of(sig: i32) -> SigSet {
        SigSet(1 << (sig - 1))
    }

    /// SIGKILL and SIGSTOP: never blocked, caught or ignored.
    pub const UNBLOCKABLE: SigSet = SigSet(1 << (sig::KILL - 1) | 1 << (sig::STOP - 1));

    /// Whether `sig` is in it.
    pub const fn has(self, sig: i32) -> bool {
        sig > 0 && self.0 & 1 << (sig - 1) != 0
    }

    /// With `sig`.
    pub const fn with(self, sig: i32) -> SigSet {
        SigSet(self.0 | 1 << (sig - 1))
    }

    /// Without `sig`.
    pub const fn without(self, sig: i32) -> SigSet {
        SigSet(self.0 & !(1 << (sig - 1)))
    }
}

/// `siginfo_t`: 128 bytes; the union behind the first three words is kept as Linux lays it out.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SigInfo {
    /// Signal number.
    pub signo: i32,
    /// An error number, rarely set.
    pub errno: i32,
    /// `SI_USER`, `CLD_EXITED`, `SEGV_MAPERR`, ...
    pub code: i32,
    pad: i32,
    /// The union, from offset 16.
    pub fields: [u64; 14],
}

/// `si_code` values used by the kernel.
#[allow(missing_docs)]
pub mod code {
    pub const SI_USER: i32 = 0;
    pub const SI_KERNEL: i32 = 0x80;
    pub const SI_QUEUE: i32 = -1;
    pub const SI_TIMER: i32 = -2;
    pub const SI_TKILL: i32 = -6;
    pub const CLD_EXITED: i32 = 1;
    pub const CLD_KILLED: i32 = 2;
    pub const CLD_DUMPED: i32 = 3;
    pub const CLD_STOPPED: i32 = 5;
    pub const CLD_CONTINUED: i32 = 6;
    pub const SEGV_MAPERR: i32 = 1;
    pub const SEGV_ACCERR: i32 = 2;
    pub const BUS_ADRERR: i32 = 2;
}

impl SigInfo {
    /// A signal with nothing but number and code.
    pub fn new(signo: i32, code: i32) -> SigInfo {
        SigInfo { signo, errno: 0, code, pad: 0, fields: [0; 14] }
    }

    /// From a process: kill, tgkill.
    pub fn from_process(signo: i32, code: i32, pid: i32, uid: u32) -> SigInfo {
        let mut info = SigInfo::new(signo, code);
        info.fields[0] = u64::from(pid as u32) | u64::from(uid) << 32;
        info
    }

    /// A fault at an address.
    pub fn at(signo: i32, code: i32, addr: u64) -> SigInfo {
        let mut info = SigInfo::new(signo, code);
        info.fields[0] = addr;
        info
    }

    /// A child's change of state (SIGCHLD).
    pub fn child(code: i32, pid: i32, uid: u32, status: i32) -> SigInfo {
        let mut info = SigInfo::from_process(sig::CHLD, code, pid, uid);
        info.fields[1] = u64::from(status as u32);
        info
    }

    /// `si_pid` as kill and SIGCHLD have it.
    pub fn pid(&self) -> i32 {
        self.fields[0] as i32
    }

    /// `si_uid`.
    pub fn uid(&self) -> u32 {
        (self.fields[0] >> 32) as u32
    }

    /// `si_value` as rt_sigqueueinfo and timers have it.
    pub fn value(&self) -> u64 {
        self.fields[1]
    }
}

/// `struct sigaction` as rt_sigaction(2) passes it on x86-64.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SigAction {
    /// Address, or 0 default, 1 ignore.
    pub handler: u64,
    /// `SA_*`.
    pub flags: u64,
    /// Where the handler returns to.
    pub restorer: u64,
    /// Blocked while the handler runs.
    pub mask: u64,
}

/// The default action.
pub const SIG_DFL: u64 = 0;
/// Ignore.
pub const SIG_IGN: u64 = 1;

/// The handlers of a process (or of those that share them by CLONE_SIGHAND).
#[derive(Debug, Clone)]
pub struct SigHandlers(pub [SigAction; 64]);

impl Default for SigHandlers {
    fn default() -> Self {
        SigHandlers([SigAction::default(); 64])
    }
}

impl SigHandlers {
    /// The action for `sig`.
    pub fn get(&self, sig: i32) -> &SigAction {
        &self.0[sig as usize - 1]
    }

    /// The action for `sig`, to change.
    pub fn get_mut(&mut self, sig: i32) -> &mut SigAction {
        &mut self.0[sig as usize - 1]
    }
}

/// Signals waiting to be delivered: standard ones once each, real-time ones queued.
#[derive(Debug, Clone, Default)]
pub struct SigQueue {
    /// Which signals wait.
    pub set: SigSet,
    queue: VecDeque<SigInfo>,
}

impl SigQueue {
    /// Adds a signal; a standard one that waits already is dropped. Returns whether it was added.
    pub fn push(&mut self, info: SigInfo) -> bool {
        if info.signo < sig::RTMIN && self.set.has(info.signo) {
            return false;
        }
        self.set = self.set.with(info.signo);
        self.queue.push_back(info);
        true
    }

    /// How many are queued.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next signal of `wanted`: faults first, then the lowest number.
    pub fn next(&self, wanted: SigSet) -> Option<i32> {
        const SYNCHRONOUS: u64 = SigSet::of(sig::SEGV).0
            | SigSet::of(sig::BUS).0
            | SigSet::of(sig::ILL).0
            | SigSet::of(sig::TRAP).0
            | SigSet::of(sig::FPE).0
            | SigSet::of(sig::SYS).0;
        let ready = self.set.0 & wanted.0;
        if ready == 0 {
            return None;
        }
        let first = if ready & SYNCHRONOUS != 0 { ready & SYNCHRONOUS } else { ready };
        Some(first.trailing_zeros() as i32 + 1)
    }

    /// Of several of one number the one that is taken next.
    pub fn first_mut(&mut self, signo: i32) -> Option<&mut SigInfo> {
        self.queue.iter_mut().find(|i| i.signo == signo)
    }

    /// Takes the next signal of `wanted`, of several of one number the oldest.
    pub fn pop(&mut self, wanted: SigSet) -> Option<SigInfo> {
        let signo = self.next(wanted)?;
        let at = self.queue.iter().position(|i| i.signo == signo)?;
        let info = self.queue.remove(at)?;
        if !self.queue.iter().any(|i| i.signo == signo) {
            self.set = self.set.without(signo);
        }
        Some(info)
    }

    /// Drops all signals of `which`.
    pub fn discard(&mut self, which: SigSet) {
        self.queue.retain(|i| !which.has(i.signo));
        self.set = SigSet(self.set.0 & !which.0);
    }

    /// Drops those that `keep` refuses.
    pub fn retain(&mut self, keep: impl Fn(&SigInfo) -> bool) {
        self.queue.retain(keep);
        self.set = SigSet(self.queue.iter().fold(0, |set, i| set | SigSet::of(i.signo).0));
    }
}
