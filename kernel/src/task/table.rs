//! All tasks and processes, by number.

use super::{Pid, Process, Task};
use crate::error::{Errno, Result};
use crate::wait::Tid;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Numbers go up to this and start again (`/proc/sys/kernel/pid_max`).
pub const PID_MAX: i32 = 32768;

/// The number that is the kernel's own on every Linux (`kthreadd`): tools take a process 2 for it, so none is given.
pub const KTHREADD: i32 = 2;

/// The tables: arrays, for a look-up in two loads.
#[derive(Default)]
pub struct Tables {
    tasks: Vec<Option<Box<Task>>>,
    procs: Vec<Option<Box<Process>>>,
    last: i32,
    count: usize,
    /// How many tasks there may be (`/proc/sys/kernel/threads-max`).
    pub max: usize,
}

impl Tables {
    /// Tables for a machine with `ram` bytes: as many tasks as Linux grants, a megabyte each for eight of them.
    pub fn new(ram: u64) -> Tables {
        Tables { max: (ram / (128 << 10)).clamp(64, PID_MAX as u64 - 400) as usize, ..Tables::default() }
    }

    /// A number that no task, process, group or session has.
    ///
    /// # Errors
    /// `EAGAIN`: all are taken.
    pub fn new_number(&mut self) -> Result<i32> {
        if self.count >= self.max {
            return Err(Errno::EAGAIN);
        }
        for _ in 0..PID_MAX {
            self.last = if self.last + 1 >= PID_MAX { 300 } else { self.last + 1 };
            let n = self.last;
            let used = n == KTHREADD
                || self.task(n).is_some()
                || self.process(n).is_some()
                || self.processes().any(|p| p.pgid == n || p.sid == n);
            if !used {
                return Ok(n);
            }
        }
        Err(Errno::EAGAIN)
    }

    /// Adds a task.
    pub fn add_task(&mut self, task: Box<Task>) {
        let at = task.tid as usize;
        if at >= self.tasks.len() {
            self.tasks.resize_with(at + 1, || None);
        }
        self.tasks[at] = Some(task);
        self.count += 1;
    }

    /// Adds a process.
    pub fn add_process(&mut self, process: Box<Process>) {
        let at = process.pid as usize;
        if at >= self.procs.len() {
            self.procs.resize_with(at + 1, || None);
        }
        self.procs[at] = Some(process);
    }

    /// Removes a task.
    pub fn remove_task(&mut self, tid: Tid) -> Option<Box<Task>> {
        let task = self.tasks.get_mut(tid as usize).and_then(Option::take);
        self.count -= usize::from(task.is_some());
        task
    }

    /// Removes a process.
    pub fn remove_process(&mut self, pid: Pid) -> Option<Box<Process>> {
        self.procs.get_mut(pid as usize).and_then(Option::take)
    }

    /// A task, if the number is one.
    #[inline]
    pub fn task(&self, tid: Tid) -> Option<&Task> {
        self.tasks.get(tid as usize).and_then(Option::as_deref)
    }

    /// A task, to change.
    #[inline]
    pub fn task_mut(&mut self, tid: Tid) -> Option<&mut Task> {
        self.tasks.get_mut(tid as usize).and_then(Option::as_deref_mut)
    }

    /// A process, if the number is one.
    #[inline]
    pub fn process(&self, pid: Pid) -> Option<&Process> {
        self.procs.get(pid as usize).and_then(Option::as_deref)
    }

    /// A process, to change.
    #[inline]
    pub fn process_mut(&mut self, pid: Pid) -> Option<&mut Process> {
        self.procs.get_mut(pid as usize).and_then(Option::as_deref_mut)
    }

    /// All tasks, by number.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter_map(Option::as_deref)
    }

    /// All processes, by number.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.procs.iter().filter_map(Option::as_deref)
    }

    /// How many tasks there are.
    pub fn count(&self) -> usize {
        self.count
    }
}
