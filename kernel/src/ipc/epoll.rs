//! epoll(7): many files waited for at once.
//!
//! Each watched file gets a key on the epoll's [`ReadyList`]; its queue marks the key when something may have happened,
//! and collecting polls only marked files. Level-triggered ones that are still ready are put back.

use crate::env::Env;
use crate::error::{Errno, Result};
use crate::fs::file::{File, FileOps, Seek};
use crate::wait::{ReadyList, WaitQueue, poll};
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;

/// Bits of `epoll_event.events` beside those of [`poll`].
#[allow(missing_docs)]
pub mod bits {
    pub const EXCLUSIVE: u32 = 1 << 28;
    pub const WAKEUP: u32 = 1 << 29;
    pub const ONESHOT: u32 = 1 << 30;
    pub const EDGE: u32 = 1 << 31;
    /// Those that say how to report, not what.
    pub const PRIVATE: u32 = EXCLUSIVE | WAKEUP | ONESHOT | EDGE;
}

/// How long a chain of epolls that watch each other may be.
const MAX_CHAIN: u32 = 5;

/// What is reported without being asked for.
const ALWAYS: u32 = poll::ERR | poll::HUP;

/// What EPOLLEXCLUSIVE may be combined with.
const EXCLUSIVE_OK: u32 =
    poll::IN | poll::OUT | poll::ERR | poll::HUP | bits::WAKEUP | bits::EDGE | bits::EXCLUSIVE;

/// An epoll instance.
pub struct Epoll {
    list: Rc<ReadyList>,
    items: RefCell<Items>,
    /// Epolls that were told to watch this one.
    above: RefCell<Vec<Weak<File>>>,
}

#[derive(Default)]
struct Items {
    by_key: BTreeMap<u64, Item>,
    by_file: BTreeMap<(i32, usize), u64>,
    next_key: u64,
    /// Files may go without being removed: when so many items exist, look for such.
    prune_at: usize,
}

struct Item {
    file: Weak<File>,
    id: (i32, usize),
    queue: WaitQueue,
    events: u32,
    data: u64,
}

/// A report of a ready file, as epoll_wait(2) stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// What holds, of what was asked for.
    pub events: u32,
    /// The number given when the file was added.
    pub data: u64,
}

impl Epoll {
    /// An instance that watches nothing.
    pub fn new(env: &Env) -> Epoll {
        Epoll { list: ReadyList::new(&env.wakes), items: RefCell::default(), above: RefCell::default() }
    }

    /// Where to wait for watched files to become ready.
    pub fn ready_queue(&self) -> &WaitQueue {
        &self.list.queue
    }

    /// EPOLL_CTL_ADD. `this` is the epoll's own file; `poll` tells what holds for a file now.
    ///
    /// # Errors
    /// `EPERM`: the file cannot be waited for; `EINVAL`: it is the epoll itself, or the bits contradict; `EEXIST`;
    /// `ELOOP`: epolls would watch each other, or too deep.
    pub fn add(
        &self,
        this: &Rc<File>,
        fd: i32,
        file: &Rc<File>,
        event: Event,
        poll: &mut dyn FnMut(&File) -> u32,
    ) -> Result<()> {
        if Rc::ptr_eq(this, file) {
            return Err(Errno::EINVAL);
        }
        let queue = file.ops().queue(file, event.events).ok_or(Errno::EPERM)?;
        let nested = file.downcast::<Epoll>();
        if event.events & bits::EXCLUSIVE != 0 && (event.events & !EXCLUSIVE_OK != 0 || nested.is_some()) {
            return Err(Errno::EINVAL);
        }
        let id = (fd, Rc::as_ptr(file) as usize);
        if self.items.borrow().by_file.contains_key(&id) {
            return Err(Errno::EEXIST);
        }
        if let Some(nested) = nested {
            if nested.height(self)? + self.depth() > MAX_CHAIN {
                return Err(Errno::ELOOP);
            }
            nested.above.borrow_mut().retain(|f| f.strong_count() > 0);
            nested.above.borrow_mut().push(Rc::downgrade(this));
        }
        self.prune();
        let mut items = self.items.borrow_mut();
        let key = items.next_key;
        items.next_key += 1;
        let events = event.events | ALWAYS;
        queue.watch(&self.list, key, events);
        items.by_file.insert(id, key);
        let item = Item { file: Rc::downgrade(file), id, queue, events, data: event.data };
        items.by_key.insert(key, item);
        drop(items);
        if poll(file) & events != 0 {
            self.list.mark(key);
        }
        Ok(())
    }

    /// EPOLL_CTL_MOD.
    ///
    /// # Errors
    /// `ENOENT`: not watched under this descriptor; `EINVAL`: EPOLLEXCLUSIVE now or before.
    pub fn modify(
        &self,
        fd: i32,
        file: &Rc<File>,
        event: Event,
        poll: &mut dyn FnMut(&File) -> u32,
    ) -> Result<()> {
        let mut items = self.items.borrow_mut();
        let id = (fd, Rc::as_ptr(file) as usize);
        if event.events & bits::EXCLUSIVE != 0 {
            return Err(Errno::EINVAL);
        }
        let key = *items.by_file.get(&id).ok_or(Errno::ENOENT)?;
        let item = items.by_key.get_mut(&key).ok_or(Errno::ENOENT)?;
        if item.events & bits::EXCLUSIVE != 0 {
            return Err(Errno::EINVAL);
        }
        let events = event.events | ALWAYS;
        (item.events, item.data) = (events, event.data);
        let queue = item.queue.clone();
        drop(items);
        queue.unwatch(&self.list, key);
        queue.watch(&self.list, key, events);
        if poll(file) & events != 0 {
            self.list.mark(key);
        }
        Ok(())
    }

    /// EPOLL_CTL_DEL.
    ///
    /// # Errors
    /// `ENOENT`: not watched under this descriptor.
    pub fn remove(&self, fd: i32, file: &Rc<File>) -> Result<()> {
        let id = (fd, Rc::as_ptr(file) as usize);
        let key = *self.items.borrow().by_file.get(&id).ok_or(Errno::ENOENT)?;
        self.forget(key);
        Ok(())
    }

    fn forget(&self, key: u64) {
        let mut items = self.items.borrow_mut();
        if let Some(item) = items.by_key.remove(&key) {
            items.by_file.remove(&item.id);
            item.queue.unwatch(&self.list, key);
        }
    }

    /// Forgets files that nobody has open any more.
    fn prune(&self) {
        let items = self.items.borrow();
        if items.by_key.len() < items.prune_at {
            return;
        }
        let gone: Vec<u64> =
            items.by_key.iter().filter(|(_, i)| i.file.strong_count() == 0).map(|(k, _)| *k).collect();
        drop(items);
        gone.into_iter().for_each(|key| self.forget(key));
        let mut items = self.items.borrow_mut();
        items.prune_at = (items.by_key.len() * 2).max(32);
    }

    /// The longest chain of epolls from this one down. No loop can be longer: none is ever closed.
    fn height(&self, forbidden: &Epoll) -> Result<u32> {
        if core::ptr::eq(self, forbidden) {
            return Err(Errno::ELOOP);
        }
        let mut below = 0;
        for item in self.items.borrow().by_key.values() {
            if let Some(file) = item.file.upgrade()
                && let Some(epoll) = file.downcast::<Epoll>()
            {
                below = below.max(epoll.height(forbidden)?);
            }
        }
        Ok(below + 1)
    }

    /// The longest chain of epolls from this one up.
    fn depth(&self) -> u32 {
        let above = self.above.borrow();
        let depths = above.iter().filter_map(Weak::upgrade).map(|file| match file.downcast::<Epoll>() {
            Some(epoll) if epoll.watches(self) => epoll.depth(),
            _ => 0,
        });
        depths.max().unwrap_or(0) + 1
    }

    fn watches(&self, other: &Epoll) -> bool {
        let is_other = |file: Rc<File>| file.downcast::<Epoll>().is_some_and(|e| core::ptr::eq(e, other));
        self.items.borrow().by_key.values().any(|i| i.file.upgrade().is_some_and(is_other))
    }

    /// What of the item's wishes holds now; `None` if there is no such item any more.
    fn check(&self, key: u64, poll: &mut dyn FnMut(&File) -> u32) -> Option<(Event, u32)> {
        let items = self.items.borrow();
        let item = items.by_key.get(&key)?;
        let Some(file) = item.file.upgrade() else {
            drop(items);
            self.forget(key);
            return None;
        };
        let (wanted, data) = (item.events, item.data);
        drop(items);
        // One-shot and reported: silent until modified, errors included.
        if wanted & !bits::PRIVATE == 0 {
            return None;
        }
        let events = poll(&file) & wanted;
        (events != 0).then_some((Event { events, data }, wanted))
    }

    /// Hands at most `max` ready files to `report`; returns how many. `report` failing ends it.
    ///
    /// # Errors
    /// What `report` said, if it refused the first one.
    pub fn collect(
        &self,
        max: usize,
        poll: &mut dyn FnMut(&File) -> u32,
        report: &mut dyn FnMut(usize, Event) -> Result<()>,
    ) -> Result<usize> {
        let mut count = 0;
        // Each at most once: those that stay go to the end, so that nobody starves.
        for _ in 0..self.list.len() {
            if count == max {
                break;
            }
            let Some(key) = self.list.pop() else { break };
            let Some((event, wanted)) = self.check(key, poll) else { continue };
            if let Err(e) = report(count, event) {
                self.list.put_front(key);
                return if count == 0 { Err(e) } else { Ok(count) };
            }
            count += 1;
            if wanted & bits::ONESHOT != 0 {
                if let Some(item) = self.items.borrow_mut().by_key.get_mut(&key) {
                    item.events &= bits::PRIVATE;
                }
            } else if wanted & bits::EDGE == 0 {
                self.list.put_back(key);
            }
        }
        Ok(count)
    }

    /// Whether any watched file is ready, without reporting it.
    pub fn is_ready(&self, poll: &mut dyn FnMut(&File) -> u32) -> bool {
        while let Some(key) = self.list.pop() {
            if self.check(key, poll).is_some() {
                self.list.put_front(key);
                return true;
            }
        }
        false
    }
}

impl FileOps for Epoll {
    fn poll(&self, _file: &File) -> u32 {
        let ready = self.is_ready(&mut |file| file.ops().poll(file));
        if ready { poll::IN | poll::RDNORM } else { 0 }
    }

    fn depends(&self) -> bool {
        true
    }

    fn queue(&self, _file: &File, _events: u32) -> Option<WaitQueue> {
        Some(self.list.queue.clone())
    }

    fn seek(&self) -> Seek {
        Seek::Ignored
    }

    fn label(&self) -> String {
        "anon_inode:[eventpoll]".into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        for (key, item) in &self.items.borrow().by_key {
            item.queue.unwatch(&self.list, *key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::file::oflag;
    use crate::ipc::tests::{env, pipe, read, write};
    use alloc::boxed::Box;

    fn epoll(env: &Env) -> Rc<File> {
        File::new(Box::new(Epoll::new(env)), oflag::RDWR, None)
    }

    fn ask(file: &File) -> u32 {
        file.ops().poll(file)
    }

    fn add(epoll: &Rc<File>, fd: i32, file: &Rc<File>, events: u32) -> Result<()> {
        let event = Event { events, data: fd as u64 };
        epoll.downcast::<Epoll>().unwrap().add(epoll, fd, file, event, &mut ask)
    }

    fn ready(epoll: &File, max: usize) -> Vec<(u64, u32)> {
        let mut got = Vec::new();
        let count = epoll.downcast::<Epoll>().unwrap().collect(max, &mut ask, &mut |_, e| {
            got.push((e.data, e.events));
            Ok(())
        });
        assert_eq!(count, Ok(got.len()));
        got
    }

    #[test]
    fn level_reports_until_read_and_edge_once() {
        let env = env();
        let (r, w) = pipe(&env, 0);
        let (level, edge) = (epoll(&env), epoll(&env));
        add(&level, 1, &r, poll::IN).unwrap();
        add(&edge, 2, &r, poll::IN | bits::EDGE).unwrap();
        assert!(ready(&level, 8).is_empty() && ready(&edge, 8).is_empty());
        write(&w, b"ab").unwrap();
        assert_eq!((ready(&level, 8), ready(&edge, 8)), (alloc::vec![(1, 1)], alloc::vec![(2, 1)]));
        assert_eq!((ready(&level, 8), ready(&edge, 8)), (alloc::vec![(1, 1)], alloc::vec![]));
        write(&w, b"c").unwrap();
        assert_eq!(ready(&edge, 8), [(2, 1)]);
        assert_eq!(read(&r, 9).unwrap(), b"abc");
        assert!(ready(&level, 8).is_empty() && ready(&edge, 8).is_empty());
        drop(w);
        assert_eq!((ready(&level, 8), ready(&edge, 8)), (alloc::vec![(1, 0x10)], alloc::vec![(2, 0x10)]));
    }

    #[test]
    fn oneshot_is_silent_until_modified() {
        let env = env();
        let (r, w) = pipe(&env, 0);
        let e = epoll(&env);
        add(&e, 1, &r, poll::IN | bits::ONESHOT).unwrap();
        write(&w, b"a").unwrap();
        assert_eq!(ready(&e, 8), [(1, 1)]);
        write(&w, b"b").unwrap();
        assert!(ready(&e, 8).is_empty());
        let event = Event { events: poll::IN, data: 7 };
        e.downcast::<Epoll>().unwrap().modify(1, &r, event, &mut ask).unwrap();
        assert_eq!(ready(&e, 8), [(7, 1)]);
    }

    #[test]
    fn more_ready_than_fit_take_turns() {
        let env = env();
        let e = epoll(&env);
        let pipes: Vec<_> = (0..5).map(|_| pipe(&env, 0)).collect();
        for (i, (r, w)) in pipes.iter().enumerate() {
            add(&e, i as i32, r, poll::IN).unwrap();
            write(w, b"x").unwrap();
        }
        let mut seen = [0; 5];
        for _ in 0..5 {
            ready(&e, 2).into_iter().for_each(|(i, _)| seen[i as usize] += 1);
        }
        assert_eq!(seen, [2; 5]);
    }

    #[test]
    fn closed_files_are_forgotten() {
        let env = env();
        let e = epoll(&env);
        let (r, w) = pipe(&env, 0);
        add(&e, 3, &r, poll::IN).unwrap();
        write(&w, b"x").unwrap();
        drop(r);
        assert!(ready(&e, 8).is_empty());
        assert!(e.downcast::<Epoll>().unwrap().items.borrow().by_key.is_empty());
    }

    #[test]
    fn nests_but_not_in_circles() {
        let env = env();
        let chain: Vec<_> = (0..6).map(|_| epoll(&env)).collect();
        let (r, w) = pipe(&env, 0);
        add(&chain[0], 9, &r, poll::IN).unwrap();
        for i in 1..5 {
            add(&chain[i], 1, &chain[i - 1], poll::IN).unwrap();
        }
        assert_eq!(add(&chain[5], 1, &chain[4], poll::IN), Err(Errno::ELOOP));
        assert_eq!(add(&chain[0], 1, &chain[5], poll::IN), Err(Errno::ELOOP));
        assert_eq!(add(&chain[0], 1, &chain[2], poll::IN), Err(Errno::ELOOP));
        assert_eq!(add(&chain[0], 1, &chain[0], poll::IN), Err(Errno::EINVAL));
        assert_eq!(ask(&chain[4]), 0);
        write(&w, b"x").unwrap();
        assert_eq!(ready(&chain[4], 8), [(1, 1)]);
        assert_eq!(read(&r, 1).unwrap(), b"x");
        assert!(ready(&chain[4], 8).is_empty());
    }
}
