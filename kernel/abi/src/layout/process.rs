//! Processes and the system: `wait4(2)`, `getrlimit(2)`, `clone3(2)`, `uname(2)`.

use super::{Count, Shape, TIMEVAL, layouts, u64_at, writes};
use crate::names::{
    CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_SETTLS, UNSHARE_FLAGS,
};
use crate::syscalls::ArgKind::{
    Chars, Flags, Hex, Id, Inner, Int, Limit, List, Long, Ptr, Signal, Size, Uint, WaitStatus,
};

layouts! {
    "The status `wait4(2)` reports." WAIT_STATUS 4 Bare { 0 4 status = WaitStatus; }
    "`struct rlimit`." RLIMIT 16 Whole { 0 8 rlim_cur = Limit; 8 8 rlim_max = Limit; }
    "`struct rusage`." RUSAGE_TIMES 144 Part { 0 16 ru_utime = Inner(&TIMEVAL); 16 16 ru_stime = Inner(&TIMEVAL); }
    "`struct new_utsname`." UTSNAME 390 Part { 0 65 sysname = Chars; 65 65 nodename = Chars; }
    "`struct sysinfo`." SYSINFO 112 Whole {
        0 8 uptime = Long;
        8 24 loads = List(8, &Size);
        32 8 totalram = Size;
        40 8 freeram = Size;
        48 8 sharedram = Size;
        56 8 bufferram = Size;
        64 8 totalswap = Size;
        72 8 freeswap = Size;
        80 2 procs = Uint;
        88 8 totalhigh = Size;
        96 8 freehigh = Size;
        104 4 mem_unit = Uint;
    }
    "A priority: `struct sched_param`." SCHED_PARAM 4 Bare { 0 4 sched_priority = Int; }
    "A user or group id." ID 4 Bare { 0 4 id = Id; }
    "A process or thread id." TID 4 Bare { 0 4 tid = Int; }
    "An address." ADDRESS 8 Bare { 0 8 address = Ptr; }
    "`struct clone_args`, its first version." CLONE_ARGS 64 Whole {
        0 8 flags = Flags(&UNSHARE_FLAGS);
        8 8 pidfd = Ptr => gives_pidfd;
        16 8 child_tid = Ptr => knows_child;
        24 8 parent_tid = Ptr => tells_parent;
        32 8 exit_signal = Signal;
        40 8 stack = Ptr;
        48 8 stack_size = Hex;
        56 8 tls = Ptr => sets_tls;
    }
    "What `clone3(2)` leaves behind the addresses it was given." CLONE_ANSWER 64 Whole {
        24 8 parent_tid = writes(Shape::Many(&TID, Count::Fixed(1))) => tells_parent;
    }
}

fn flags(clone: &[u8]) -> u32 {
    u64_at(clone, 0) as u32
}

fn gives_pidfd(clone: &[u8]) -> bool {
    flags(clone) & CLONE_PIDFD != 0
}

fn knows_child(clone: &[u8]) -> bool {
    flags(clone) & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID) != 0
}

fn tells_parent(clone: &[u8]) -> bool {
    flags(clone) & CLONE_PARENT_SETTID != 0
}

fn sets_tls(clone: &[u8]) -> bool {
    flags(clone) & CLONE_SETTLS != 0
}
