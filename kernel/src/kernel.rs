//! `struct Kernel`: the one owner of everything.

use crate::debug::{Deaths, Debug};
use crate::env::Env;
use crate::error::{Errno, Result};
use crate::mm::space::AddressSpace;
use crate::sched::Sched;
use crate::task::table::Tables;
use crate::task::{Pid, Process, Task};
use crate::tty::devices::Terminals;
use crate::wait::Tid;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use llano_machine::clock;
use llano_machine::journal::{self, Line};
use llano_machine::own;
use llano_machine::requests::Requests;
use llano_trace::record::BytesKind;
use llano_trace::recorder::Recorder;
use tracing::Level;
use tracing::level_filters::LevelFilter;

/// The kernel. One per host process; everything happens through `&mut Kernel` on the vCPU thread.
pub struct Kernel {
    /// Surroundings that nouns share.
    pub env: Rc<Env>,
    /// Tasks and processes.
    pub tables: Tables,
    /// Who runs next.
    pub sched: Sched,
    /// Who owns which part of the flat address space.
    pub space: AddressSpace,
    /// Sleeping and waiting with a deadline; timers.
    pub timers: crate::timers::Timers,
    /// Futex waiters by address.
    pub futexes: crate::syscall::futex::Futexes,
    /// Files that signal when they are ready.
    pub async_files: crate::syscall::sigio::AsyncFiles,
    /// What is mounted; the root.
    pub mounts: crate::fs::Mounts,
    /// The trace ring.
    pub trace: Recorder,
    /// Calls without a handler, by number: how often.
    pub unknown_calls: Vec<u32>,
    /// Calls by number: how often.
    pub call_counts: Vec<u64>,
    /// The system's names.
    pub uts: Uts,
    /// The first process's wait status, once it is over.
    pub exit_status: Option<i32>,
    /// reboot(2) was called: llano ends with status 0.
    pub powered_off: bool,
    /// Whether idle time is skipped (`--time virtual`).
    pub clock: crate::sched::Clock,
    /// Limits on memory.
    pub ram: u64,
    /// How many maps all address spaces may have together: what the host grants, less what llano needs itself.
    pub max_maps: usize,
    /// Somebody asked the loop to return; `debug` says who and why.
    pub stop_requested: bool,
    /// What a debugger told.
    pub debug: Debug,
    /// Rules that interfere with calls.
    pub inject: crate::inject::Inject,
    /// Deaths that somebody wants to see before they happen.
    pub deaths: Deaths,
    /// Requests of other threads.
    pub requests: Arc<Requests<Kernel>>,
    /// Something outside wants attention: look at the bell, the clock and the requests.
    pub irq: bool,
    /// The task whose registers were in the CPU last; 0 while idle.
    pub running: Tid,
    /// What the running task has of the CPU before another's turn.
    pub slice: crate::sched::Slice,
    /// TSC up to which CPU time is charged.
    pub charged_at: u64,
    /// Nanoseconds per TSC tick, times 2^32.
    pub tsc_mult: u64,
    /// The host's timers.
    pub host_timers: llano_machine::clock::Timers,
    /// `int 0x80` calls.
    pub foreign_calls: u64,
    /// Calls for a process with a copy of the memory.
    pub refused_forks: u64,
    /// All terminals.
    pub terminals: Rc<Terminals>,
    /// Run queue lengths averaged over 1, 5 and 15 minutes, times 2^16; when they were updated last.
    pub load: ([u64; 3], u64),
    /// Ticks so far.
    pub ticks: u64,
    /// Bytes that llano itself has resident; not counted as the guests'.
    pub baseline: u64,
    /// Sentences for the user, printed when llano ends.
    pub reports: Vec<String>,
}

/// uname(2).
#[derive(Debug, Clone)]
pub struct Uts {
    /// Host name.
    pub nodename: Vec<u8>,
    /// NIS domain name.
    pub domainname: Vec<u8>,
}

impl Kernel {
    /// The task `tid`, which the caller knows to exist (it runs, or a table named it just now).
    #[inline]
    #[track_caller]
    pub fn task(&self, tid: Tid) -> &Task {
        self.tables.task(tid).expect("the task exists")
    }

    /// See [`Kernel::task`].
    #[inline]
    #[track_caller]
    pub fn task_mut(&mut self, tid: Tid) -> &mut Task {
        self.tables.task_mut(tid).expect("the task exists")
    }

    /// The process of task `tid`.
    #[inline]
    #[track_caller]
    pub fn process_of(&self, tid: Tid) -> &Process {
        let pid = self.task(tid).pid;
        self.tables.process(pid).expect("a task has a process")
    }

    /// See [`Kernel::process_of`].
    #[inline]
    #[track_caller]
    pub fn process_of_mut(&mut self, tid: Tid) -> &mut Process {
        let pid = self.task(tid).pid;
        self.tables.process_mut(pid).expect("a task has a process")
    }

    /// The process `pid`, zombies included.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn process(&self, pid: Pid) -> Result<&Process> {
        self.tables.process(pid).ok_or(Errno::ESRCH)
    }

    /// Gives a task another name, cut to 15 bytes, and tells the trace.
    pub fn rename(&mut self, tid: Tid, name: &[u8]) {
        self.task_mut(tid).set_name(name);
        own::table::renamed(tid, &self.task(tid).comm);
        if self.trace.on() {
            let name = self.task(tid).comm;
            let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
            self.trace.bytes(clock::tsc(), tid as u32, BytesKind::Comm, 0, &name[..end]);
        }
    }

    /// The kernel's monotonic time, ns, as read at the edge.
    #[inline]
    pub fn now(&self) -> u64 {
        self.env.now.get()
    }

    /// A soft resource limit of the task's process.
    pub fn limit(&self, tid: Tid, which: usize) -> u64 {
        self.process_of(tid).limits[which].0
    }

    /// The file behind a descriptor of the task.
    #[inline]
    pub fn file(&self, tid: Tid, fd: i32) -> Result<Rc<crate::fs::file::File>> {
        self.task(tid).files.borrow().get(fd).cloned()
    }

    /// Puts a file into the task's lowest free descriptor.
    pub fn install(&mut self, tid: Tid, file: Rc<crate::fs::file::File>, cloexec: bool) -> Result<i32> {
        let limit = self.limit(tid, crate::task::process::rlimit::NOFILE);
        self.task(tid).files.borrow_mut().insert(file, cloexec, 0, limit)
    }

    /// Takes the lines that the subscriber of `tracing` left ([`journal`]).
    #[cold]
    pub fn take_lines(&mut self) {
        for line in journal::take() {
            self.keep(self.running as u32, line);
        }
    }

    /// Writes a line to the kernel log, and to the trace on behalf of task `tid` or 0.
    pub fn keep(&mut self, tid: u32, line: Line) {
        let Line { level, target, text } = line;
        if self.trace.on() {
            self.trace.log(clock::tsc(), tid, level.into(), target, &text);
        }
        self.env.log.push(self.now(), level.into(), target, text);
    }
}

/// Whether somebody listens at this level: one load.
#[inline]
pub(crate) fn said(level: Level) -> bool {
    level <= LevelFilter::current()
}

/// `log!(k, DEBUG, "exec", "task {} ...", t)` says something at a level of `tracing`, about one of the subjects that
/// [`crate::log::TARGETS`] lists. Where nobody listens at that level it is one load; else the subscriber runs, on the
/// host's side of the border. Not for hot paths.
macro_rules! log {
    ($k:expr, $level:ident, $target:literal, $($text:tt)+) => {
        if $crate::kernel::said(tracing::Level::$level) {
            llano_machine::on_host();
            tracing::event!(target: $target, tracing::Level::$level, $($text)+);
            $k.take_lines();
        }
    };
}
pub(crate) use log;
