//! inotify(7): what happens to files, as a file of events.
//!
//! The system calls that change something tell the [`Watches`]; with no watch anywhere that is one test of a counter.

use crate::env::Env;
use crate::error::{Errno, Result};
use crate::fs::file::{File, FileOps, Seek};
use crate::fs::inode::Inode;
use crate::ipc::FileId;
use crate::user::{self, Dst};
use crate::wait::{WaitQueue, poll};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

/// Events and flags of inotify(7).
#[allow(missing_docs)]
pub mod bits {
    pub const ACCESS: u32 = 0x1;
    pub const MODIFY: u32 = 0x2;
    pub const ATTRIB: u32 = 0x4;
    pub const CLOSE_WRITE: u32 = 0x8;
    pub const CLOSE_NOWRITE: u32 = 0x10;
    pub const OPEN: u32 = 0x20;
    pub const MOVED_FROM: u32 = 0x40;
    pub const MOVED_TO: u32 = 0x80;
    pub const CREATE: u32 = 0x100;
    pub const DELETE: u32 = 0x200;
    pub const DELETE_SELF: u32 = 0x400;
    pub const MOVE_SELF: u32 = 0x800;
    pub const ALL_EVENTS: u32 = 0xfff;
    pub const UNMOUNT: u32 = 0x2000;
    pub const Q_OVERFLOW: u32 = 0x4000;
    pub const IGNORED: u32 = 0x8000;
    pub const ONLYDIR: u32 = 1 << 24;
    pub const DONT_FOLLOW: u32 = 1 << 25;
    pub const EXCL_UNLINK: u32 = 1 << 26;
    pub const MASK_CREATE: u32 = 1 << 28;
    pub const MASK_ADD: u32 = 1 << 29;
    pub const ISDIR: u32 = 1 << 30;
    pub const ONESHOT: u32 = 1 << 31;
}

/// How many events wait at most (`/proc/sys/fs/inotify/max_queued_events`).
const QUEUED_MAX: usize = 16384;
/// Bytes of an event without its name.
const HEADER: usize = 16;
const FIONREAD: u32 = 0x541b;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    wd: i32,
    mask: u32,
    cookie: u32,
    name: Vec<u8>,
}

impl Event {
    /// Bytes of the name with its NULs: up to the next multiple of the header's size.
    fn name_size(&self) -> usize {
        if self.name.is_empty() { 0 } else { (self.name.len() + 1).next_multiple_of(HEADER) }
    }
}

struct Watch {
    id: FileId,
    mask: u32,
    /// Keeps the inode's number from being used again.
    _inode: Rc<dyn Inode>,
}

/// An instance: its watches, and the events nobody read yet.
pub struct Inotify {
    env: Rc<Env>,
    queue: WaitQueue,
    events: RefCell<VecDeque<Event>>,
    watches: RefCell<BTreeMap<i32, Watch>>,
    last_wd: Cell<i32>,
}

/// Who watches a file: the instance, and its number for the watch.
type Watcher = (Weak<Inotify>, i32);

/// All watches, by what they watch.
#[derive(Default)]
pub struct Watches {
    by_file: RefCell<BTreeMap<FileId, Vec<Watcher>>>,
    count: Cell<usize>,
    cookie: Cell<u32>,
}

impl Watches {
    /// Whether there is any watch.
    #[inline]
    pub fn any(&self) -> bool {
        self.count.get() > 0
    }

    /// A number that ties the two halves of a rename together.
    pub fn new_cookie(&self) -> u32 {
        self.cookie.set(self.cookie.get().wrapping_add(1).max(1));
        self.cookie.get()
    }

    /// Tells those who watch the file `id`: `mask` happened to it, or to what is called `name` in it.
    pub fn notify(&self, id: FileId, name: &[u8], mask: u32, cookie: u32) {
        let watchers = self.by_file.borrow().get(&id).cloned().unwrap_or_default();
        for (inotify, wd) in watchers {
            if let Some(inotify) = inotify.upgrade() {
                inotify.happened(wd, name, mask, cookie);
            }
        }
    }

    /// The file `id` is gone: its watches end.
    pub fn gone(&self, id: FileId) {
        let watchers = self.by_file.borrow().get(&id).cloned().unwrap_or_default();
        for (inotify, wd) in watchers {
            if let Some(inotify) = inotify.upgrade() {
                inotify.happened(wd, b"", bits::DELETE_SELF, 0);
                // It may have been a one-shot watch, over already.
                let _ = inotify.remove(wd);
            }
        }
    }

    fn forget(&self, id: FileId, wd: i32, of: *const Inotify) {
        let mut by_file = self.by_file.borrow_mut();
        if let Some(watchers) = by_file.get_mut(&id) {
            let before = watchers.len();
            watchers.retain(|(i, n)| !(*n == wd && core::ptr::eq(i.as_ptr(), of)));
            self.count.set(self.count.get() - (before - watchers.len()));
            if watchers.is_empty() {
                by_file.remove(&id);
            }
        }
    }
}

impl Inotify {
    /// An instance that watches nothing.
    pub fn new(env: &Rc<Env>) -> Rc<Inotify> {
        Rc::new(Inotify {
            env: env.clone(),
            queue: env.queue(),
            events: RefCell::default(),
            watches: RefCell::default(),
            last_wd: Cell::new(0),
        })
    }

    /// Watches a file, or changes how it is watched; returns the watch's number.
    ///
    /// # Errors
    /// `EEXIST`: it is watched already and `mask` says IN_MASK_CREATE.
    pub fn add(self: &Rc<Inotify>, id: FileId, inode: &Rc<dyn Inode>, mask: u32) -> Result<i32> {
        let kept = mask & (bits::ALL_EVENTS | bits::ONESHOT | bits::EXCL_UNLINK);
        let mut watches = self.watches.borrow_mut();
        if let Some((wd, watch)) = watches.iter_mut().find(|(_, w)| w.id == id) {
            if mask & bits::MASK_CREATE != 0 {
                return Err(Errno::EEXIST);
            }
            watch.mask = kept | if mask & bits::MASK_ADD != 0 { watch.mask } else { 0 };
            return Ok(*wd);
        }
        let wd = self.last_wd.get() + 1;
        self.last_wd.set(wd);
        watches.insert(wd, Watch { id, mask: kept, _inode: inode.clone() });
        let all = &self.env.ipc.watches;
        all.by_file.borrow_mut().entry(id).or_default().push((Rc::downgrade(self), wd));
        all.count.set(all.count.get() + 1);
        Ok(wd)
    }

    /// Ends a watch; its last event is IN_IGNORED.
    ///
    /// # Errors
    /// `EINVAL`: there is none of this number.
    pub fn remove(&self, wd: i32) -> Result<()> {
        let watch = self.watches.borrow_mut().remove(&wd).ok_or(Errno::EINVAL)?;
        self.env.ipc.watches.forget(watch.id, wd, self);
        self.push(Event { wd, mask: bits::IGNORED, cookie: 0, name: Vec::new() });
        Ok(())
    }

    fn happened(&self, wd: i32, name: &[u8], mask: u32, cookie: u32) {
        let Some(wanted) = self.watches.borrow().get(&wd).map(|w| w.mask) else { return };
        if wanted & mask & bits::ALL_EVENTS == 0 {
            return;
        }
        self.push(Event { wd, mask, cookie, name: name.to_vec() });
        if wanted & bits::ONESHOT != 0 {
            // It exists: it was looked up just now.
            let _ = self.remove(wd);
        }
    }

    fn push(&self, event: Event) {
        let mut events = self.events.borrow_mut();
        if events.back() == Some(&event) {
            return;
        }
        match events.len() {
            n if n < QUEUED_MAX => events.push_back(event),
            QUEUED_MAX => {
                events.push_back(Event { wd: -1, mask: bits::Q_OVERFLOW, cookie: 0, name: Vec::new() })
            }
            _ => return,
        }
        drop(events);
        self.queue.wake(poll::IN | poll::RDNORM);
    }
}

impl Drop for Inotify {
    fn drop(&mut self) {
        for (wd, watch) in self.watches.borrow().iter() {
            self.env.ipc.watches.forget(watch.id, *wd, self);
        }
    }
}

/// The open file of an instance.
pub struct InotifyFile(pub Rc<Inotify>);

impl FileOps for InotifyFile {
    fn read(&self, _file: &File, dst: &mut Dst<'_>, _at: u64) -> Result<usize> {
        let mut events = self.0.events.borrow_mut();
        let mut done = 0;
        while let Some(event) = events.front() {
            let size = event.name_size();
            if HEADER + size > dst.left() {
                break;
            }
            let words = [event.wd as u32, event.mask, event.cookie, size as u32];
            let mut bytes = words.map(u32::to_le_bytes).concat();
            bytes.extend_from_slice(&event.name);
            bytes.resize(HEADER + size, 0);
            if dst.put(&bytes)? < bytes.len() {
                return Err(Errno::EFAULT);
            }
            done += bytes.len();
            events.pop_front();
        }
        match (done, events.is_empty()) {
            (0, true) => Err(Errno::EAGAIN),
            (0, false) => Err(Errno::EINVAL),
            _ => Ok(done),
        }
    }

    fn poll(&self, _file: &File) -> u32 {
        if self.0.events.borrow().is_empty() { 0 } else { poll::IN | poll::RDNORM }
    }

    fn queue(&self, _file: &File, _events: u32) -> Option<WaitQueue> {
        Some(self.0.queue.clone())
    }

    fn ioctl(&self, _file: &File, cmd: u32, arg: u64) -> Result<i64> {
        if cmd != FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let bytes: usize = self.0.events.borrow().iter().map(|e| HEADER + e.name_size()).sum();
        user::put(arg, &(bytes as i32)).map(|()| 0)
    }

    fn seek(&self) -> Seek {
        Seek::Ignored
    }

    fn label(&self) -> String {
        "anon_inode:inotify".into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
