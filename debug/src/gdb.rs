//! What `gdbstub` asks of llano, one file per extension of the protocol.
//!
//! Every answer comes from a closure that the vCPU runs ([`Target::ask`]); nothing of the kernel is kept here.

mod auxv;
mod base;
mod breakpoints;
mod catch;
mod description;
mod exec_file;
mod host_io;
mod libraries;
mod memory;
mod monitor;
mod resume;
mod threads;

use crate::arch::Amd64;
use crate::own::Own;
use gdbstub::target::ext::auxv::AuxvOps;
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::multithread::MultiThreadBase;
use gdbstub::target::ext::breakpoints::BreakpointsOps;
use gdbstub::target::ext::catch_syscalls::CatchSyscallsOps;
use gdbstub::target::ext::exec_file::ExecFileOps;
use gdbstub::target::ext::host_io::HostIoOps;
use gdbstub::target::ext::libraries::LibrariesSvr4Ops;
use gdbstub::target::ext::monitor_cmd::MonitorCmdOps;
use gdbstub::target::ext::target_description_xml_override::TargetDescriptionXmlOverrideOps;
use gdbstub::target::{TargetError, TargetResult};
use llano_kernel::Kernel;
use llano_kernel::error::Errno;
use llano_kernel::inspect::own::park;
use llano_kernel::inspect::{DebugStop, Requests, Resume, look};
use llano_kernel::mm::Image;
use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, TryRecvError, channel};
use std::time::{Duration, Instant};

pub use monitor::Monitor;

/// How long the vCPU may take to answer: it does so between two instructions of a guest, or not at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often who waits looks whether it parked meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// Errors that end a session: there are none, what fails is one packet's answer.
pub type Fatal = std::convert::Infallible;

/// llano, for one debugger.
pub struct Target {
    requests: Arc<Requests<Kernel>>,
    monitor: Arc<Monitor>,
    /// What the next resume does, as the packets before it said.
    plan: Resume,
    /// The last stop; its thread is listed first.
    stop: Option<DebugStop>,
    /// The thread that stopped.
    stopped: Option<i32>,
    /// The task that packets without one mean.
    selected: Option<i32>,
    /// Objects that are read in pieces, as they were when the first piece was.
    libraries: RefCell<Vec<u8>>,
    /// The images in the last list, in its order.
    pub(crate) listed: RefCell<Vec<Image>>,
    /// The object of this name, of those that [`packets`](crate::packets) serve.
    pub(crate) object: (Vec<u8>, Vec<u8>),
    /// Memory that may be asked for next.
    pub(crate) ahead: memory::Ahead,
    files: Vec<Option<host_io::OpenFile>>,
    /// llano's own code.
    pub(crate) own: Own,
}

impl Target {
    /// llano behind this slot for requests, and its monitor.
    pub fn new(requests: Arc<Requests<Kernel>>, monitor: Arc<Monitor>) -> Target {
        Target {
            requests,
            monitor,
            plan: Resume::default(),
            stop: None,
            stopped: None,
            selected: None,
            libraries: RefCell::default(),
            listed: RefCell::default(),
            object: Default::default(),
            ahead: memory::Ahead::default(),
            files: Vec::new(),
            own: Own::find(),
        }
    }

    /// Has the vCPU run a closure and waits for what it gives. While it is parked it answers nobody.
    pub fn ask<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Kernel) -> R + Send + 'static,
    ) -> TargetResult<R, Self> {
        self.ask_for(PATIENCE, f).ok_or(TargetError::NonFatal)
    }

    /// The same, for at most `patience`.
    pub(crate) fn ask_for<R: Send + 'static>(
        &self,
        patience: Duration,
        f: impl FnOnce(&mut Kernel) -> R + Send + 'static,
    ) -> Option<R> {
        if park::parked() {
            return None;
        }
        let (tx, rx) = channel();
        self.post(move |k| drop(tx.send(f(k))));
        let mut answer = Err(TryRecvError::Empty);
        look(|| {
            answer = rx.try_recv();
            !matches!(answer, Err(TryRecvError::Empty))
        });
        if let Ok(answer) = answer {
            return Some(answer);
        }
        let until = Instant::now() + patience;
        loop {
            match rx.recv_timeout(LOOK.min(patience)) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Timeout) if !park::parked() && Instant::now() < until => {}
                Err(_) => return None,
            }
        }
    }

    /// The host's number of the vCPU's thread.
    pub(crate) fn vcpu(&self) -> i32 {
        self.requests.door().tid()
    }

    /// Leaves a request without waiting.
    pub fn post(&self, f: impl FnOnce(&mut Kernel) + Send + 'static) {
        self.requests.post(f);
    }

    /// Notes why the system stands still, and which thread stopped.
    pub fn note_stop(&mut self, stop: DebugStop) {
        self.stop = Some(stop);
        self.stopped = Some(stop.tid());
        self.selected = Some(stop.tid());
    }

    /// Notes that it does so in llano's own code.
    pub(crate) fn note_parked(&mut self, tid: i32) {
        self.stop = None;
        self.stopped = Some(tid);
        self.selected = Some(tid);
    }

    /// Packets mean this task from now on; `None`: that of the last stop, or any.
    pub fn select(&mut self, tid: Option<i32>) {
        self.selected = tid.or(self.stopped);
    }

    /// The task that packets without one mean, if it was said.
    pub fn selected(&self) -> Option<i32> {
        self.selected
    }

    /// ... or else any.
    pub(crate) fn current(&self) -> Option<i32> {
        self.selected.or_else(|| self.ask(|k| k.any_task()).ok().flatten())
    }

    /// The last stop.
    pub(crate) fn stop(&self) -> Option<DebugStop> {
        self.stop
    }

    /// Reads memory as a task sees it; returns as much as there is, `None` if there is none.
    pub(crate) fn read(&mut self, tid: i32, addr: u64, len: usize) -> Option<Vec<u8>> {
        let mut data = vec![0; len];
        let tid = NonZeroUsize::new(tid as usize)?;
        let n = self.read_addrs(addr, &mut data, tid).ok()?;
        data.truncate(n);
        Some(data)
    }
}

/// An errno as gdb gets it.
pub(crate) fn errno<T>(e: Errno) -> TargetError<T> {
    TargetError::Errno(e.0 as u8)
}

/// A task's number, from gdb's; 0: too large to be one.
fn task(tid: NonZeroUsize) -> i32 {
    tid.get().try_into().unwrap_or(0)
}

/// Copies the piece of `object` at `offset` into `buf`.
fn piece(object: &[u8], offset: u64, length: usize, buf: &mut [u8]) -> usize {
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(object.len());
    let n = length.min(buf.len()).min(object.len() - from);
    buf[..n].copy_from_slice(&object[from..from + n]);
    n
}

impl gdbstub::target::Target for Target {
    type Arch = Amd64;
    type Error = Fatal;

    fn base_ops(&mut self) -> BaseOps<'_, Amd64, Fatal> {
        BaseOps::MultiThread(self)
    }

    // gdb would take a fork event for an inferior of its own and break the session.
    fn use_fork_stop_reason(&self) -> bool {
        false
    }

    fn use_vfork_stop_reason(&self) -> bool {
        false
    }

    fn use_vforkdone_stop_reason(&self) -> bool {
        false
    }

    fn use_lldb_register_info(&self) -> bool {
        false
    }

    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Self>> {
        Some(self)
    }

    fn support_catch_syscalls(&mut self) -> Option<CatchSyscallsOps<'_, Self>> {
        Some(self)
    }

    fn support_target_description_xml_override(
        &mut self,
    ) -> Option<TargetDescriptionXmlOverrideOps<'_, Self>> {
        Some(self)
    }

    fn support_monitor_cmd(&mut self) -> Option<MonitorCmdOps<'_, Self>> {
        Some(self)
    }

    fn support_libraries_svr4(&mut self) -> Option<LibrariesSvr4Ops<'_, Self>> {
        Some(self)
    }

    fn support_auxv(&mut self) -> Option<AuxvOps<'_, Self>> {
        Some(self)
    }

    fn support_exec_file(&mut self) -> Option<ExecFileOps<'_, Self>> {
        Some(self)
    }

    fn support_host_io(&mut self) -> Option<HostIoOps<'_, Self>> {
        Some(self)
    }
}
