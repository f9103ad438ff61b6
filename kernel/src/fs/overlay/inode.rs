//! The operations of a file of the merged tree.

use super::copy::Contents;
use super::open::{LowerFile, OverlayDir};
use super::{Change, OverlayInode};
use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::fs::file::{File, FileOps, oflag};
use crate::fs::inode::{Attr, DirEntry, Inode, Keep, Moment, NewFile, Permissions, SetAttr, StatFs, mode};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;

/// `OVERLAYFS_SUPER_MAGIC`.
const MAGIC: u64 = 0x794c_7630;

/// Flags of renameat2(2).
mod rename {
    pub(super) const NOREPLACE: u32 = 1;
    pub(super) const EXCHANGE: u32 = 2;
}

impl OverlayInode {
    /// Gives a file that has just been made above a free name here.
    fn add(&self, name: &[u8], make: impl FnOnce() -> Result<Rc<dyn Inode>>) -> Result<Rc<dyn Inode>> {
        self.alive()?;
        if self.find_opt(name)?.is_some() {
            return Err(Errno::EEXIST);
        }
        let inode = self.found_above(make()?)?;
        self.attach(name, &inode)?;
        // Of a directory: its name and its own `.`.
        inode.links.set(if inode.kind == mode::DIR { 2 } else { 1 });
        Ok(inode)
    }

    /// What renaming onto an existing entry needs of both.
    fn may_replace(&self, old: &OverlayInode) -> Result<()> {
        match (self.kind == mode::DIR, old.kind == mode::DIR) {
            (true, false) => Err(Errno::ENOTDIR),
            (false, true) => Err(Errno::EISDIR),
            (true, true) if !old.is_empty()? => Err(Errno::ENOTEMPTY),
            _ => Ok(()),
        }
    }

    fn drop_link(&self) {
        self.links.set(self.links.get() - 1);
        // Nobody finds it by another name any more.
        if self.link_count() == Ok(0) {
            self.fs.linked.borrow_mut().retain(|inode| !core::ptr::eq(&**inode, self));
        }
    }
}

impl Inode for OverlayInode {
    fn attr(&self) -> Result<Attr> {
        if let Some(attr) = self.fresh.take()
            && self.upper().is_none()
            && self.links.get() == 0
        {
            return Ok(attr);
        }
        let attr = self.top().attr()?;
        let (dev, ino) = self.id;
        let nlink = match self.upper() {
            _ if self.dead.get() => 0,
            None => self.links_with(attr.nlink),
            Some(_) => self.link_count()?,
        };
        Ok(Attr { dev, ino, nlink, ..attr })
    }

    fn id(&self) -> Result<(u64, u64)> {
        Ok(self.id)
    }

    fn kind(&self) -> Result<u32> {
        Ok(self.kind)
    }

    fn permissions(&self, now: &Moment) -> Result<Permissions> {
        self.top().permissions(now)
    }

    fn keep(&self) -> Keep {
        match (self.lower(), self.kind) {
            (None, _) => Keep::Ram,
            (Some(lower), mode::DIR | mode::LNK) => lower.keep(),
            // What is still below may be changed there; what was copied up is mostly written.
            _ => Keep::Not,
        }
    }

    fn still(&self, name: &[u8], found: &Rc<dyn Inode>, now: &Moment) -> Result<bool> {
        let Some(found) = found.as_any().downcast_ref::<OverlayInode>() else { return Ok(false) };
        match self.changes.borrow().get(name) {
            Some(Change::Whiteout) => return Err(Errno::ENOENT),
            Some(Change::Entry(inode)) => return Ok(core::ptr::eq(&**inode, found)),
            None => {}
        }
        match (self.lower(), found.lower()) {
            (Some(dir), Some(below)) => dir.still(name, &below, now),
            _ => Ok(false),
        }
    }

    fn glance(&self, name: &[u8]) -> Result<Option<Attr>> {
        match self.changes.borrow().get(name) {
            Some(Change::Whiteout) => return Err(Errno::ENOENT),
            Some(Change::Entry(inode)) => return inode.attr().map(Some),
            None => {}
        }
        let Some(lower) = self.lower() else { return Ok(None) };
        // A file that is known may be other than below, by whatever name it is found.
        let unknown = |attr: &Attr| !self.fs.known.borrow().contains_key(&(attr.dev, attr.ino));
        Ok(lower.glance(name)?.filter(unknown))
    }

    fn set_attr(&self, set: &SetAttr) -> Result<()> {
        let contents = if set.size == Some(0) { Contents::Drop } else { Contents::Keep };
        self.copy_up_with(contents)?.set_attr(set)
    }

    fn lookup(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        Ok(self.find(name)?)
    }

    fn lookup_to_read(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        Ok(self.find_by(name, |lower| lower.lookup_to_read(name))?)
    }

    fn create(&self, name: &[u8], new: &NewFile) -> Result<Rc<dyn Inode>> {
        self.add(name, || self.fs.upper.tmpfile(new, 0))
    }

    fn symlink(&self, name: &[u8], target: &[u8], new: &NewFile) -> Result<Rc<dyn Inode>> {
        self.add(name, || self.new_symlink(target, new))
    }

    fn tmpfile(&self, new: &NewFile, flags: u32) -> Result<Rc<dyn Inode>> {
        self.alive()?;
        let inode = self.found_above(self.fs.upper.tmpfile(new, 0)?)?;
        inode.nameless.set(flags & oflag::EXCL == 0);
        Ok(inode)
    }

    fn link(&self, name: &[u8], to: &Rc<dyn Inode>) -> Result<()> {
        let to = self.neighbour(to)?.rc();
        self.alive()?;
        if self.find_opt(name)?.is_some() {
            return Err(Errno::EEXIST);
        }
        if to.link_count()? == 0 && !to.nameless.get() {
            return Err(Errno::ENOENT);
        }
        to.copy_up()?;
        to.links.set(to.links.get() + 1);
        self.attach(name, &to)
    }

    fn unlink(&self, name: &[u8]) -> Result<()> {
        let inode = self.find(name)?;
        if inode.kind == mode::DIR {
            return Err(Errno::EISDIR);
        }
        self.detach(name, &inode)?;
        inode.drop_link();
        Ok(())
    }

    fn rmdir(&self, name: &[u8]) -> Result<()> {
        let inode = self.find(name)?;
        if inode.kind != mode::DIR {
            return Err(Errno::ENOTDIR);
        }
        if !inode.is_empty()? {
            return Err(Errno::ENOTEMPTY);
        }
        self.detach(name, &inode)?;
        inode.dead.set(true);
        Ok(())
    }

    fn rename(&self, name: &[u8], to_dir: &Rc<dyn Inode>, to: &[u8], flags: u32) -> Result<()> {
        let to_dir = self.neighbour(to_dir)?;
        if flags & !(rename::NOREPLACE | rename::EXCHANGE) != 0 {
            return Err(Errno::EINVAL);
        }
        to_dir.alive()?;
        let inode = self.find(name)?;
        let old = to_dir.find_opt(to)?;
        if flags & rename::NOREPLACE != 0 && old.is_some() {
            return Err(Errno::EEXIST);
        }
        // A directory moves with all that is below; another file no longer has its lower place.
        if inode.kind != mode::DIR {
            inode.copy_up()?;
        }
        if flags & rename::EXCHANGE != 0 {
            let old = old.ok_or(Errno::ENOENT)?;
            if old.kind != mode::DIR {
                old.copy_up()?;
            }
            self.detach(name, &inode)?;
            to_dir.detach(to, &old)?;
            self.attach(name, &old)?;
            return to_dir.attach(to, &inode);
        }
        if let Some(old) = &old {
            if Rc::ptr_eq(old, &inode) {
                return Ok(());
            }
            inode.may_replace(old)?;
            to_dir.detach(to, old)?;
            old.drop_link();
            old.dead.set(old.kind == mode::DIR);
        }
        self.detach(name, &inode)?;
        to_dir.attach(to, &inode)
    }

    fn readlink(&self) -> Result<Vec<u8>> {
        self.top().readlink()
    }

    fn open(&self, _: &Rc<dyn Inode>, flags: u32, cred: &Cred) -> Result<Box<dyn FileOps>> {
        match self.kind {
            mode::DIR => return Ok(Box::new(OverlayDir::default())),
            mode::REG => {}
            mode::LNK => return Err(Errno::ELOOP),
            _ => return Err(Errno::ENXIO),
        }
        let truncate = flags & oflag::TRUNC != 0;
        if flags & oflag::ACCMODE != oflag::RDONLY || truncate {
            self.copy_up_with(if truncate { Contents::Drop } else { Contents::Keep })?;
        }
        match self.upper() {
            Some(upper) => upper.open(&upper, flags, cred),
            None => {
                let lower = self.lower().ok_or(Errno::EIO)?;
                Ok(Box::new(LowerFile::new(self.rc(), lower.open(&lower, flags, cred)?)))
            }
        }
    }

    fn read_dir(&self, file: &File, cookie: u64) -> Result<Vec<(DirEntry, u64)>> {
        file.downcast::<OverlayDir>().ok_or(Errno::ENOTDIR)?.list(self, cookie)
    }

    fn statfs(&self) -> Result<StatFs> {
        Ok(StatFs { magic: MAGIC, ..self.fs.upper.statfs()? })
    }

    fn allocate(&self, how: u32, offset: u64, len: u64) -> Result<()> {
        self.copy_up()?.allocate(how, offset, len)
    }

    fn get_xattr(&self, name: &[u8]) -> Result<Vec<u8>> {
        self.top().get_xattr(name)
    }

    fn set_xattr(&self, name: &[u8], value: &[u8], flags: i32) -> Result<()> {
        self.copy_up()?.set_xattr(name, value, flags)
    }

    fn list_xattr(&self) -> Result<Vec<Vec<u8>>> {
        self.top().list_xattr()
    }

    fn remove_xattr(&self, name: &[u8]) -> Result<()> {
        self.top().get_xattr(name)?;
        self.copy_up()?.remove_xattr(name)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
