//! Entries of directories: found in what was changed, else below.

use super::{Change, OverlayInode, Place};
use crate::error::{Errno, Result};
use crate::fs::inode::{Inode, SetAttr, mode};
use alloc::rc::Rc;
use alloc::vec::Vec;

impl OverlayInode {
    /// The entry of that name.
    pub(super) fn find(&self, name: &[u8]) -> Result<Rc<OverlayInode>> {
        self.find_by(name, |lower| lower.lookup(name))
    }

    /// The entry of that name, if there is none that differs found below by `look`.
    pub(super) fn find_by(
        &self,
        name: &[u8],
        look: impl FnOnce(&Rc<dyn Inode>) -> Result<Rc<dyn Inode>>,
    ) -> Result<Rc<OverlayInode>> {
        if self.kind != mode::DIR {
            return Err(Errno::ENOTDIR);
        }
        match self.changes.borrow().get(name) {
            Some(Change::Whiteout) => return Err(Errno::ENOENT),
            Some(Change::Entry(inode)) => return Ok(inode.clone()),
            None => {}
        }
        let below = look(&self.lower().ok_or(Errno::ENOENT)?)?;
        let place = Place { dir: self.rc(), name: name.to_vec() };
        let inode = OverlayInode::from_below(&self.fs, below.clone(), &below.attr()?, Some(place.clone()));
        // A file known by an older name that the host has changed meanwhile is where it was found last.
        if !inode.registered() && inode.place.borrow().is_some() {
            *inode.place.borrow_mut() = Some(place);
        }
        Ok(inode)
    }

    /// The entry of that name, if there is one.
    pub(super) fn find_opt(&self, name: &[u8]) -> Result<Option<Rc<OverlayInode>>> {
        match self.find(name) {
            Ok(inode) => Ok(Some(inode)),
            Err(Errno::ENOENT) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// It is a directory that entries can be added to.
    pub(super) fn alive(&self) -> Result<()> {
        match (self.kind, self.dead.get()) {
            (mode::DIR, false) => Ok(()),
            (mode::DIR, true) => Err(Errno::ENOENT),
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// Whether its directory knows that it is other than below.
    fn registered(&self) -> bool {
        let place = self.place.borrow();
        let Some(Place { dir, name }) = &*place else { return false };
        matches!(dir.changes.borrow().get(name), Some(Change::Entry(inode)) if core::ptr::eq(&**inode, self))
    }

    /// Makes its directory, and those above, hold on to it, since it or something in it is other than below.
    pub(super) fn register(&self) {
        if self.registered() {
            return;
        }
        let Some(Place { dir, name }) = self.place.borrow().clone() else { return };
        // The host may have put another file there since: then this one has no name any more.
        let still =
            dir.lower().and_then(|lower| lower.lookup(&name).ok()).and_then(|below| below.attr().ok());
        if still.is_some_and(|attr| (attr.dev, attr.ino) == self.id) {
            dir.changes.borrow_mut().insert(name, Change::Entry(self.rc()));
            dir.register();
        } else {
            *self.place.borrow_mut() = None;
        }
    }

    /// Gives a file a name here; the name is free or may be overwritten.
    pub(super) fn attach(&self, name: &[u8], inode: &Rc<OverlayInode>) -> Result<()> {
        self.touch()?;
        self.register();
        *inode.place.borrow_mut() = Some(Place { dir: self.rc(), name: name.to_vec() });
        inode.nameless.set(false);
        self.changes.borrow_mut().insert(name.to_vec(), Change::Entry(inode.clone()));
        self.count(inode, 1);
        Ok(())
    }

    /// Takes a name away from the file that has it.
    pub(super) fn detach(&self, name: &[u8], inode: &OverlayInode) -> Result<()> {
        self.touch()?;
        self.register();
        let hidden = self.lower().is_some_and(|lower| lower.lookup(name).is_ok());
        let mut changes = self.changes.borrow_mut();
        if hidden {
            changes.insert(name.to_vec(), Change::Whiteout);
        } else {
            changes.remove(name);
        }
        drop(changes);
        self.count(inode, -1);
        let mut place = inode.place.borrow_mut();
        if place.as_ref().is_some_and(|p| p.name == name && core::ptr::eq(&*p.dir, self)) {
            *place = None;
        }
        Ok(())
    }

    /// A subdirectory came or went: its `..` is a link to this one.
    fn count(&self, inode: &OverlayInode, change: i32) {
        if inode.kind == mode::DIR {
            self.links.set(self.links.get() + change);
        }
    }

    /// Notes that the directory was changed now.
    pub(super) fn touch(&self) -> Result<()> {
        let now = self.fs.env.realtime_ns() as i64;
        self.copy_up()?.set_attr(&SetAttr { mtime: Some(now), ..SetAttr::default() })
    }

    /// Names and files of what differs from below.
    pub(super) fn changed(&self) -> Vec<(Vec<u8>, Change)> {
        self.changes.borrow().iter().map(|(name, change)| (name.clone(), change.clone())).collect()
    }

    /// An overlay's inode; `EXDEV` if it is of another filesystem.
    pub(super) fn neighbour<'a>(&self, inode: &'a Rc<dyn Inode>) -> Result<&'a OverlayInode> {
        let other: &OverlayInode = inode.as_any().downcast_ref().ok_or(Errno::EXDEV)?;
        if Rc::ptr_eq(&other.fs, &self.fs) { Ok(other) } else { Err(Errno::EXDEV) }
    }
}
