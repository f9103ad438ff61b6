//! Signals: `sigaction(2)`, `sigaltstack(2)`, `siginfo_t`.

use super::{SIGVAL, layouts, u32_at};
use crate::names::{CLD_CODES, SA_RESTORER, SIGACTION_FLAGS, SIGALTSTACK_FLAGS, SIGNAL_CODES};
use crate::syscalls::ArgKind::{self, Enum, Flags, Hex, Id, Inner, Int, Long, Pid, Ptr, Signal, Size};

layouts! {
    "The kernel's set of signals." SIGSET 8 Bare { 0 8 set = ArgKind::SigSet; }
    "`struct sigaction` of the kernel." SIGACTION 32 Whole {
        0 8 sa_handler = ArgKind::Handler => plain;
        0 8 sa_sigaction = ArgKind::Handler => with_info;
        24 8 sa_mask = ArgKind::SigSet;
        8 4 sa_flags = Flags(&SIGACTION_FLAGS);
        16 8 sa_restorer = Ptr => has_restorer;
    }
    "`stack_t`." STACK 24 Whole { 0 8 ss_sp = Ptr; 8 4 ss_flags = Flags(&SIGALTSTACK_FLAGS); 16 8 ss_size = Size; }
    "`siginfo_t`." SIGINFO 128 Whole {
        0 4 si_signo = Signal;
        8 4 si_code = Enum(SIGNAL_CODES) => not_of_child;
        8 4 si_code = Enum(CLD_CODES) => of_child;
        4 4 si_errno = Int => has_errno;
        16 4 si_pid = Pid => has_sender;
        20 4 si_uid = Id => has_sender;
        16 4 si_timerid = Int => of_timer;
        20 4 si_overrun = Int => of_timer;
        24 4 si_status = Int => exited;
        24 4 si_status = Signal => ended_by_signal;
        32 8 si_utime = Long => of_child;
        40 8 si_stime = Long => of_child;
        24 8 si_value = Inner(&SIGVAL) => has_value;
        16 8 si_addr = Hex => of_fault;
    }
    "The pair `pselect6(2)` takes as its last argument." SIGSET_ARGUMENT 16 Whole {
        0 8 sigmask = super::reads(super::Shape::One(&SIGSET));
        8 8 sigsetsize = Size;
    }
}

const SIGCHLD: u32 = 17;
const SI_QUEUE: i32 = -1;
const SI_TIMER: i32 = -2;

fn with_info(action: &[u8]) -> bool {
    u32_at(action, 8) & crate::names::SA_SIGINFO != 0
}

fn plain(action: &[u8]) -> bool {
    !with_info(action)
}

fn has_restorer(action: &[u8]) -> bool {
    u32_at(action, 8) & SA_RESTORER != 0
}

fn code(info: &[u8]) -> i32 {
    u32_at(info, 8) as i32
}

fn of_child(info: &[u8]) -> bool {
    u32_at(info, 0) == SIGCHLD && code(info) > 0
}

fn not_of_child(info: &[u8]) -> bool {
    !of_child(info)
}

fn has_errno(info: &[u8]) -> bool {
    u32_at(info, 4) != 0
}

fn of_timer(info: &[u8]) -> bool {
    code(info) == SI_TIMER
}

fn of_fault(info: &[u8]) -> bool {
    // SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, by the processor.
    [4, 5, 7, 8, 11].contains(&u32_at(info, 0)) && code(info) > 0
}

fn has_sender(info: &[u8]) -> bool {
    !of_timer(info) && !of_fault(info)
}

fn has_value(info: &[u8]) -> bool {
    [SI_QUEUE, SI_TIMER].contains(&code(info))
}

fn exited(info: &[u8]) -> bool {
    of_child(info) && code(info) == 1
}

fn ended_by_signal(info: &[u8]) -> bool {
    of_child(info) && code(info) != 1
}
