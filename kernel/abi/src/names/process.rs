//! Tasks: `clone(2)`, `wait4(2)`, `futex(2)`, `prctl(2)`, scheduling and limits.

use super::{BitField, FlagSet, Name, Place};

names! {
    /// Flags of `clone(2)`; the low byte is the exit signal.
    CLONE_BITS {
        CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400, CLONE_SIGHAND = 0x800,
        CLONE_PIDFD = 0x1000, CLONE_PTRACE = 0x2000, CLONE_VFORK = 0x4000, CLONE_PARENT = 0x8000,
        CLONE_THREAD = 0x10000, CLONE_NEWNS = 0x20000, CLONE_SYSVSEM = 0x40000,
        CLONE_SETTLS = 0x80000, CLONE_PARENT_SETTID = 0x100000, CLONE_CHILD_CLEARTID = 0x200000,
        CLONE_DETACHED = 0x400000, CLONE_UNTRACED = 0x800000, CLONE_CHILD_SETTID = 0x1000000,
        CLONE_NEWCGROUP = 0x2000000, CLONE_NEWUTS = 0x4000000, CLONE_NEWIPC = 0x8000000,
        CLONE_NEWUSER = 0x10000000, CLONE_NEWPID = 0x20000000, CLONE_NEWNET = 0x40000000,
        CLONE_IO = 0x80000000,
    }

    /// Options of `wait4(2)` and `waitid(2)`.
    WAIT_BITS {
        WNOHANG = 1, WSTOPPED = 2, WEXITED = 4, WCONTINUED = 8, WNOWAIT = 0x1000000,
        __WNOTHREAD = 0x20000000, __WALL = 0x40000000, __WCLONE = 0x80000000,
    }

    /// `idtype` of `waitid(2)`.
    WAIT_IDS {
        P_ALL = 0, P_PID = 1, P_PGID = 2, P_PIDFD = 3,
    }

    /// Commands of `futex(2)`: the low seven bits of its operation, and how they are written with the eighth, which says
    /// that no other process takes part.
    FUTEX_COMMANDS {
        FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_FD = 2, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE = 4,
        FUTEX_WAKE_OP = 5, FUTEX_LOCK_PI = 6, FUTEX_UNLOCK_PI = 7, FUTEX_TRYLOCK_PI = 8,
        FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET = 10, FUTEX_WAIT_REQUEUE_PI = 11,
        FUTEX_CMP_REQUEUE_PI = 12, FUTEX_LOCK_PI2 = 13,
        FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129, FUTEX_REQUEUE_PRIVATE = 131,
        FUTEX_CMP_REQUEUE_PRIVATE = 132, FUTEX_WAKE_OP_PRIVATE = 133, FUTEX_LOCK_PI_PRIVATE = 134,
        FUTEX_UNLOCK_PI_PRIVATE = 135, FUTEX_TRYLOCK_PI_PRIVATE = 136,
        FUTEX_WAIT_BITSET_PRIVATE = 137, FUTEX_WAKE_BITSET_PRIVATE = 138,
        FUTEX_WAIT_REQUEUE_PI_PRIVATE = 139, FUTEX_CMP_REQUEUE_PI_PRIVATE = 140,
        FUTEX_LOCK_PI2_PRIVATE = 141,
    }

    /// The mask of `FUTEX_WAIT_BITSET` that means any.
    FUTEX_MASKS {
        FUTEX_BITSET_MATCH_ANY = 0xffffffff,
    }

    /// Option bits of `futex(2)`.
    FUTEX_BITS {
        FUTEX_PRIVATE_FLAG = 128, FUTEX_CLOCK_REALTIME = 256,
    }

    /// Flags of `futex_wait(2)`.
    FUTEX2_BITS {
        FUTEX2_PRIVATE = 128, FUTEX2_SIZE_U32 = 2,
    }

    /// Options of `prctl(2)`.
    PRCTL {
        PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG = 2, PR_GET_DUMPABLE = 3, PR_SET_DUMPABLE = 4,
        PR_GET_UNALIGN = 5, PR_SET_UNALIGN = 6, PR_GET_KEEPCAPS = 7, PR_SET_KEEPCAPS = 8,
        PR_GET_FPEMU = 9, PR_SET_FPEMU = 10, PR_GET_FPEXC = 11, PR_SET_FPEXC = 12,
        PR_GET_TIMING = 13, PR_SET_TIMING = 14, PR_SET_NAME = 15, PR_GET_NAME = 16,
        PR_GET_ENDIAN = 19, PR_SET_ENDIAN = 20, PR_GET_SECCOMP = 21, PR_SET_SECCOMP = 22,
        PR_CAPBSET_READ = 23, PR_CAPBSET_DROP = 24, PR_GET_TSC = 25, PR_SET_TSC = 26,
        PR_GET_SECUREBITS = 27, PR_SET_SECUREBITS = 28, PR_SET_TIMERSLACK = 29,
        PR_GET_TIMERSLACK = 30, PR_TASK_PERF_EVENTS_DISABLE = 31, PR_TASK_PERF_EVENTS_ENABLE = 32,
        PR_MCE_KILL = 33, PR_MCE_KILL_GET = 34, PR_SET_MM = 35, PR_SET_PTRACER = 1499557217,
        PR_SET_CHILD_SUBREAPER = 36, PR_GET_CHILD_SUBREAPER = 37, PR_SET_NO_NEW_PRIVS = 38,
        PR_GET_NO_NEW_PRIVS = 39, PR_GET_TID_ADDRESS = 40, PR_SET_THP_DISABLE = 41,
        PR_GET_THP_DISABLE = 42, PR_CAP_AMBIENT = 47, PR_GET_SPECULATION_CTRL = 52,
        PR_SET_SPECULATION_CTRL = 53, PR_PAC_RESET_KEYS = 54, PR_SET_TAGGED_ADDR_CTRL = 55,
        PR_GET_TAGGED_ADDR_CTRL = 56, PR_SET_IO_FLUSHER = 57, PR_GET_IO_FLUSHER = 58,
        PR_SET_SYSCALL_USER_DISPATCH = 59, PR_SCHED_CORE = 62, PR_SET_MDWE = 65, PR_GET_MDWE = 66,
        PR_SET_MEMORY_MERGE = 67, PR_GET_MEMORY_MERGE = 68, PR_SET_VMA = 1398164801,
        PR_GET_AUXV = 1096112214,
    }

    /// Codes of `arch_prctl(2)`.
    ARCH_PRCTL {
        ARCH_SET_GS = 0x1001, ARCH_SET_FS = 0x1002, ARCH_GET_FS = 0x1003, ARCH_GET_GS = 0x1004,
        ARCH_GET_CPUID = 0x1011, ARCH_SET_CPUID = 0x1012, ARCH_GET_XCOMP_SUPP = 0x1021,
        ARCH_GET_XCOMP_PERM = 0x1022, ARCH_REQ_XCOMP_PERM = 0x1023, ARCH_CET_STATUS = 0x3001,
        ARCH_SHSTK_ENABLE = 0x5001, ARCH_SHSTK_DISABLE = 0x5002, ARCH_SHSTK_STATUS = 0x5005,
    }

    /// Resources of `getrlimit(2)`.
    RLIMITS {
        RLIMIT_CPU = 0, RLIMIT_FSIZE = 1, RLIMIT_DATA = 2, RLIMIT_STACK = 3, RLIMIT_CORE = 4,
        RLIMIT_RSS = 5, RLIMIT_NPROC = 6, RLIMIT_NOFILE = 7, RLIMIT_MEMLOCK = 8, RLIMIT_AS = 9,
        RLIMIT_LOCKS = 10, RLIMIT_SIGPENDING = 11, RLIMIT_MSGQUEUE = 12, RLIMIT_NICE = 13,
        RLIMIT_RTPRIO = 14, RLIMIT_RTTIME = 15,
    }

    /// `who` of `getrusage(2)`.
    RUSAGE {
        RUSAGE_SELF = 0, RUSAGE_THREAD = 1, RUSAGE_CHILDREN = 0xffffffff,
    }

    /// `which` of `getpriority(2)`.
    PRIORITY_KINDS {
        PRIO_PROCESS = 0, PRIO_PGRP = 1, PRIO_USER = 2,
    }

    /// Policies of `sched_setscheduler(2)`.
    SCHED_POLICIES {
        SCHED_OTHER = 0, SCHED_FIFO = 1, SCHED_RR = 2, SCHED_BATCH = 3, SCHED_IDLE = 5,
        SCHED_DEADLINE = 6, SCHED_EXT = 7,
    }

    /// Flags of `getrandom(2)`.
    GETRANDOM_BITS {
        GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4,
    }

    /// Operations of `seccomp(2)`.
    SECCOMP {
        SECCOMP_SET_MODE_STRICT = 0, SECCOMP_SET_MODE_FILTER = 1, SECCOMP_GET_ACTION_AVAIL = 2,
        SECCOMP_GET_NOTIF_SIZES = 3,
    }

    /// Flags of `rseq(2)`.
    RSEQ_BITS {
        RSEQ_FLAG_UNREGISTER = 1,
    }

    /// Requests of `ptrace(2)`.
    PTRACE {
        PTRACE_TRACEME = 0, PTRACE_PEEKTEXT = 1, PTRACE_PEEKDATA = 2, PTRACE_PEEKUSER = 3,
        PTRACE_POKETEXT = 4, PTRACE_POKEDATA = 5, PTRACE_POKEUSER = 6, PTRACE_CONT = 7,
        PTRACE_KILL = 8, PTRACE_SINGLESTEP = 9, PTRACE_GETREGS = 0xc, PTRACE_SETREGS = 0xd,
        PTRACE_GETFPREGS = 0xe, PTRACE_SETFPREGS = 0xf, PTRACE_ATTACH = 0x10, PTRACE_DETACH = 0x11,
        PTRACE_SYSCALL = 0x18, PTRACE_SETOPTIONS = 0x4200, PTRACE_GETEVENTMSG = 0x4201,
        PTRACE_GETSIGINFO = 0x4202, PTRACE_SETSIGINFO = 0x4203, PTRACE_GETREGSET = 0x4204,
        PTRACE_SETREGSET = 0x4205, PTRACE_SEIZE = 0x4206, PTRACE_INTERRUPT = 0x4207,
        PTRACE_LISTEN = 0x4208,
    }

    /// Commands of `reboot(2)`.
    REBOOT {
        LINUX_REBOOT_CMD_RESTART = 0x1234567, LINUX_REBOOT_CMD_HALT = 0xcdef0123,
        LINUX_REBOOT_CMD_CAD_ON = 0x89abcdef, LINUX_REBOOT_CMD_CAD_OFF = 0,
        LINUX_REBOOT_CMD_POWER_OFF = 0x4321fedc, LINUX_REBOOT_CMD_RESTART2 = 0xa1b2c3d4,
    }
}

/// Flags of `clone(2)`: an exit signal and bits.
pub static CLONE_FLAGS: FlagSet = FlagSet {
    fields: &[BitField { mask: 0xff, values: super::signal::SIGNALS }],
    bits: CLONE_BITS,
    zero: "0",
    place: Place::Last,
};

/// Flags of `clone3(2)`, `unshare(2)` and `setns(2)`.
pub static UNSHARE_FLAGS: FlagSet = FlagSet::bits(CLONE_BITS);

/// Options of `wait4(2)` and `waitid(2)`; bit 1 is also `WUNTRACED`.
pub static WAIT_OPTIONS: FlagSet = FlagSet::bits(WAIT_BITS);

/// Operation of `futex(2)`.
pub static FUTEX_OP: FlagSet =
    FlagSet::with_fields(FUTEX_BITS, &[BitField { mask: 0xff, values: FUTEX_COMMANDS }]);

/// Flags of `futex_wait(2)`, `futex_wake(2)`.
pub static FUTEX2_FLAGS: FlagSet = FlagSet::bits(FUTEX2_BITS);

/// Flags of `getrandom(2)`.
pub static GETRANDOM_FLAGS: FlagSet = FlagSet::bits(GETRANDOM_BITS);

/// Flags of `rseq(2)`.
pub static RSEQ_FLAGS: FlagSet = FlagSet::bits(RSEQ_BITS);
