//! Signals: `signal(7)`, `sigaction(2)`.

use super::{FlagSet, Name};

names! {
    /// The standard signals of `signal(7)`.
    SIGNALS {
        SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7,
        SIGFPE = 8, SIGKILL = 9, SIGUSR1 = 10, SIGSEGV = 11, SIGUSR2 = 12, SIGPIPE = 13,
        SIGALRM = 14, SIGTERM = 15, SIGSTKFLT = 16, SIGCHLD = 17, SIGCONT = 18, SIGSTOP = 19,
        SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22, SIGURG = 23, SIGXCPU = 24, SIGXFSZ = 25,
        SIGVTALRM = 26, SIGPROF = 27, SIGWINCH = 28, SIGIO = 29, SIGPWR = 30, SIGSYS = 31,
    }

    /// `how` of `sigprocmask(2)`.
    SIGPROCMASK {
        SIG_BLOCK = 0, SIG_UNBLOCK = 1, SIG_SETMASK = 2,
    }

    /// Flags of `sigaction(2)`.
    SIGACTION_BITS {
        SA_RESTORER = 0x4000000, SA_ONSTACK = 0x8000000, SA_RESTART = 0x10000000,
        SA_NODEFER = 0x40000000, SA_RESETHAND = 0x80000000, SA_SIGINFO = 4, SA_NOCLDSTOP = 1,
        SA_NOCLDWAIT = 2,
    }

    /// Flags of `sigaltstack(2)`.
    SIGALTSTACK_BITS {
        SS_ONSTACK = 1, SS_DISABLE = 2,
    }

    /// Flags of `signalfd4(2)`.
    SIGNALFD_BITS {
        SFD_CLOEXEC = 0o2000000, SFD_NONBLOCK = 0o4000,
    }

    /// `si_code` of a signal that somebody sent.
    SIGNAL_CODES {
        SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = 0xffffffff, SI_TIMER = 0xfffffffe,
        SI_MESGQ = 0xfffffffd, SI_ASYNCIO = 0xfffffffc, SI_SIGIO = 0xfffffffb,
        SI_TKILL = 0xfffffffa, SI_DETHREAD = 0xfffffff9, SI_ASYNCNL = 0xffffffc4,
    }

    /// `si_code` of `SIGCHLD`.
    CLD_CODES {
        CLD_EXITED = 1, CLD_KILLED = 2, CLD_DUMPED = 3, CLD_TRAPPED = 4, CLD_STOPPED = 5,
        CLD_CONTINUED = 6,
    }
}

/// Flags of `signalfd4(2)`.
pub static SIGNALFD_FLAGS: FlagSet = FlagSet::bits(SIGNALFD_BITS);

/// Flags of `sigaction(2)`.
pub static SIGACTION_FLAGS: FlagSet = FlagSet::bits(SIGACTION_BITS);

/// Flags of `sigaltstack(2)`.
pub static SIGALTSTACK_FLAGS: FlagSet = FlagSet::bits(SIGALTSTACK_BITS);
