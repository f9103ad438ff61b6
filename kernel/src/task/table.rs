//! All tasks and processes, by number.

use super::{Pid, Process, Task};
use crate::error::{Errno, Result};
use crate::wait::Tid;
use alloc::boxed::Box;
use alloc::vec::Vec;
use llano_machine::own::table as own;

/// Numbers go up to this and start again (`/proc/sys/kernel/pid_max`).
pub const PID_MAX: i32 = 32768;

/// The number that is the kernel's own on every Linux (`kthreadd`): tools take a process 2 for it, so none is given.
pub const KTHREADD: i32 = 2;

/// Things by number: an array, for a look-up in two loads, and the numbers in use, in order.
struct Slots<T> {
    slots: Vec<Option<Box<T>>>,
    used: Vec<i32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots { slots: Vec::new(), used: Vec::new() }
    }
}

impl<T> Slots<T> {
    fn add(&mut self, number: i32, thing: Box<T>) {
        let at = number as usize;
        if at >= self.slots.len() {
            self.slots.resize_with(at + 1, || None);
        }
        self.slots[at] = Some(thing);
        if let Err(place) = self.used.binary_search(&number) {
            self.used.insert(place, number);
        }
    }

    fn remove(&mut self, number: i32) -> Option<Box<T>> {
        let thing = self.slots.get_mut(number as usize)?.take()?;
        if let Ok(place) = self.used.binary_search(&number) {
            self.used.remove(place);
        }
        Some(thing)
    }

    #[inline]
    fn get(&self, number: i32) -> Option<&T> {
        self.slots.get(number as usize).and_then(Option::as_deref)
    }

    #[inline]
    fn get_mut(&mut self, number: i32) -> Option<&mut T> {
        self.slots.get_mut(number as usize).and_then(Option::as_deref_mut)
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.used.iter().filter_map(|n| self.get(*n))
    }
}

/// The tables.
#[derive(Default)]
pub struct Tables {
    tasks: Slots<Task>,
    procs: Slots<Process>,
    last: i32,
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
        if self.count() >= self.max {
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
        own::born(task.tid, task.pid, &task.comm, &task.ctx);
        own::set_state(task.tid, task.state as u32);
        self.tasks.add(task.tid, task);
    }

    /// Adds a process.
    pub fn add_process(&mut self, process: Box<Process>) {
        self.procs.add(process.pid, process);
    }

    /// Removes a task.
    pub fn remove_task(&mut self, tid: Tid) -> Option<Box<Task>> {
        own::gone(tid);
        self.tasks.remove(tid)
    }

    /// Removes a process.
    pub fn remove_process(&mut self, pid: Pid) -> Option<Box<Process>> {
        self.procs.remove(pid)
    }

    /// A task, if the number is one.
    #[inline]
    pub fn task(&self, tid: Tid) -> Option<&Task> {
        self.tasks.get(tid)
    }

    /// A task, to change.
    #[inline]
    pub fn task_mut(&mut self, tid: Tid) -> Option<&mut Task> {
        self.tasks.get_mut(tid)
    }

    /// A process, if the number is one.
    #[inline]
    pub fn process(&self, pid: Pid) -> Option<&Process> {
        self.procs.get(pid)
    }

    /// A process, to change.
    #[inline]
    pub fn process_mut(&mut self, pid: Pid) -> Option<&mut Process> {
        self.procs.get_mut(pid)
    }

    /// All tasks, by number.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter()
    }

    /// All processes, by number.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.procs.iter()
    }

    /// How many tasks there are.
    pub fn count(&self) -> usize {
        self.tasks.used.len()
    }
}
