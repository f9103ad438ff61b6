//! File locks: fcntl(2)'s record locks, of processes and of open file descriptions, and flock(2)'s on whole files.
//!
//! One table, by the file's identity. Locks are llano's own: programs of the host neither see nor heed them.

use crate::env::Env;
use crate::error::{Errno, Result};
use crate::wait::{WaitQueue, poll};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// A file's identity: device and inode number.
pub type FileId = (u64, u64);

/// The last byte a lock may cover: behind any end of file.
pub const TO_END: u64 = i64::MAX as u64;

/// Whose a record lock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A process's (F_SETLK).
    Process(i32),
    /// An open file description's (F_OFD_SETLK, flock), by a number of its own.
    File(u64),
}

/// Whether others may hold such a lock too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A read lock.
    Shared,
    /// A write lock.
    Exclusive,
}

/// A locked range: `start..=end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    /// Whose.
    pub owner: Owner,
    /// What kind.
    pub mode: Mode,
    /// First byte.
    pub start: u64,
    /// Last byte.
    pub end: u64,
}

impl Lock {
    fn conflicts(&self, other: &Lock) -> bool {
        self.owner != other.owner
            && self.start <= other.end
            && other.start <= self.end
            && (self.mode == Mode::Exclusive || other.mode == Mode::Exclusive)
    }
}

/// The two kinds of locks, which do not see each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// fcntl(2).
    Records,
    /// flock(2).
    Whole,
}

struct Held {
    locks: Vec<Lock>,
    queue: WaitQueue,
}

/// All locks. Clones are the same table.
#[derive(Clone, Default)]
pub struct Locks(Rc<Table>);

#[derive(Default)]
struct Table {
    files: RefCell<BTreeMap<(FileId, Space), Held>>,
    /// Which process waits for a lock of which other.
    waiting: RefCell<BTreeMap<i32, i32>>,
    last_holder: Cell<u64>,
}

/// An open file description that took locks: they go when it is dropped.
pub struct Holder {
    locks: Locks,
    number: u64,
    file: FileId,
}

impl Holder {
    /// For a file description of this file.
    pub fn new(locks: &Locks, file: FileId) -> Holder {
        let number = locks.0.last_holder.get() + 1;
        locks.0.last_holder.set(number);
        Holder { locks: locks.clone(), number, file }
    }

    /// As an owner of locks.
    pub fn owner(&self) -> Owner {
        Owner::File(self.number)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        for space in [Space::Records, Space::Whole] {
            self.locks.unlock(self.file, space, self.owner(), 0, TO_END);
        }
    }
}

impl Locks {
    /// Whether there are locks at all.
    pub fn any(&self) -> bool {
        !self.0.files.borrow().is_empty()
    }

    /// A lock that is in the way of `wanted`.
    pub fn conflict(&self, file: FileId, space: Space, wanted: &Lock) -> Option<Lock> {
        self.0.files.borrow().get(&(file, space))?.locks.iter().find(|l| l.conflicts(wanted)).copied()
    }

    /// Takes a lock; what the owner held in its range changes to it.
    ///
    /// # Errors
    /// `EAGAIN`: another's lock is in the way; wait on [`Locks::queue`].
    pub fn lock(&self, env: &Env, file: FileId, space: Space, wanted: Lock) -> Result<()> {
        if self.conflict(file, space, &wanted).is_some() {
            return Err(Errno::EAGAIN);
        }
        // A write lock that becomes a read lock lets others in.
        self.unlock(file, space, wanted.owner, wanted.start, wanted.end);
        let mut files = self.0.files.borrow_mut();
        let held =
            files.entry((file, space)).or_insert_with(|| Held { locks: Vec::new(), queue: env.queue() });
        held.locks.push(wanted);
        Ok(())
    }

    /// Lets a range go.
    pub fn unlock(&self, file: FileId, space: Space, owner: Owner, start: u64, end: u64) {
        let mut files = self.0.files.borrow_mut();
        let Some(held) = files.get_mut(&(file, space)) else { return };
        let mut freed = false;
        let mut rest = None;
        held.locks.retain_mut(|lock| {
            if lock.owner != owner || lock.end < start || end < lock.start {
                return true;
            }
            freed = true;
            let (before, behind) = (lock.start < start, lock.end > end);
            // At most one lock of an owner reaches over both ends.
            rest = rest.or((before && behind).then_some(Lock { start: end + 1, ..*lock }));
            if before {
                lock.end = start - 1;
            } else if behind {
                lock.start = end + 1;
            }
            before || behind
        });
        held.locks.extend(rest);
        if freed {
            held.queue.wake(poll::OUT);
        }
        if held.locks.is_empty() && held.queue.is_empty() {
            files.remove(&(file, space));
        }
    }

    /// Where to wait for locks of a file.
    pub fn queue(&self, env: &Env, file: FileId, space: Space) -> WaitQueue {
        let mut files = self.0.files.borrow_mut();
        let held =
            files.entry((file, space)).or_insert_with(|| Held { locks: Vec::new(), queue: env.queue() });
        held.queue.clone()
    }

    /// Notes that a process starts waiting for another's lock.
    ///
    /// # Errors
    /// `EDEADLK` if the other, in the end, waits for it.
    pub fn waits(&self, process: i32, other: i32) -> Result<()> {
        let mut waiting = self.0.waiting.borrow_mut();
        let mut at = other;
        // As many steps as there are waiting processes: a ring that does not lead here is not ours to find.
        for _ in 0..=waiting.len() {
            if at == process {
                return Err(Errno::EDEADLK);
            }
            match waiting.get(&at) {
                Some(next) => at = *next,
                None => break,
            }
        }
        waiting.insert(process, other);
        Ok(())
    }

    /// Notes that a process waits no longer.
    pub fn waits_no_more(&self, process: i32) {
        self.0.waiting.borrow_mut().remove(&process);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use llano_machine::{bell::Bell, pool::Pool};

    const FILE: FileId = (1, 2);

    fn lock(owner: i32, mode: Mode, start: u64, end: u64) -> Lock {
        Lock { owner: Owner::Process(owner), mode, start, end }
    }

    #[test]
    fn ranges_split_merge_and_conflict() {
        let env = Env::new(Pool::new(4096).unwrap(), Bell::new().unwrap());
        let locks = Locks::default();
        let take = |l: Lock| locks.lock(&env, FILE, Space::Records, l);
        take(lock(1, Mode::Exclusive, 0, 99)).unwrap();
        assert_eq!(take(lock(2, Mode::Shared, 99, 200)), Err(Errno::EAGAIN));
        take(lock(2, Mode::Shared, 100, 200)).unwrap();
        take(lock(1, Mode::Shared, 40, 59)).unwrap();
        take(lock(2, Mode::Shared, 40, 59)).unwrap();
        assert_eq!(take(lock(2, Mode::Shared, 39, 39)), Err(Errno::EAGAIN));
        locks.unlock(FILE, Space::Records, Owner::Process(1), 10, 19);
        take(lock(2, Mode::Exclusive, 10, 19)).unwrap();
        let found = locks.conflict(FILE, Space::Records, &lock(3, Mode::Exclusive, 60, 60)).unwrap();
        assert_eq!(found, lock(1, Mode::Exclusive, 60, 99));
        assert_eq!(locks.lock(&env, FILE, Space::Whole, lock(3, Mode::Exclusive, 0, TO_END)), Ok(()));
    }

    #[test]
    fn a_dropped_holder_lets_go_and_wakes() {
        let env = Env::new(Pool::new(4096).unwrap(), Bell::new().unwrap());
        let locks = Locks::default();
        let holder = Holder::new(&locks, FILE);
        let whole = |owner| Lock { owner, mode: Mode::Exclusive, start: 0, end: TO_END };
        locks.lock(&env, FILE, Space::Whole, whole(holder.owner())).unwrap();
        assert_eq!(locks.lock(&env, FILE, Space::Whole, whole(Owner::File(77))), Err(Errno::EAGAIN));
        let queue = locks.queue(&env, FILE, Space::Whole);
        queue.add(5, poll::OUT);
        drop(holder);
        assert_eq!(env.wakes.pop(), Some(5));
        assert_eq!(locks.lock(&env, FILE, Space::Whole, whole(Owner::File(77))), Ok(()));
    }

    #[test]
    fn rings_of_waiting_processes_are_found() {
        let locks = Locks::default();
        locks.waits(1, 2).unwrap();
        locks.waits(2, 3).unwrap();
        assert_eq!(locks.waits(3, 1), Err(Errno::EDEADLK));
        locks.waits_no_more(2);
        locks.waits(3, 1).unwrap();
    }
}
