//! What may be remembered of the host's directories: as long as the host has not told of a change.
//!
//! A directory that walks often go through gets a watch. Before a walk believes anything it looks at the host's notices
//! once ([`Moment::first`](super::inode::Moment::first)); a notice makes the directory's generation another one, and
//! what was found under the old one is asked for again.

use super::inode::Permissions;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};
use llano_machine::host::HostFd;
use llano_machine::host_watch::{HostWatch, Notice};

/// Filesystems on which the host's kernel knows of every change, by their magic numbers (statfs(2)).
const LOCAL: [u64; 7] = [
    0xef53,      // ext2, ext3, ext4
    0x5846_5342, // xfs
    0x9123_683e, // btrfs
    0x0102_1994, // tmpfs
    0xf2f5_2010, // f2fs
    0x794c_7630, // overlay
    0x7371_7368, // squashfs
];

/// How often a walk goes through a directory before it is watched.
const OFTEN: u8 = 2;

/// All watches on one host tree.
pub(super) struct Watches {
    /// `None`: the host lets nobody watch, so everything is asked for each time.
    host: Option<HostWatch>,
    by_number: RefCell<BTreeMap<i32, Weak<Watch>>>,
    /// Which devices hold filesystems that can be watched.
    local: RefCell<BTreeMap<u64, bool>>,
    next_generation: Cell<u64>,
}

/// A watched directory.
pub(super) struct Watch {
    of: Rc<Watches>,
    number: i32,
    /// Another one after every change of its entries; no other watch ever has the same.
    generation: Cell<u64>,
    permissions: Cell<Option<Permissions>>,
}

/// Whether a directory is watched.
#[derive(Default)]
pub(super) enum Watched {
    /// Not yet: so many walks went through it.
    #[default]
    Never,
    /// Seen that often.
    Seen(u8),
    /// It is.
    By(Rc<Watch>),
    /// It cannot be.
    Impossible,
}

impl Watches {
    pub(super) fn new() -> Rc<Watches> {
        Rc::new(Watches {
            host: HostWatch::new().ok(),
            by_number: RefCell::default(),
            local: RefCell::default(),
            next_generation: Cell::new(1),
        })
    }

    fn generation(&self) -> u64 {
        let generation = self.next_generation.get();
        self.next_generation.set(generation + 1);
        generation
    }

    /// Takes note of what has changed.
    pub(super) fn look(&self) {
        let Some(host) = &self.host else { return };
        host.look(&mut |notice| match notice {
            Notice::Entries(number) => self.with(number, |watch| watch.generation.set(self.generation())),
            Notice::Itself(number) => self.with(number, |watch| watch.permissions.set(None)),
            Notice::Gone(number) => {
                self.with(number, Watch::end);
                self.by_number.borrow_mut().remove(&number);
            }
            Notice::Everything => {
                for watch in self.by_number.borrow().values().filter_map(Weak::upgrade) {
                    watch.generation.set(self.generation());
                    watch.permissions.set(None);
                }
            }
        });
    }

    fn with(&self, number: i32, f: impl FnOnce(&Watch)) {
        let watch = self.by_number.borrow().get(&number).and_then(Weak::upgrade);
        if let Some(watch) = watch {
            f(&watch);
        }
    }

    /// The watch on a directory that has just been gone through.
    pub(super) fn watch(
        self: &Rc<Watches>,
        dir: &HostFd,
        dev: u64,
        watched: &RefCell<Watched>,
    ) -> Option<Rc<Watch>> {
        let mut watched = watched.borrow_mut();
        match &mut *watched {
            Watched::By(watch) if watch.is_alive() => return Some(watch.clone()),
            Watched::By(_) | Watched::Impossible => return None,
            Watched::Never => *watched = Watched::Seen(1),
            Watched::Seen(n) if *n < OFTEN => *n += 1,
            Watched::Seen(_) => {
                let watch = self.start(dir, dev);
                *watched = watch.clone().map_or(Watched::Impossible, Watched::By);
                return watch;
            }
        }
        None
    }

    fn start(self: &Rc<Watches>, dir: &HostFd, dev: u64) -> Option<Rc<Watch>> {
        let is_local = || dir.statfs().is_ok_and(|s| LOCAL.contains(&s.magic));
        if !*self.local.borrow_mut().entry(dev).or_insert_with(is_local) {
            return None;
        }
        let number = self.host.as_ref()?.add(dir).ok()?;
        let mut by_number = self.by_number.borrow_mut();
        if let Some(known) = by_number.get(&number).and_then(Weak::upgrade) {
            return Some(known);
        }
        let generation = Cell::new(self.generation());
        let watch = Rc::new(Watch { of: self.clone(), number, generation, permissions: Cell::default() });
        by_number.insert(number, Rc::downgrade(&watch));
        Some(watch)
    }
}

impl Watch {
    /// While this is the same, entries that were found are still there. 0 never is.
    pub(super) fn generation(&self) -> u64 {
        self.generation.get()
    }

    /// What is known of the directory's permissions.
    pub(super) fn permissions(&self) -> Option<Permissions> {
        self.permissions.get()
    }

    /// They were asked for after the watch had begun.
    pub(super) fn learn(&self, permissions: Permissions) {
        if self.is_alive() {
            self.permissions.set(Some(permissions));
        }
    }

    fn is_alive(&self) -> bool {
        self.generation.get() != 0
    }

    fn end(&self) {
        self.generation.set(0);
        self.permissions.set(None);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut by_number = self.of.by_number.borrow_mut();
        // A watch that has ended may have left its number to another.
        if self.is_alive()
            && let Some(host) = &self.of.host
        {
            by_number.remove(&self.number);
            host.remove(self.number);
        }
    }
}
