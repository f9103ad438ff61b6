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
        SA_NOCLDSTOP = 1, SA_NOCLDWAIT = 2, SA_SIGINFO = 4, SA_RESTORER = 0x4000000,
        SA_ONSTACK = 0x8000000, SA_RESTART = 0x10000000, SA_NODEFER = 0x40000000,
        SA_RESETHAND = 0x80000000,
    }

    /// Flags of `sigaltstack(2)`.
    SIGALTSTACK_BITS {
        SS_ONSTACK = 1, SS_DISABLE = 2,
    }

    /// Flags of `signalfd4(2)`.
    SIGNALFD_BITS {
        SFD_CLOEXEC = 0o2000000, SFD_NONBLOCK = 0o4000,
    }
}

/// Flags of `signalfd4(2)`.
pub static SIGNALFD_FLAGS: FlagSet = FlagSet::bits(SIGNALFD_BITS);
