//! Signals, timers, the run queue and the address space, for tools.

use crate::error::{Errno, Result};
use crate::kernel::Kernel;
use crate::mm::Backing;
use crate::sigstate::{SIG_DFL, SIG_IGN};
use crate::task::Pid;
use crate::timers::Due;
use crate::wait::Tid;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a task does with a signal. Those with the default action that are neither blocked nor pending are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalView {
    /// Its number.
    pub signo: i32,
    /// `default`, `ignore`, or `handler`.
    pub action: &'static str,
    /// The handler's address; 0 if there is none.
    pub handler: u64,
    /// The task blocks it.
    pub blocked: bool,
    /// It waits: `thread`, `process`, or nothing.
    pub pending: &'static str,
}

/// Something that happens at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerView {
    /// The task or process it is for.
    pub id: i32,
    /// `wake`, `itimer`, `timer N`.
    pub what: String,
    /// Nanoseconds until then.
    pub left_ns: u64,
    /// Its period, ns; 0: once.
    pub interval_ns: u64,
}

/// A task in the run queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedView {
    /// Its number.
    pub tid: Tid,
    /// Its name.
    pub comm: String,
    /// Its place: 0 runs.
    pub place: usize,
    /// Times it gave the CPU away by itself, and by the tick.
    pub switches: (u64, u64),
    /// CPU time, ns.
    pub cpu_ns: u64,
}

/// A run of addresses that belongs to one, or to nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionView {
    /// First byte.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// The processes that have something there (several: relatives after fork, or programs that take turns); none: a hole.
    pub owners: Vec<Pid>,
    /// The first owner's name.
    pub comm: String,
    /// What lies there, most by size first: files, `[heap]`, `[stack]`.
    pub what: String,
    /// Bytes of it that are mapped.
    pub mapped: u64,
    /// Bytes that are in memory.
    pub resident: u64,
}

/// Memory as a whole, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryView {
    /// What guests may use.
    pub ram: u64,
    /// What they use.
    pub used: u64,
    /// Of that, files in RAM, shared memory.
    pub pool: u64,
    /// The address space that nobody has.
    pub free_space: u64,
    /// The largest hole in it.
    pub largest_hole: u64,
    /// llano's own, the trace ring included.
    pub own: u64,
    /// Of that, the trace ring.
    pub trace: u64,
}

/// Views that lie this close together are one region.
const NEAR: u64 = 1 << 20;

impl Kernel {
    /// What a task does with signals.
    ///
    /// # Errors
    /// `ESRCH`; `EBUSY`: the kernel crashed while it changed them.
    pub fn view_signals(&self, tid: Tid) -> Result<Vec<SignalView>> {
        let task = self.tables.task(tid).ok_or(Errno::ESRCH)?;
        let shared = self.process_of(tid).pending.set;
        let handlers = task.sighand.try_borrow().map_err(|_| Errno::EBUSY)?;
        let view = |signo: i32| {
            let handler = handlers.get(signo).handler;
            SignalView {
                signo,
                action: match handler {
                    SIG_DFL => "default",
                    SIG_IGN => "ignore",
                    _ => "handler",
                },
                handler: if handler > SIG_IGN { handler } else { 0 },
                blocked: task.sigmask.has(signo),
                pending: match (task.pending.set.has(signo), shared.has(signo)) {
                    (true, _) => "thread",
                    (_, true) => "process",
                    _ => "",
                },
            }
        };
        let plain = |s: &SignalView| s.action == "default" && !s.blocked && s.pending.is_empty();
        Ok((1..=64).map(view).filter(|s| !plain(s)).collect())
    }

    /// Everything that waits for its time, earliest first.
    pub fn view_timers(&self) -> Vec<TimerView> {
        let now = self.now();
        let view = |(at, due): (u64, Due)| {
            let timers = |pid: Pid| self.process(pid).ok().map(|p| &p.timers);
            let (id, what, interval_ns) = match due {
                Due::Wake(tid) => {
                    let why = self.tables.task(tid).and_then(|t| t.wait.as_ref()).map(|w| w.why.to_string());
                    (tid, format!("wake ({})", why.unwrap_or_default()), 0)
                }
                Due::Itimer(pid) => (pid, "itimer".into(), timers(pid).map_or(0, |t| t.interval[0].interval)),
                Due::Posix(pid, id) => {
                    let timer = timers(pid).and_then(|t| t.posix.iter().find(|t| t.id == id));
                    (pid, format!("timer {id}"), timer.map_or(0, |t| t.interval))
                }
            };
            TimerView { id, what, left_ns: at.saturating_sub(now), interval_ns }
        };
        self.timers.iter().map(view).collect()
    }

    /// Who runs and who waits for the CPU, in their order.
    pub fn view_queue(&self) -> Vec<QueuedView> {
        let view = |(place, tid): (usize, Tid)| {
            let task = self.tables.task(tid)?;
            Some(QueuedView {
                tid,
                comm: String::from_utf8_lossy(task.name()).into_owned(),
                place,
                switches: task.switches,
                cpu_ns: task.utime + task.stime,
            })
        };
        let first = usize::from(self.sched.current.is_none());
        self.sched.iter().enumerate().filter_map(|(n, tid)| view((n + first, tid))).collect()
    }

    /// The address space from low to high: who has what, and the holes between.
    pub fn view_regions(&self) -> Vec<RegionView> {
        struct Part {
            end: u64,
            pid: Pid,
            name: String,
        }
        let mut parts: BTreeMap<(u64, Pid), Part> = BTreeMap::new();
        let mut seen: Vec<Rc<_>> = Vec::new();
        for task in self.tables.tasks() {
            if seen.iter().any(|mm| Rc::ptr_eq(mm, &task.mm)) {
                continue;
            }
            seen.push(task.mm.clone());
            let Ok(mm) = task.mm.try_borrow() else { continue };
            for vma in mm.vmas.values() {
                let name = match &vma.backing {
                    Backing::File(file, _) => self.file_text(file),
                    Backing::Anonymous => vma.label.to_string(),
                };
                parts.insert((vma.start, task.pid), Part { end: vma.end, pid: task.pid, name });
            }
        }
        let mut out: Vec<RegionView> = Vec::new();
        let mut names: Vec<BTreeMap<String, u64>> = Vec::new();
        let mut reached = 0;
        for ((start, _), part) in parts {
            let joins =
                out.last().is_some_and(|r| start < r.end || (r.owners == [part.pid] && start - r.end < NEAR));
            if !joins {
                out.push(RegionView {
                    start,
                    end: start,
                    owners: Vec::new(),
                    comm: self
                        .tables
                        .task(part.pid)
                        .map_or_else(String::new, |t| String::from_utf8_lossy(t.name()).into_owned()),
                    what: String::new(),
                    mapped: 0,
                    resident: 0,
                });
                names.push(BTreeMap::new());
                reached = start;
            }
            let (Some(region), Some(names)) = (out.last_mut(), names.last_mut()) else { continue };
            if !region.owners.contains(&part.pid) {
                region.owners.push(part.pid);
            }
            // What several have at the same place is counted once.
            let fresh = part.end.saturating_sub(start.max(reached));
            reached = reached.max(part.end);
            region.mapped += fresh;
            region.end = region.end.max(part.end);
            *names.entry(part.name).or_default() += fresh;
        }
        for (region, names) in out.iter_mut().zip(names) {
            region.resident = crate::oom::resident_range(region.start, region.end);
            let mut names: Vec<(String, u64)> =
                names.into_iter().filter(|(name, _)| !name.is_empty()).collect();
            names.sort_by_key(|named| core::cmp::Reverse(named.1));
            let shown: Vec<String> = names.into_iter().take(3).map(|(name, _)| name).collect();
            region.what = shown.join(", ");
        }
        let hole = |(start, len): (u64, u64)| RegionView {
            start,
            end: start + len,
            owners: Vec::new(),
            comm: String::new(),
            what: String::new(),
            mapped: 0,
            resident: 0,
        };
        out.extend(self.space.holes().map(hole));
        out.sort_by_key(|r| (r.start, r.end));
        out
    }

    /// Memory as a whole.
    pub fn view_memory(&self) -> MemoryView {
        let (free_space, largest_hole) = self.space.free_bytes();
        let trace = self.trace.memory();
        MemoryView {
            ram: self.ram,
            used: self.used_ram(),
            pool: self.env.pool.borrow().used(),
            free_space,
            largest_hole,
            own: self.baseline + trace,
            trace,
        }
    }
}
