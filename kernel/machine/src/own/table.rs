//! The debugger's table: what tools may know of all tasks without asking the kernel.
//!
//! The kernel keeps it current, by a few plain stores at a task's birth, death, sleep and wake-up; whoever finds the vCPU
//! parked, or llano's memory in a core, reads it. Its shape is C's, so that a debugger's script can walk it too.

use super::root;
use crate::Context;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

/// Tasks have numbers below this.
pub const MAX: usize = 32768;

/// A task. All numbers but the first two are the kernel's own.
#[repr(C)]
#[derive(Debug)]
pub struct Row {
    /// Its number; 0: there is none.
    tid: AtomicI32,
    /// Its process.
    pid: AtomicI32,
    /// Its name, padded with zeroes.
    name: [AtomicU64; 2],
    /// What it is doing.
    state: AtomicU32,
    /// If it sleeps: why, a kind...
    why: AtomicU32,
    /// ... and what that is about.
    about: AtomicU64,
    /// The address of its [`Context`], which begins with its user registers.
    context: AtomicU64,
}

/// The table.
#[repr(C)]
#[derive(Debug)]
pub struct Table {
    /// The task that the vCPU works for; 0: none.
    current: AtomicI32,
    /// The largest number so far.
    last: AtomicI32,
    /// Each task has the row of its number.
    rows: [Row; MAX],
}

/// `LLANO_TASKS`, to be found by that name in the executable.
#[unsafe(no_mangle)]
pub static LLANO_TASKS: Table = Table {
    current: AtomicI32::new(0),
    last: AtomicI32::new(0),
    rows: [const {
        Row {
            tid: AtomicI32::new(0),
            pid: AtomicI32::new(0),
            name: [const { AtomicU64::new(0) }; 2],
            state: AtomicU32::new(0),
            why: AtomicU32::new(0),
            about: AtomicU64::new(0),
            context: AtomicU64::new(0),
        }
    }; MAX],
};

impl Row {
    /// Its number.
    pub fn tid(&self) -> i32 {
        self.tid.load(Ordering::Relaxed)
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        self.pid.load(Ordering::Relaxed)
    }

    /// Its name, padded with zeroes.
    pub fn name(&self) -> [u8; 16] {
        let [a, b] = [0, 1].map(|i| u128::from(self.name[i].load(Ordering::Relaxed)));
        (a | b << 64).to_le_bytes()
    }

    /// What it is doing, by the kernel's numbers.
    pub fn state(&self) -> u32 {
        self.state.load(Ordering::Relaxed)
    }

    /// Why it sleeps, and what that is about, by the kernel's numbers.
    pub fn why(&self) -> (u32, u64) {
        (self.why.load(Ordering::Relaxed), self.about.load(Ordering::Relaxed))
    }

    pub(super) fn context(&self) -> u64 {
        self.context.load(Ordering::Relaxed)
    }
}

fn slot(tid: i32) -> Option<&'static Row> {
    LLANO_TASKS.rows.get(usize::try_from(tid).ok()?)
}

/// A task's row.
pub fn row(tid: i32) -> Option<&'static Row> {
    slot(tid).filter(|row| row.tid() != 0)
}

/// All tasks, by number.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let last = LLANO_TASKS.last.load(Ordering::Acquire).max(0) as usize;
    LLANO_TASKS.rows.iter().take(last + 1).filter(|row| row.tid() != 0)
}

/// The task that the vCPU works for.
pub fn current() -> Option<&'static Row> {
    row(LLANO_TASKS.current.load(Ordering::Relaxed))
}

/// A task comes. Its context stays where it is until [`gone`].
pub fn born(tid: i32, pid: i32, name: &[u8; 16], context: &Context) {
    let Some(row) = slot(tid) else { return };
    row.pid.store(pid, Ordering::Relaxed);
    row.context.store(core::ptr::from_ref(context) as u64, Ordering::Relaxed);
    row.tid.store(tid, Ordering::Release);
    renamed(tid, name);
    LLANO_TASKS.last.fetch_max(tid, Ordering::Release);
}

/// A task goes.
pub fn gone(tid: i32) {
    if let Some(row) = slot(tid) {
        row.tid.store(0, Ordering::Release);
        if LLANO_TASKS.current.load(Ordering::Relaxed) == tid {
            run(0);
        }
        row.context.store(0, Ordering::Relaxed);
    }
}

/// A task has another name.
pub fn renamed(tid: i32, name: &[u8; 16]) {
    if let Some(row) = slot(tid) {
        let name = u128::from_le_bytes(*name);
        row.name[0].store(name as u64, Ordering::Relaxed);
        row.name[1].store((name >> 64) as u64, Ordering::Relaxed);
    }
}

/// A task's state changed.
#[inline]
pub fn set_state(tid: i32, state: u32) {
    if let Some(row) = slot(tid) {
        row.state.store(state, Ordering::Relaxed);
    }
}

/// A task is about to sleep.
#[inline]
pub fn set_why(tid: i32, why: u32, about: u64) {
    if let Some(row) = slot(tid) {
        row.why.store(why, Ordering::Relaxed);
        row.about.store(about, Ordering::Relaxed);
    }
}

/// The vCPU works for this task now; 0: for none.
pub fn run(tid: i32) {
    LLANO_TASKS.current.store(tid, Ordering::Relaxed);
    root::unwind_to(row(tid).map_or(0, Row::context));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_and_go() {
        let context = Context::new();
        born(7001, 7000, b"name of a task!\0", &context);
        set_state(7001, 3);
        set_why(7001, 2, 9);
        let row = row(7001).unwrap();
        assert_eq!((row.tid(), row.pid(), row.state(), row.why()), (7001, 7000, 3, (2, 9)));
        assert_eq!(&row.name(), b"name of a task!\0");
        assert!(rows().any(|r| r.tid() == 7001));
        gone(7001);
        assert!(super::row(7001).is_none() && super::row(-1).is_none());
    }
}
