//! What every noun may need of its surroundings, shared: time as read at the edge, the RAM pool, the host's bell.

use crate::ipc;
use crate::log::Log;
use crate::wait::{WaitQueue, Wakes};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use llano_machine::bell::Bell;
use llano_machine::pool::Pool;

/// The surroundings; one per kernel, cloned as `Rc<Env>`.
pub struct Env {
    /// Whom to wake.
    pub wakes: Wakes,
    /// Contents of files in RAM and of shared maps.
    pub pool: RefCell<Pool>,
    /// Host descriptors to wait for.
    pub bell: Bell,
    /// What watches host descriptors: by key, the queue to wake.
    pub watched: RefCell<Vec<Option<WaitQueue>>>,
    /// The kernel's monotonic clock, nanoseconds, read once at the edge.
    pub now: Cell<u64>,
    /// What to add to `now` to get the time of day, nanoseconds since 1970.
    pub realtime_offset: Cell<i64>,
    /// FIFOs and sockets by inode, timers by time.
    pub ipc: ipc::Registry,
    /// The kernel's own words.
    pub log: Log,
    /// A random number of this boot (/proc/sys/kernel/random/boot_id).
    pub boot_id: [u8; 16],
    /// What files of /proc want to know of the kernel.
    pub questions: crate::fs::procfs::Questions,
    next_ino: Cell<u64>,
}

impl Env {
    /// New surroundings.
    pub fn new(pool: Pool, bell: Bell) -> Rc<Env> {
        let wakes = Wakes::default();
        Rc::new(Env {
            ipc: ipc::Registry::new(&wakes),
            log: Log::new(&wakes),
            boot_id: llano_machine::host::random(),
            questions: Default::default(),
            wakes,
            pool: RefCell::new(pool),
            bell,
            watched: RefCell::default(),
            now: Cell::new(0),
            realtime_offset: Cell::new(0),
            next_ino: Cell::new(2),
        })
    }

    /// The time of day, nanoseconds since 1970.
    pub fn realtime_ns(&self) -> u64 {
        self.now.get().wrapping_add_signed(self.realtime_offset.get())
    }

    /// A fresh wait queue.
    pub fn queue(&self) -> WaitQueue {
        WaitQueue::new(&self.wakes)
    }

    /// A number no other inode of a RAM filesystem has.
    pub fn new_ino(&self) -> u64 {
        let ino = self.next_ino.get();
        self.next_ino.set(ino + 1);
        ino
    }
}
