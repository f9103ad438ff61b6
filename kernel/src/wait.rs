//! Waiting: queues of who waits, and *why* a task sleeps, as data that `ps`, gdb and the trace can tell.
//!
//! A noun that becomes ready calls [`WaitQueue::wake`]; that only notes the tasks on the [`Wakes`] list, which the run
//! loop drains. A woken task invokes its call again, so a wake-up too many is harmless and one too few is a bug.

use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use smallvec::SmallVec;

/// A task's number.
pub type Tid = i32;

/// What a futex is known by: a word of a file that is mapped shared, wherever that is; or an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FutexKey {
    /// Device and inode of the file; zeroes: none.
    pub file: (u64, u64),
    /// Offset in the file, or the address.
    pub at: u64,
}

/// Poll bits, as in poll(2).
#[allow(missing_docs)]
pub mod poll {
    pub const IN: u32 = 0x001;
    pub const PRI: u32 = 0x002;
    pub const OUT: u32 = 0x004;
    pub const ERR: u32 = 0x008;
    pub const HUP: u32 = 0x010;
    pub const NVAL: u32 = 0x020;
    pub const RDNORM: u32 = 0x040;
    pub const RDBAND: u32 = 0x080;
    pub const WRNORM: u32 = 0x100;
    pub const WRBAND: u32 = 0x200;
    pub const RDHUP: u32 = 0x2000;
}

/// The tasks that were woken since the run loop last looked. One list, shared by all queues.
#[derive(Debug, Clone, Default)]
pub struct Wakes(Rc<WakeList>);

#[derive(Debug, Default)]
struct WakeList {
    tids: RefCell<Vec<Tid>>,
    any: Cell<bool>,
}

impl Wakes {
    /// Notes a task as woken.
    pub fn push(&self, tid: Tid) {
        self.0.tids.borrow_mut().push(tid);
        self.0.any.set(true);
    }

    /// Whether any task was woken: one load.
    #[inline]
    pub fn any(&self) -> bool {
        self.0.any.get()
    }

    /// Takes one.
    pub fn pop(&self) -> Option<Tid> {
        let tid = self.0.tids.borrow_mut().pop();
        self.0.any.set(!self.0.tids.borrow().is_empty());
        tid
    }
}

/// Who waits on something, in order of arrival. Clones are the same queue.
#[derive(Debug, Clone)]
pub struct WaitQueue(Rc<Queue>);

#[derive(Debug)]
struct Queue {
    wakes: Wakes,
    tasks: RefCell<SmallVec<[(Tid, u32); 2]>>,
    watchers: RefCell<Vec<Watcher>>,
}

#[derive(Debug, Clone)]
struct Watcher {
    list: Weak<ReadyList>,
    key: u64,
    events: u32,
}

impl WaitQueue {
    /// An empty queue whose wake-ups go to `wakes`.
    pub fn new(wakes: &Wakes) -> WaitQueue {
        WaitQueue(Rc::new(Queue {
            wakes: wakes.clone(),
            tasks: RefCell::default(),
            watchers: RefCell::default(),
        }))
    }

    /// Wakes everyone who waits for any of `events` (errors and hang-ups wake everyone).
    pub fn wake(&self, events: u32) {
        let mask = events | poll::ERR | poll::HUP;
        let always = events & (poll::ERR | poll::HUP) != 0;
        for (tid, wanted) in self.0.tasks.borrow().iter() {
            if wanted & mask != 0 || always {
                self.0.wakes.push(*tid);
            }
        }
        // Not borrowed meanwhile: waking an epoll may wake another that watches it, and that one may look here again.
        for i in 0.. {
            let Some(w) = self.0.watchers.borrow().get(i).cloned() else { break };
            if (w.events & events != 0 || always)
                && let Some(list) = w.list.upgrade()
            {
                list.mark(w.key);
            }
        }
    }

    /// Wakes at most one waiting task, the first that wants `events` (for exclusive hand-over such as accept).
    pub fn wake_one(&self, events: u32) {
        if let Some((tid, _)) = self.0.tasks.borrow().iter().find(|(_, wanted)| wanted & events != 0) {
            self.0.wakes.push(*tid);
        }
    }

    /// Whether any task waits here.
    pub fn is_empty(&self) -> bool {
        self.0.tasks.borrow().is_empty()
    }

    /// Whether two handles are the same queue.
    pub fn same(&self, other: &WaitQueue) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Puts a task in the queue; the kernel does this when a task blocks.
    pub fn add(&self, tid: Tid, events: u32) {
        self.0.tasks.borrow_mut().push((tid, events));
    }

    /// Takes a task out; the kernel does this when it runs again.
    pub fn remove(&self, tid: Tid) {
        self.0.tasks.borrow_mut().retain(|(t, _)| *t != tid);
    }

    /// Lets an epoll watch this queue: `key` is marked ready when `events` come.
    pub fn watch(&self, list: &Rc<ReadyList>, key: u64, events: u32) {
        self.0.watchers.borrow_mut().push(Watcher { list: Rc::downgrade(list), key, events });
    }

    /// Ends a watch.
    pub fn unwatch(&self, list: &Rc<ReadyList>, key: u64) {
        let list = Rc::downgrade(list);
        self.0.watchers.borrow_mut().retain(|w| !(w.key == key && w.list.ptr_eq(&list)));
    }
}

/// What an epoll found ready: keys, each at most once, in order.
#[derive(Debug)]
pub struct ReadyList {
    keys: RefCell<VecDeque<u64>>,
    /// The same keys, to be found.
    members: RefCell<HashTable<u64>>,
    /// Who waits for this epoll to become ready.
    pub queue: WaitQueue,
}

/// Keys are counted from 0 on; the tables look at upper and lower bits.
fn spread(key: &u64) -> u64 {
    key.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl ReadyList {
    /// An empty list.
    pub fn new(wakes: &Wakes) -> Rc<ReadyList> {
        Rc::new(ReadyList {
            keys: RefCell::default(),
            members: RefCell::default(),
            queue: WaitQueue::new(wakes),
        })
    }

    /// Adds a key and wakes whoever waits.
    pub fn mark(&self, key: u64) {
        self.put_back(key);
        self.queue.wake(poll::IN | poll::RDNORM);
    }

    fn join(&self, key: u64) -> bool {
        match self.members.borrow_mut().entry(spread(&key), |other| *other == key, spread) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(key);
                true
            }
        }
    }

    /// Takes the first key.
    pub fn pop(&self) -> Option<u64> {
        let key = self.keys.borrow_mut().pop_front()?;
        if let Ok(member) = self.members.borrow_mut().find_entry(spread(&key), |other| *other == key) {
            member.remove();
        }
        Some(key)
    }

    /// Adds a key at the end, without waking anyone (level-triggered ones that are still ready).
    pub fn put_back(&self, key: u64) {
        if self.join(key) {
            self.keys.borrow_mut().push_back(key);
        }
    }

    /// Adds a key at the front, without waking anyone.
    pub fn put_front(&self, key: u64) {
        if self.join(key) {
            self.keys.borrow_mut().push_front(key);
        }
    }

    /// How many keys are marked.
    pub fn len(&self) -> usize {
        self.keys.borrow().len()
    }

    /// Whether nothing was marked.
    pub fn is_empty(&self) -> bool {
        self.keys.borrow().is_empty()
    }
}

/// What a task waits for, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Reading (or receiving, accepting) on a descriptor.
    Read(i32),
    /// Writing (or sending, connecting) on a descriptor.
    Write(i32),
    /// A file lock on a descriptor.
    Lock(i32),
    /// Opening a FIFO whose other side is missing.
    Open,
    /// A futex at this address.
    Futex(u64),
    /// A child's change of state.
    Child,
    /// The child of vfork letting go of the memory.
    Vfork(Tid),
    /// Time passing.
    Sleep,
    /// Any of several descriptors (poll, select, epoll).
    Poll,
    /// A rule that holds a call up.
    Delay,
    /// A signal (pause, sigsuspend, sigtimedwait).
    Signal,
}

impl Why {
    /// The reason as two numbers, for the debugger's table.
    pub fn numbers(self) -> (u32, u64) {
        match self {
            Why::Read(fd) => (0, fd as u64),
            Why::Write(fd) => (1, fd as u64),
            Why::Lock(fd) => (2, fd as u64),
            Why::Open => (3, 0),
            Why::Futex(at) => (4, at),
            Why::Child => (5, 0),
            Why::Vfork(tid) => (6, tid as u64),
            Why::Sleep => (7, 0),
            Why::Poll => (8, 0),
            Why::Signal => (9, 0),
            Why::Delay => (10, 0),
        }
    }

    /// The reason that these numbers mean.
    pub fn from_numbers((why, about): (u32, u64)) -> Option<Why> {
        Some(match why {
            0 => Why::Read(about as i32),
            1 => Why::Write(about as i32),
            2 => Why::Lock(about as i32),
            3 => Why::Open,
            4 => Why::Futex(about),
            5 => Why::Child,
            6 => Why::Vfork(about as i32),
            7 => Why::Sleep,
            8 => Why::Poll,
            9 => Why::Signal,
            10 => Why::Delay,
            _ => return None,
        })
    }
}

impl core::fmt::Display for Why {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Why::Read(fd) => write!(f, "read fd {fd}"),
            Why::Write(fd) => write!(f, "write fd {fd}"),
            Why::Lock(fd) => write!(f, "lock fd {fd}"),
            Why::Open => write!(f, "open"),
            Why::Futex(at) => write!(f, "futex {at:#x}"),
            Why::Child => write!(f, "child"),
            Why::Vfork(tid) => write!(f, "vfork {tid}"),
            Why::Sleep => write!(f, "sleep"),
            Why::Poll => write!(f, "poll"),
            Why::Delay => write!(f, "a rule's delay"),
            Why::Signal => write!(f, "signal"),
        }
    }
}

/// A reason to sleep: returned by a handler that has changed nothing (or only its task's `progress`).
#[derive(Debug)]
pub struct Wait {
    /// Where to be woken, and for which poll bits.
    pub queues: SmallVec<[(WaitQueue, u32); 1]>,
    /// Wake at this time at the latest, in nanoseconds of the kernel's monotonic clock.
    pub deadline: Option<u64>,
    /// What to tell people.
    pub why: Why,
    /// What a signal without SA_RESTART does to the call.
    pub on_signal: OnSignal,
}

/// How a signal ends a sleeping call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSignal {
    /// Restart if the handler has SA_RESTART or there is none, else `EINTR` (ERESTARTSYS).
    Restart,
    /// `EINTR` if a handler runs, else go on waiting (ERESTARTNOHAND: pause, sigsuspend, poll, select, nanosleep).
    Interrupt,
    /// Not at all: only SIGKILL ends the wait (vfork's parent).
    Uninterruptible,
}

impl Wait {
    /// Waits on nothing but signals.
    pub fn new(why: Why) -> Wait {
        Wait { queues: SmallVec::new(), deadline: None, why, on_signal: OnSignal::Restart }
    }

    /// Adds a queue.
    pub fn on(mut self, queue: &WaitQueue, events: u32) -> Wait {
        self.queues.push((queue.clone(), events));
        self
    }

    /// Adds a deadline.
    pub fn until(mut self, deadline: Option<u64>) -> Wait {
        self.deadline = deadline;
        self
    }

    /// Says what a signal does.
    pub fn signals(mut self, on_signal: OnSignal) -> Wait {
        self.on_signal = on_signal;
        self
    }
}
