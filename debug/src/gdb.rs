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
mod monitor;
mod resume;
mod threads;

use crate::arch::Amd64;
use crate::hooks::Own;
use gdbstub::target::ext::auxv::AuxvOps;
use gdbstub::target::ext::base::BaseOps;
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
use llano_kernel::inspect::{DebugStop, Requests, Resume};
use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

pub use monitor::Monitor;

/// How long the vCPU may take to answer: it does so between two instructions of a guest, or not at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// Errors that end a session: there are none, what fails is one packet's answer.
pub type Fatal = std::convert::Infallible;

/// Whether the user knows that breakpoints in llano's own code do not stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    NoNeed,
    Due,
    Done,
}

/// llano, for one debugger.
pub struct Target {
    requests: Arc<Requests<Kernel>>,
    monitor: Arc<Monitor>,
    /// What the next resume does, as the packets before it said.
    plan: Resume,
    /// The last stop; its thread is listed first.
    stop: Option<DebugStop>,
    stopped: Option<i32>,
    /// The task that packets without one mean.
    selected: Option<i32>,
    /// Objects that are read in pieces, as they were when the first piece was.
    libraries: RefCell<Vec<u8>>,
    threads: RefCell<Vec<u8>>,
    files: Vec<Option<host_io::OpenFile>>,
    /// llano's own code.
    own: Own,
    /// The user was told, or is to be told, that breakpoints in it do not stop.
    told: Told,
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
            threads: RefCell::default(),
            files: Vec::new(),
            own: Own::find(),
            told: Told::NoNeed,
        }
    }

    /// Has the vCPU run a closure and waits for what it gives.
    pub fn ask<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Kernel) -> R + Send + 'static,
    ) -> TargetResult<R, Self> {
        self.requests.ask(PATIENCE, f).ok_or(TargetError::NonFatal)
    }

    /// Leaves a request without waiting.
    pub fn post(&self, f: impl FnOnce(&mut Kernel) + Send + 'static) {
        self.requests.post(f);
    }

    /// Notes why the system stands still, and which thread stopped.
    pub fn note_stop(&mut self, stop: DebugStop, tid: i32) {
        self.stop = Some(stop);
        self.stopped = Some(tid);
        self.selected = Some(tid);
    }

    /// Packets mean this task from now on; `None`: that of the last stop, or any.
    pub fn select(&mut self, tid: Option<i32>) {
        self.selected = tid.or(self.stopped);
    }

    /// The task that packets without one mean.
    pub fn selected(&self) -> Option<i32> {
        self.selected
    }

    /// A sentence for gdb's console, to be sent while the system runs.
    pub fn notice(&mut self) -> Option<&'static str> {
        if self.told != Told::Due {
            return None;
        }
        self.told = Told::Done;
        Some("llano: breakpoints in the kernel's own code do not stop in this build; those in programs do.\n")
    }
}

/// An errno as gdb gets it.
fn errno<T>(e: Errno) -> TargetError<T> {
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
