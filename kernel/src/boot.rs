//! Boot: from the parts that the binary made to a kernel with its first process.

use crate::cred::Cred;
use crate::env::Env;
use crate::error::Result;
use crate::fs::fdtable::FdTable;
use crate::fs::file::File;
use crate::fs::{FsContext, Mounts, Path};
use crate::inspect::{Deaths, Debug};
use crate::kernel::{Kernel, Uts, log};
use crate::mm::Mm;
use crate::mm::space::AddressSpace;
use crate::mm::strict::Strict;
use crate::sched::{Clock, Sched};
use crate::sigstate::{SIG_IGN, SigHandlers, SigQueue, SigSet};
use crate::syscall::misc::{RELEASE, VERSION, default_limits};
use crate::task::process::{Limits, Report, Usage};
use crate::task::table::Tables;
use crate::task::{AltStack, Process, Progress, Settings, State, Task};
use crate::tty::devices::Terminals;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use llano_machine::Context;
use llano_machine::clock::{self, Timers};
use llano_machine::overlay::View;
use llano_machine::requests::Requests;
use llano_machine::space::Windows;
use llano_trace::recorder::Recorder;

/// What a kernel is made of.
pub struct Parts {
    /// Surroundings of all nouns.
    pub env: Rc<Env>,
    /// The guest's address space.
    pub windows: Windows,
    /// The mount table, with the root mounted.
    pub mounts: Mounts,
    /// All terminals.
    pub terminals: Rc<Terminals>,
    /// The host's timers.
    pub host_timers: Timers,
    /// The trace ring.
    pub trace: Recorder,
    /// Requests of other threads.
    pub requests: Arc<Requests<Kernel>>,
    /// Bytes of RAM.
    pub ram: u64,
    /// Memory is as without an MMU.
    pub strict: Option<Box<Strict>>,
    /// Idle time is skipped.
    pub virtual_time: bool,
    /// The host name.
    pub hostname: Vec<u8>,
    /// Nanoseconds per TSC tick, times 2^32.
    pub tsc_mult: u64,
}

/// The first process.
pub struct First {
    /// Who it is.
    pub cred: Cred,
    /// Its working directory.
    pub cwd: Path,
    /// Its umask.
    pub umask: u32,
    /// Signals it ignores.
    pub ignored: SigSet,
    /// Descriptors 0, 1, 2; `None`: closed.
    pub stdio: [Option<Rc<File>>; 3],
    /// Arguments.
    pub argv: Vec<Vec<u8>>,
    /// Environment.
    pub envp: Vec<Vec<u8>>,
    /// Resource limits that differ from the defaults.
    pub limits: Option<Limits>,
}

/// The first process's number.
pub const FIRST: i32 = 1;

impl Kernel {
    /// A kernel without processes.
    pub fn new(parts: Parts) -> Box<Kernel> {
        let clock = Clock { virtual_time: parts.virtual_time, skipped: 0, host: Default::default() };
        let mut k = Box::new(Kernel {
            space: AddressSpace::new(&parts.windows),
            async_files: crate::syscall::sigio::AsyncFiles::new(&parts.env),
            env: parts.env,
            tables: Tables::new(parts.ram),
            sched: Sched::default(),
            timers: crate::timers::Timers::default(),
            futexes: crate::syscall::futex::Futexes::default(),
            mounts: parts.mounts,
            trace: parts.trace,
            unknown_calls: Vec::new(),
            call_counts: vec![0; 512],
            uts: Uts { nodename: parts.hostname, domainname: b"(none)".to_vec() },
            exit_status: None,
            powered_off: false,
            clock,
            ram: parts.ram,
            max_maps: llano_machine::host::max_maps() / 10 * 9,
            stop_requested: false,
            debug: Debug::default(),
            inject: crate::inject::Inject::default(),
            deaths: Deaths::default(),
            requests: parts.requests,
            irq: true,
            running: 0,
            slice: crate::sched::Slice::default(),
            charged_at: clock::tsc(),
            tsc_mult: parts.tsc_mult,
            host_timers: parts.host_timers,
            foreign_calls: 0,
            refused_forks: 0,
            terminals: parts.terminals,
            load: ([0; 3], 0),
            ticks: 0,
            baseline: llano_machine::host::resident_bytes(),
            reports: Vec::new(),
        });
        k.space.strict = parts.strict;
        k.load.1 = k.refresh_now();
        log!(k, INFO, "kernel", "Linux version {RELEASE} (llano) {VERSION}");
        k
    }

    /// Makes the first process, ready to execute `path`.
    ///
    /// # Errors
    /// Those of execve(2).
    pub fn start(&mut self, path: Path, filename: Vec<u8>, first: First) -> Result<()> {
        let mut sighand = SigHandlers::default();
        for signo in (1..=64).filter(|signo| first.ignored.has(*signo)) {
            sighand.get_mut(signo).handler = SIG_IGN;
        }
        let mut files = FdTable::default();
        for (n, file) in first.stdio.into_iter().enumerate() {
            if let Some(file) = file {
                files.replace(n as i32, file, false);
            }
        }
        let tid = self.tables.new_number()?;
        debug_assert_eq!(tid, FIRST);
        let fs = FsContext { root: self.mounts.root(), cwd: first.cwd, umask: first.umask };
        let now = self.now();
        self.tables.add_task(Box::new(Task {
            tid,
            pid: tid,
            comm: [0; 16],
            ctx: Context::new(),
            state: State::Runnable,
            wait: None,
            wait_key: None,
            call: None,
            progress: Progress::default(),
            mm: Rc::new(RefCell::new(Mm::default())),
            view: View::default(),
            files: Rc::new(RefCell::new(files)),
            fs: Rc::new(RefCell::new(fs)),
            sighand: Rc::new(RefCell::new(sighand)),
            sigmask: SigSet::default(),
            saved_sigmask: None,
            pending: SigQueue::default(),
            attention: false,
            altstack: AltStack::default(),
            cred: Rc::new(first.cred),
            clear_child_tid: 0,
            robust_list: 0,
            vfork_parent: None,
            nice: 0,
            policy: (0, 0),
            settings: Settings::default(),
            utime: 0,
            stime: 0,
            switches: (0, 0),
            fault: (0, 0, 0),
            calls: 0,
            started: now,
        }));
        self.tables.add_process(Box::new(Process {
            pid: tid,
            parent: 0,
            parent_thread: 0,
            collected: false,
            children: Vec::new(),
            threads: vec![tid],
            pgid: tid,
            sid: tid,
            tty: None,
            pending: SigQueue::default(),
            end: crate::ipc::pidfd::End::new(&self.env),
            child_wait: self.env.queue(),
            uid: 0,
            exit_status: None,
            last: None,
            oom_score_adj: 0,
            zombie: false,
            stopped: false,
            report: Report::None,
            exit_signal: crate::sigstate::sig::CHLD,
            limits: first.limits.unwrap_or_else(default_limits),
            exe: None,
            did_exec: false,
            subreaper: false,
            pdeath_signal: 0,
            dumpable: true,
            own_usage: Usage::default(),
            child_usage: Usage::default(),
            timers: crate::timers::ProcessTimers::default(),
            started: now,
        }));
        self.sched.push(tid);
        crate::syscall::traced::first_task(self, tid);
        crate::syscall::tty::lend_console(self, tid, &filename);
        let executed = crate::syscall::execve::exec(self, tid, path, filename, first.argv, first.envp);
        if executed.is_err() {
            self.exit_process(tid, 0);
        }
        executed
    }
}
