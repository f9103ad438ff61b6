//! The system call table, as data: number, handler, how far it is supported, and the caveat on the same line.
//!
//! To add a call: one row here (or in the subject's list below), one handler, one program in `tests/guest`.
//! Names and argument kinds are in `llano_abi::syscalls`. `llano syscalls` prints this table.

pub mod fs;
pub mod ipc;

use super::{
    Handler, clone, execve, exit, futex, ids, ioctl, mem, misc, pidfd, prctl, process_vm, sched, sigcalls,
    syslog, timercalls, times, wait,
};
use Support::{Full, Partial, Refused};
use llano_abi::syscalls::nr;

/// How far a call is supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// As the man page says.
    Full,
    /// With the row's caveat.
    Partial,
    /// Known and refused, with the row's reason.
    Refused,
}

impl Support {
    /// The word `llano syscalls` prints.
    pub fn name(self) -> &'static str {
        match self {
            Full => "full",
            Partial => "partial",
            Refused => "refused",
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy)]
pub struct Row {
    /// Number.
    pub nr: usize,
    /// Handler.
    pub handler: Handler,
    /// How far.
    pub support: Support,
    /// What is missing, or why it is refused.
    pub caveat: &'static str,
}

/// A row.
pub const fn row(nr: usize, handler: Handler, support: Support, caveat: &'static str) -> Row {
    Row { nr, handler, support, caveat }
}

/// Rows of tasks, signals, memory, time and identity; files and IPC have lists of their own.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    row(nr::MMAP, mem::sys_mmap, Full, "with --strict-nommu no MAP_FIXED, copies of files, contiguous memory"),
    row(nr::MPROTECT, mem::sys_mprotect, Full, "ENOSYS with --strict-nommu"),
    row(nr::MUNMAP, mem::sys_munmap, Full, "with --strict-nommu one view at a time, of files all of it"),
    row(nr::BRK, mem::sys_brk, Partial, "the heap ends after 256 MiB; allocators go on with mmap; no heap with --strict-nommu"),
    row(nr::MREMAP, mem::sys_mremap, Partial, "no MREMAP_DONTUNMAP, no duplication of shared maps by old size 0; with --strict-nommu only within what was mapped"),
    row(nr::MSYNC, mem::sys_msync, Full, "ENOSYS with --strict-nommu"),
    row(nr::MINCORE, mem::sys_mincore, Full, "ENOSYS with --strict-nommu"),
    row(nr::MADVISE, mem::sys_madvise, Partial, "advice that changes nothing visible is ignored; ENOSYS with --strict-nommu"),
    row(nr::MLOCK, mem::sys_mlock, Partial, "memory stays as the host keeps it; ENOSYS with --strict-nommu"),
    row(nr::MLOCK2, mem::sys_mlock, Partial, "memory stays as the host keeps it; ENOSYS with --strict-nommu"),
    row(nr::MUNLOCK, mem::sys_mlock, Partial, "memory stays as the host keeps it; ENOSYS with --strict-nommu"),
    row(nr::MLOCKALL, mem::sys_mlockall, Partial, "memory stays as the host keeps it; ENOSYS with --strict-nommu"),
    row(nr::MUNLOCKALL, mem::sys_munlockall, Partial, "memory stays as the host keeps it; ENOSYS with --strict-nommu"),
    row(nr::MEMBARRIER, mem::sys_membarrier, Partial, "no barriers for restartable sequences"),
    row(nr::PROCESS_VM_READV, process_vm::sys_process_vm_readv, Full, "ENOSYS with --strict-nommu"),
    row(nr::PROCESS_VM_WRITEV, process_vm::sys_process_vm_writev, Full, "ENOSYS with --strict-nommu"),
    row(nr::RT_SIGACTION, sigcalls::sys_rt_sigaction, Full, ""),
    row(nr::RT_SIGPROCMASK, sigcalls::sys_rt_sigprocmask, Full, ""),
    row(nr::RT_SIGRETURN, sigcalls::sys_rt_sigreturn, Full, ""),
    row(nr::RT_SIGPENDING, sigcalls::sys_rt_sigpending, Full, ""),
    row(nr::RT_SIGTIMEDWAIT, sigcalls::sys_rt_sigtimedwait, Full, ""),
    row(nr::RT_SIGQUEUEINFO, sigcalls::sys_rt_sigqueueinfo, Full, ""),
    row(nr::RT_TGSIGQUEUEINFO, sigcalls::sys_rt_tgsigqueueinfo, Full, ""),
    row(nr::RT_SIGSUSPEND, sigcalls::sys_rt_sigsuspend, Full, ""),
    row(nr::SIGALTSTACK, sigcalls::sys_sigaltstack, Full, ""),
    row(nr::PAUSE, sigcalls::sys_pause, Full, ""),
    row(nr::KILL, sigcalls::sys_kill, Full, ""),
    row(nr::TKILL, sigcalls::sys_tkill, Full, ""),
    row(nr::TGKILL, sigcalls::sys_tgkill, Full, ""),
    row(nr::CLONE, clone::sys_clone, Partial, "no namespaces; with --strict-nommu only with CLONE_VM"),
    row(nr::CLONE3, clone::sys_clone3, Partial, "no namespaces, no set_tid; with --strict-nommu only with CLONE_VM"),
    row(nr::FORK, clone::sys_fork, Partial, "EINVAL with --strict-nommu"),
    row(nr::VFORK, clone::sys_vfork, Full, ""),
    row(nr::EXECVE, execve::sys_execve, Partial, "set-user-ID bits are ignored; one program linked to fixed addresses at a time"),
    row(nr::EXECVEAT, execve::sys_execveat, Partial, "as execve"),
    row(nr::EXIT, exit::sys_exit, Full, ""),
    row(nr::EXIT_GROUP, exit::sys_exit_group, Full, ""),
    row(nr::WAIT4, wait::sys_wait4, Full, ""),
    row(nr::WAITID, wait::sys_waitid, Full, ""),
    row(nr::PIDFD_OPEN, pidfd::sys_pidfd_open, Partial, "no PIDFD_THREAD"),
    row(nr::PIDFD_SEND_SIGNAL, pidfd::sys_pidfd_send_signal, Full, ""),
    row(nr::SET_TID_ADDRESS, clone::sys_set_tid_address, Full, ""),
    row(nr::FUTEX, futex::sys_futex, Partial, "no priority inheritance operations"),
    row(nr::SET_ROBUST_LIST, futex::sys_set_robust_list, Full, ""),
    row(nr::GET_ROBUST_LIST, futex::sys_get_robust_list, Full, ""),
    row(nr::GETPID, ids::sys_getpid, Full, ""),
    row(nr::GETTID, ids::sys_gettid, Full, ""),
    row(nr::GETPPID, ids::sys_getppid, Full, ""),
    row(nr::GETPGID, ids::sys_getpgid, Full, ""),
    row(nr::GETPGRP, ids::sys_getpgrp, Full, ""),
    row(nr::SETPGID, ids::sys_setpgid, Full, ""),
    row(nr::GETSID, ids::sys_getsid, Full, ""),
    row(nr::SETSID, ids::sys_setsid, Full, ""),
    row(nr::GETUID, ids::sys_getuid, Full, ""),
    row(nr::GETEUID, ids::sys_geteuid, Full, ""),
    row(nr::GETGID, ids::sys_getgid, Full, ""),
    row(nr::GETEGID, ids::sys_getegid, Full, ""),
    row(nr::SETUID, ids::sys_setuid, Full, ""),
    row(nr::SETGID, ids::sys_setgid, Full, ""),
    row(nr::SETREUID, ids::sys_setreuid, Full, ""),
    row(nr::SETREGID, ids::sys_setregid, Full, ""),
    row(nr::SETRESUID, ids::sys_setresuid, Full, ""),
    row(nr::SETRESGID, ids::sys_setresgid, Full, ""),
    row(nr::GETRESUID, ids::sys_getresuid, Full, ""),
    row(nr::GETRESGID, ids::sys_getresgid, Full, ""),
    row(nr::SETFSUID, ids::sys_setfsuid, Full, ""),
    row(nr::SETFSGID, ids::sys_setfsgid, Full, ""),
    row(nr::GETGROUPS, ids::sys_getgroups, Full, ""),
    row(nr::SETGROUPS, ids::sys_setgroups, Full, ""),
    row(nr::CAPGET, ids::sys_capget, Partial, "effective user 0 has all capabilities, others none"),
    row(nr::CAPSET, ids::sys_capset, Partial, "checked, but capabilities go by the user alone"),
    row(nr::CLOCK_GETTIME, times::sys_clock_gettime, Full, ""),
    row(nr::CLOCK_GETRES, times::sys_clock_getres, Full, ""),
    row(nr::CLOCK_SETTIME, times::sys_clock_settime, Partial, "EPERM: the time of day is the host's"),
    row(nr::SETTIMEOFDAY, times::sys_settimeofday, Partial, "EPERM: the time of day is the host's"),
    row(nr::ADJTIMEX, times::sys_adjtimex, Partial, "reads an undisciplined clock; changes: EPERM, the time of day is the host's"),
    row(nr::CLOCK_ADJTIME, times::sys_clock_adjtime, Partial, "as adjtimex"),
    row(nr::CLOCK_NANOSLEEP, times::sys_clock_nanosleep, Partial, "not on CPU time clocks"),
    row(nr::NANOSLEEP, times::sys_nanosleep, Full, ""),
    row(nr::GETTIMEOFDAY, times::sys_gettimeofday, Full, ""),
    row(nr::TIME, times::sys_time, Full, ""),
    row(nr::TIMES, times::sys_times, Full, ""),
    row(nr::GETRUSAGE, times::sys_getrusage, Partial, "times, switches and the largest resident set seen; the rest is 0"),
    row(nr::GETITIMER, timercalls::sys_getitimer, Full, ""),
    row(nr::SETITIMER, timercalls::sys_setitimer, Full, ""),
    row(nr::ALARM, timercalls::sys_alarm, Full, ""),
    row(nr::TIMER_CREATE, timercalls::sys_timer_create, Full, ""),
    row(nr::TIMER_SETTIME, timercalls::sys_timer_settime, Full, ""),
    row(nr::TIMER_GETTIME, timercalls::sys_timer_gettime, Full, ""),
    row(nr::TIMER_GETOVERRUN, timercalls::sys_timer_getoverrun, Full, ""),
    row(nr::TIMER_DELETE, timercalls::sys_timer_delete, Full, ""),
    row(nr::IOCTL, ioctl::sys_ioctl, Partial, "terminals, descriptors and what pipes and sockets know"),
    row(nr::UNAME, misc::sys_uname, Full, ""),
    row(nr::SETHOSTNAME, misc::sys_sethostname, Full, ""),
    row(nr::SETDOMAINNAME, misc::sys_setdomainname, Full, ""),
    row(nr::SYSINFO, misc::sys_sysinfo, Full, ""),
    row(nr::GETRANDOM, misc::sys_getrandom, Full, ""),
    row(nr::GETCPU, misc::sys_getcpu, Full, ""),
    row(nr::ARCH_PRCTL, misc::sys_arch_prctl, Partial, "FS and GS base"),
    row(nr::PRCTL, prctl::sys_prctl, Partial, "what concerns names, parents and privileges; PR_SET_KEEPCAPS is kept, but other users never have capabilities"),
    row(nr::GETRLIMIT, misc::sys_getrlimit, Full, ""),
    row(nr::SETRLIMIT, misc::sys_setrlimit, Full, ""),
    row(nr::PRLIMIT64, misc::sys_prlimit64, Full, ""),
    row(nr::SCHED_YIELD, sched::sys_sched_yield, Full, ""),
    row(nr::SCHED_GETAFFINITY, sched::sys_sched_getaffinity, Full, ""),
    row(nr::SCHED_SETAFFINITY, sched::sys_sched_setaffinity, Partial, "there is one CPU"),
    row(nr::SCHED_GET_PRIORITY_MAX, sched::sys_sched_get_priority_max, Full, ""),
    row(nr::SCHED_GET_PRIORITY_MIN, sched::sys_sched_get_priority_min, Full, ""),
    row(nr::SCHED_SETSCHEDULER, sched::sys_sched_setscheduler, Partial, "kept and reported; all tasks are scheduled alike"),
    row(nr::SCHED_GETSCHEDULER, sched::sys_sched_getscheduler, Full, ""),
    row(nr::SCHED_SETPARAM, sched::sys_sched_setparam, Partial, "kept and reported; all tasks are scheduled alike"),
    row(nr::SCHED_GETPARAM, sched::sys_sched_getparam, Full, ""),
    row(nr::SCHED_RR_GET_INTERVAL, sched::sys_sched_rr_get_interval, Full, ""),
    row(nr::GETPRIORITY, sched::sys_getpriority, Full, ""),
    row(nr::SETPRIORITY, sched::sys_setpriority, Partial, "kept and reported; all tasks are scheduled alike"),
    row(nr::SCHED_GETATTR, sched::sys_sched_getattr, Full, ""),
    row(nr::SCHED_SETATTR, sched::sys_sched_setattr, Partial, "kept and reported; no SCHED_DEADLINE, no utilization hints"),
    row(nr::IOPRIO_GET, sched::sys_ioprio_get, Full, ""),
    row(nr::IOPRIO_SET, sched::sys_ioprio_set, Partial, "kept and reported; the host orders what reaches its disks"),
    row(nr::SYSLOG, syslog::sys_syslog, Partial, "what goes to a console cannot be chosen: nothing does"),
    row(nr::REBOOT, misc::sys_reboot, Partial, "power off, halt and restart end llano"),
    row(nr::PERSONALITY, prctl::sys_personality, Partial, "plain Linux; ADDR_NO_RANDOMIZE, which always holds"),
    row(nr::PTRACE, misc::sys_refused, Refused, "use --gdb: one debugger for the kernel and all tasks"),
    row(nr::SWAPON, misc::sys_privileged, Refused, "memory is never swapped here"),
    row(nr::SWAPOFF, misc::sys_privileged, Refused, "memory is never swapped here"),
    row(nr::ACCT, misc::sys_privileged, Refused, "--trace tells more"),
    row(nr::VHANGUP, misc::sys_privileged, Refused, "closing a pty's master hangs up"),
    row(nr::INIT_MODULE, misc::sys_privileged, Refused, "there are no modules"),
    row(nr::FINIT_MODULE, misc::sys_privileged, Refused, "there are no modules"),
    row(nr::DELETE_MODULE, misc::sys_privileged, Refused, "there are no modules"),
    row(nr::IOPL, misc::sys_privileged, Refused, "the ports are the host's"),
    row(nr::IOPERM, misc::sys_privileged, Refused, "the ports are the host's"),
    row(nr::RSEQ, misc::sys_refused, Refused, "C libraries do without"),
];

/// The lists that make up the table.
const LISTS: [&[Row]; 3] = [ROWS, fs::ROWS, ipc::ROWS];

const SIZE: usize = 512;

/// The table by number, made at compile time.
static TABLE: [Option<Row>; SIZE] = build();

const fn build() -> [Option<Row>; SIZE] {
    let mut table = [None; SIZE];
    let mut l = 0;
    while l < LISTS.len() {
        let mut i = 0;
        while i < LISTS[l].len() {
            let row = LISTS[l][i];
            assert!(table[row.nr].is_none(), "two rows for one system call");
            table[row.nr] = Some(row);
            i += 1;
        }
        l += 1;
    }
    table
}

/// The handler of a call.
#[inline]
pub fn handler(nr: usize) -> Option<Handler> {
    match TABLE.get(nr) {
        Some(Some(row)) => Some(row.handler),
        _ => None,
    }
}

/// All rows, by number.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().flatten()
}
