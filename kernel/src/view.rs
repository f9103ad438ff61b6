//! What tools may see of tasks and memory: plain data, copied out at a consistent point. Pausing, for tools.

pub mod files;
pub mod search;
pub mod states;

pub use files::{FdView, HolderView, MountView, PipeView, SocketView};
pub use search::Search;
pub use states::{MemoryView, QueuedView, RegionView, SignalView, TimerView};

use crate::error::{Errno, Result};
use crate::kernel::Kernel;
use crate::mm::Backing;
use crate::task::{Pid, State, Task};
use crate::wait::{Tid, Why};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use llano_machine::patch;
use llano_machine::space::{EXEC, READ, WRITE};

/// A task, or a process that is over but not yet waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskView {
    /// Its number.
    pub tid: Tid,
    /// Its process.
    pub pid: Pid,
    /// The parent of its process; 0 for the first.
    pub ppid: Pid,
    /// Its name.
    pub comm: String,
    /// `running`, `ready`, `waiting`, `stopped`, `frozen`, `zombie`.
    pub state: &'static str,
    /// The number of the call it is in.
    pub call: Option<usize>,
    /// What it waits for: `read fd 0 /dev/pts/0`, `sleep, 1.250 s left`; empty if it does not.
    pub waits_for: String,
    /// CPU time, guest and kernel together, nanoseconds.
    pub cpu_ns: u64,
    /// System calls made.
    pub calls: u64,
    /// Bytes of its address space, which its threads share.
    pub mapped: u64,
    /// The part of it that is in memory.
    pub resident: u64,
}

/// A view of memory: a line of /proc/PID/maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmaView {
    /// First byte.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// `rwxp` as in proc(5).
    pub perms: String,
    /// Where it begins in the file.
    pub offset: u64,
    /// Bytes of it that are in memory.
    pub resident: u64,
    /// The file, `[heap]`, `[stack]`, or nothing.
    pub name: String,
}

/// A `syscall` instruction of a guest that was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteView {
    /// Its address.
    pub addr: u64,
    /// The file and the offset in it, `/lib/libc.so.6+0x1234`; empty if no file is mapped there (any more).
    pub place: String,
    /// Why every call from here is a host signal; `None`: the site is patched, and none is.
    pub trap: Option<&'static str>,
    /// How many calls were caught this way.
    pub hits: u64,
}

impl Kernel {
    /// The sites that were patched, or tried.
    pub fn view_sites(&self) -> Vec<SiteView> {
        let view = |site: &patch::Info| SiteView {
            addr: site.addr,
            place: self.file_at(site.addr).unwrap_or_default(),
            trap: match site.kind {
                patch::Kind::Patched => None,
                patch::Kind::Trap(reason) => Some(reason.text()),
            },
            hits: site.hits,
        };
        patch::sites().iter().map(view).collect()
    }

    /// The file that some task has mapped at an address, with the offset.
    fn file_at(&self, addr: u64) -> Option<String> {
        self.tables.tasks().find_map(|task| {
            let mm = task.mm.try_borrow().ok()?;
            let vma = mm.find(addr)?;
            let Backing::File(file, offset) = &vma.backing else { return None };
            let name = file.path.as_ref().map_or_else(|| file.ops().label(), |p| self.path_text(p));
            Some(format!("{name}+{:#x}", addr - vma.start + offset))
        })
    }

    /// All tasks and zombies, by number.
    pub fn view_tasks(&mut self) -> Vec<TaskView> {
        // While tasks stand still nobody uses the CPU.
        if !(self.debug.paused || self.debug.held) {
            self.charge_current();
        }
        let mut views: Vec<TaskView> = self.tables.tasks().map(|t| self.view_task(t)).collect();
        for p in self.tables.processes().filter(|p| p.zombie) {
            let gone = TaskView {
                tid: p.pid,
                pid: p.pid,
                ppid: p.parent,
                comm: String::new(),
                state: "zombie",
                call: None,
                waits_for: format!("its parent {}", p.parent),
                cpu_ns: p.own_usage.utime + p.own_usage.stime,
                calls: 0,
                mapped: 0,
                resident: 0,
            };
            match views.iter_mut().find(|v| v.tid == p.pid) {
                Some(view) => {
                    *view = TaskView { comm: core::mem::take(&mut view.comm), calls: view.calls, ..gone }
                }
                None => views.push(gone),
            }
        }
        views.sort_by_key(|v| v.tid);
        views
    }

    fn view_task(&self, task: &Task) -> TaskView {
        // Nothing is known of memory that was being changed when the kernel crashed; here and below.
        let mm = task.mm.try_borrow().ok();
        TaskView {
            tid: task.tid,
            pid: task.pid,
            ppid: self.process(task.pid).map_or(0, |p| p.parent),
            comm: String::from_utf8_lossy(task.name()).into_owned(),
            state: match task.state {
                _ if self.debug.held_back.contains(&task.tid) => "frozen",
                State::Runnable if self.running == task.tid => "running",
                State::Runnable => "ready",
                State::Blocked => "waiting",
                State::Stopped => "stopped",
                State::Frozen => "frozen",
                State::Dead => "zombie",
            },
            call: task.call.map(|c| c.nr),
            waits_for: self.view_wait(task),
            cpu_ns: task.utime + task.stime,
            calls: task.calls,
            mapped: mm.as_ref().map_or(0, |mm| mm.size()),
            resident: mm.as_ref().map_or(0, |mm| crate::oom::resident(mm)),
        }
    }

    /// What a task waits for, with the file behind a descriptor and the time that is left.
    fn view_wait(&self, task: &Task) -> String {
        let Some(wait) = &task.wait else { return String::new() };
        let mut text = wait.why.to_string();
        if let Why::Read(fd) | Why::Write(fd) | Why::Lock(fd) = wait.why
            && let Ok(files) = task.files.try_borrow()
            && let Ok(file) = files.get(fd)
        {
            let name = file.path.as_ref().map(|p| self.path_text(p));
            text = format!("{text} {}", name.unwrap_or_else(|| file.ops().label()));
        }
        if let Some(at) = wait.deadline {
            let left = at.saturating_sub(self.now()) / 1_000_000;
            text = format!("{text}, {}.{:03} s left", left / 1000, left % 1000);
        }
        text
    }

    /// What is mapped in the address space of a task, by address.
    ///
    /// # Errors
    /// `ESRCH`; `EBUSY`: the kernel crashed while it changed it.
    pub fn view_maps(&self, tid: Tid) -> Result<Vec<VmaView>> {
        let task = self.tables.task(tid).ok_or(Errno::ESRCH)?;
        let mm = task.mm.try_borrow().map_err(|_| Errno::EBUSY)?;
        let bit = |on: bool, c: char| if on { c } else { '-' };
        let view = |vma: &crate::mm::Vma| {
            let (offset, name) = match &vma.backing {
                Backing::Anonymous => (0, vma.label.to_string()),
                Backing::File(file, offset) => {
                    (*offset, file.path.as_ref().map_or_else(|| file.ops().label(), |p| self.path_text(p)))
                }
            };
            VmaView {
                start: vma.start,
                end: vma.end,
                perms: [
                    bit(vma.prot & READ != 0, 'r'),
                    bit(vma.prot & WRITE != 0, 'w'),
                    bit(vma.prot & EXEC != 0, 'x'),
                    self.space.sharing_letter(vma),
                ]
                .iter()
                .collect(),
                offset,
                resident: crate::oom::resident_range(vma.start, vma.end),
                name,
            }
        };
        Ok(mm.vmas.values().map(view).collect())
    }

    fn path_text(&self, path: &crate::fs::Path) -> String {
        String::from_utf8_lossy(&path.to_bytes(&self.mounts.root())).into_owned()
    }

    /// Makes the loop return with [`Stop::Paused`](crate::run::Stop::Paused): tasks stand still until
    /// [`Kernel::unpause`].
    pub fn pause(&mut self) {
        if !(self.debug.paused || self.debug.held) {
            self.charge_current();
        }
        self.debug.paused = true;
        self.stop_requested = true;
    }

    /// Ends a pause.
    pub fn unpause(&mut self) {
        self.debug.paused = false;
    }

    /// Ends the system as a power-off does: llano's status is 0.
    pub fn power_off(&mut self) {
        self.powered_off = true;
        self.exit_status = Some(0);
        self.debug.paused = false;
        self.debug.held = false;
    }
}
