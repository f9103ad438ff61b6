//! Files of a tmpfs: attributes, extended attributes, and what kind each is.

use super::TmpFs;
use super::content::{Content, MAX_SIZE};
use super::dir::Dir;
use super::file::{Seals, TmpFile};
use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::fs::file::{Directory, File, FileOps, oflag};
use crate::fs::inode::{Attr, DirEntry, Inode, Keep, Moment, NewFile, Permissions, SetAttr, StatFs, mode};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

/// Modes of fallocate(2).
mod falloc {
    pub(super) const KEEP_SIZE: u32 = 1;
    pub(super) const PUNCH_HOLE: u32 = 2;
}

/// A file in RAM.
pub struct TmpInode {
    pub(super) fs: Rc<TmpFs>,
    pub(super) ino: u64,
    pub(super) kind: Kind,
    mode: Cell<u32>,
    pub(super) nlink: Cell<u32>,
    uid: Cell<u32>,
    gid: Cell<u32>,
    rdev: u64,
    atime: Cell<i64>,
    mtime: Cell<i64>,
    ctime: Cell<i64>,
    btime: i64,
    xattrs: RefCell<BTreeMap<Vec<u8>, Vec<u8>>>,
    pub(super) seals: Seals,
    /// Made without a name (O_TMPFILE): may still get one.
    pub(super) nameless: Cell<bool>,
}

/// What a file is.
pub(super) enum Kind {
    Regular(RefCell<Content>),
    Directory(RefCell<Dir>),
    Symlink(Vec<u8>),
    /// FIFO, socket, device: only the name is here.
    Special,
}

impl TmpInode {
    pub(super) fn new(fs: &Rc<TmpFs>, new: &NewFile) -> Rc<TmpInode> {
        let kind = match new.mode & mode::FMT {
            mode::DIR => Kind::Directory(RefCell::default()),
            mode::REG | 0 => Kind::Regular(RefCell::new(Content::new(&fs.env))),
            _ => Kind::Special,
        };
        TmpInode::of_kind(fs, new, kind)
    }

    pub(super) fn of_kind(fs: &Rc<TmpFs>, new: &NewFile, kind: Kind) -> Rc<TmpInode> {
        let now = fs.env.realtime_ns() as i64;
        let kind_bits = if new.mode & mode::FMT == 0 { mode::REG } else { 0 };
        let nlink = if matches!(kind, Kind::Directory(_)) { 2 } else { 1 };
        Rc::new(TmpInode {
            fs: fs.clone(),
            ino: fs.env.new_ino(),
            kind,
            mode: Cell::new(new.mode | kind_bits),
            nlink: Cell::new(nlink),
            uid: Cell::new(new.uid),
            gid: Cell::new(new.gid),
            rdev: new.rdev,
            atime: Cell::new(now),
            mtime: Cell::new(now),
            ctime: Cell::new(now),
            btime: now,
            xattrs: RefCell::default(),
            seals: Seals::none_allowed(),
            nameless: Cell::new(false),
        })
    }

    /// `inode` as a file of this type; `EXDEV` if it is of another filesystem.
    pub(super) fn same_fs(&self, inode: &Rc<dyn Inode>) -> Result<Rc<TmpInode>> {
        let other = TmpInode::from_dyn(inode).ok_or(Errno::EXDEV)?;
        if Rc::ptr_eq(&other.fs, &self.fs) { Ok(other) } else { Err(Errno::EXDEV) }
    }

    /// An inode as one of this type, if it is.
    pub fn from_dyn(inode: &Rc<dyn Inode>) -> Option<Rc<TmpInode>> {
        let any: Rc<dyn Any> = inode.clone();
        any.downcast().ok()
    }

    /// The type, as bits of the mode.
    pub(super) fn kind_bits(&self) -> u32 {
        self.mode.get() & mode::FMT
    }

    /// Notes a change of the inode.
    pub(super) fn changed(&self) {
        self.ctime.set(self.fs.env.realtime_ns() as i64);
    }

    /// Notes a change of the contents.
    pub(super) fn modified(&self) {
        let now = self.fs.env.realtime_ns() as i64;
        self.mtime.set(now);
        self.ctime.set(now);
    }

    /// Notes a reading of the contents, as "relatime" does: once after each change, and once a day.
    pub(super) fn accessed(&self) {
        let (now, atime) = (self.fs.env.realtime_ns() as i64, self.atime.get());
        if atime <= self.mtime.get() || atime <= self.ctime.get() || now - atime >= 86_400_000_000_000 {
            self.atime.set(now);
        }
    }

    pub(super) fn content(&self) -> Result<&RefCell<Content>> {
        match &self.kind {
            Kind::Regular(content) => Ok(content),
            Kind::Directory(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }

    pub(super) fn dir(&self) -> Result<&RefCell<Dir>> {
        match &self.kind {
            Kind::Directory(dir) => Ok(dir),
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// Works on the contents and keeps the filesystem's account of them.
    pub(super) fn with_content<R>(&self, f: impl FnOnce(&mut Content, u64) -> Result<R>) -> Result<R> {
        let mut content = self.content()?.borrow_mut();
        let before = content.reserved();
        let result = f(&mut content, self.fs.budget());
        self.fs.used.set(self.fs.used.get() + content.reserved() - before);
        result
    }

    pub(super) fn size(&self) -> u64 {
        match &self.kind {
            Kind::Regular(content) => content.borrow().size(),
            Kind::Directory(dir) => 40 + 20 * dir.borrow().len() as u64,
            Kind::Symlink(target) => target.len() as u64,
            Kind::Special => 0,
        }
    }

    fn take_entries(&mut self) -> Vec<Rc<TmpInode>> {
        match &mut self.kind {
            Kind::Directory(dir) => core::mem::take(dir.get_mut()).into_inodes(),
            _ => Vec::new(),
        }
    }

    fn truncate(&self, size: u64) -> Result<()> {
        if size > MAX_SIZE {
            return Err(Errno::EFBIG);
        }
        self.seals.allow_resize(self.size(), size)?;
        self.with_content(|content, _| {
            content.resize(size);
            Ok(())
        })?;
        self.modified();
        Ok(())
    }

    /// POSIX ACLs are not kept; who may use the other namespaces is the caller's to check (xattr(7)).
    fn may_have_xattr(&self, name: &[u8]) -> Result<()> {
        if name.starts_with(b"system.") { Err(Errno::EOPNOTSUPP) } else { Ok(()) }
    }
}

impl Drop for TmpInode {
    fn drop(&mut self) {
        if let Kind::Regular(content) = &self.kind {
            self.fs.used.set(self.fs.used.get() - content.borrow().reserved());
        }
        // A loop, not recursion: a guest may nest directories as deep as it likes.
        let mut doomed = self.take_entries();
        while let Some(inode) = doomed.pop() {
            if let Some(mut inode) = Rc::into_inner(inode) {
                doomed.append(&mut inode.take_entries());
            }
        }
    }
}

impl Inode for TmpInode {
    fn attr(&self) -> Result<Attr> {
        let blocks = match &self.kind {
            Kind::Regular(content) => content.borrow().allocated() / 512,
            _ => 0,
        };
        Ok(Attr {
            dev: self.fs.dev,
            ino: self.ino,
            mode: self.mode.get(),
            nlink: self.nlink.get(),
            uid: self.uid.get(),
            gid: self.gid.get(),
            rdev: self.rdev,
            size: self.size(),
            blocks,
            blksize: 4096,
            atime: self.atime.get(),
            mtime: self.mtime.get(),
            ctime: self.ctime.get(),
            btime: self.btime,
        })
    }

    fn id(&self) -> Result<(u64, u64)> {
        Ok((self.fs.dev, self.ino))
    }

    fn kind(&self) -> Result<u32> {
        Ok(self.kind_bits())
    }

    fn permissions(&self, _: &Moment) -> Result<Permissions> {
        Ok(Permissions { mode: self.mode.get(), uid: self.uid.get(), gid: self.gid.get() })
    }

    fn keep(&self) -> Keep {
        Keep::Ram
    }

    fn still(&self, name: &[u8], found: &Rc<dyn Inode>, _: &Moment) -> Result<bool> {
        let dir = self.dir()?.borrow();
        let inode = dir.get(name).ok_or(Errno::ENOENT)?;
        Ok(core::ptr::addr_eq(Rc::as_ptr(inode), Rc::as_ptr(found)))
    }

    fn glance(&self, name: &[u8]) -> Result<Option<Attr>> {
        self.dir()?.borrow().get(name).ok_or(Errno::ENOENT)?.attr().map(Some)
    }

    fn set_attr(&self, set: &SetAttr) -> Result<()> {
        if let Some(size) = set.size {
            self.truncate(size)?;
        }
        if let Some(mode) = set.mode {
            self.seals.allow_chmod(self.mode.get(), mode)?;
            self.mode.set(self.mode.get() & mode::FMT | mode & 0o7777);
        }
        let set_if = |cell: &Cell<u32>, value: Option<u32>| cell.set(value.unwrap_or(cell.get()));
        set_if(&self.uid, set.uid);
        set_if(&self.gid, set.gid);
        self.atime.set(set.atime.unwrap_or(self.atime.get()));
        self.mtime.set(set.mtime.unwrap_or(self.mtime.get()));
        self.changed();
        Ok(())
    }

    fn lookup(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        Ok(self.dir()?.borrow().get(name).ok_or(Errno::ENOENT)?.clone())
    }

    fn create(&self, name: &[u8], new: &NewFile) -> Result<Rc<dyn Inode>> {
        let inode = TmpInode::new(&self.fs, new);
        self.add(name, &inode)?;
        Ok(inode)
    }

    fn tmpfile(&self, new: &NewFile, flags: u32) -> Result<Rc<dyn Inode>> {
        self.dir()?;
        let inode = TmpInode::new(&self.fs, new);
        inode.nlink.set(0);
        inode.nameless.set(flags & oflag::EXCL == 0);
        Ok(inode)
    }

    fn symlink(&self, name: &[u8], target: &[u8], new: &NewFile) -> Result<Rc<dyn Inode>> {
        let new = NewFile { mode: mode::LNK | 0o777, ..*new };
        let inode = TmpInode::of_kind(&self.fs, &new, Kind::Symlink(target.to_vec()));
        self.add(name, &inode)?;
        Ok(inode)
    }

    fn link(&self, name: &[u8], to: &Rc<dyn Inode>) -> Result<()> {
        let to = self.same_fs(to)?;
        if to.nlink.get() == 0 && !to.nameless.get() {
            return Err(Errno::ENOENT);
        }
        self.add(name, &to)?;
        to.nlink.set(to.nlink.get() + 1);
        to.nameless.set(false);
        to.changed();
        Ok(())
    }

    fn unlink(&self, name: &[u8]) -> Result<()> {
        self.remove_file(name)
    }

    fn rmdir(&self, name: &[u8]) -> Result<()> {
        self.remove_dir(name)
    }

    fn rename(&self, name: &[u8], to_dir: &Rc<dyn Inode>, to: &[u8], flags: u32) -> Result<()> {
        self.rename_to(name, &*self.same_fs(to_dir)?, to, flags)
    }

    fn readlink(&self) -> Result<Vec<u8>> {
        match &self.kind {
            Kind::Symlink(target) => Ok(target.clone()),
            _ => Err(Errno::EINVAL),
        }
    }

    fn open(&self, this: &Rc<dyn Inode>, flags: u32, _: &Cred) -> Result<Box<dyn FileOps>> {
        if flags & oflag::TRUNC != 0 && self.content().is_ok() {
            self.truncate(0)?;
        }
        match &self.kind {
            Kind::Regular(_) => Ok(Box::new(TmpFile::new(TmpInode::from_dyn(this).ok_or(Errno::EIO)?))),
            Kind::Directory(_) => Ok(Box::new(Directory)),
            Kind::Symlink(_) => Err(Errno::ELOOP),
            Kind::Special => Err(Errno::ENXIO),
        }
    }

    fn read_dir(&self, _: &File, cookie: u64) -> Result<Vec<(DirEntry, u64)>> {
        self.accessed();
        Ok(self.dir()?.borrow().list(cookie))
    }

    fn statfs(&self) -> Result<StatFs> {
        Ok(self.fs.statfs())
    }

    fn allocate(&self, how: u32, offset: u64, len: u64) -> Result<()> {
        let end = offset.checked_add(len).filter(|end| *end <= MAX_SIZE).ok_or(Errno::EFBIG)?;
        let keep = how & falloc::KEEP_SIZE != 0;
        let size = self.size();
        match how & !falloc::KEEP_SIZE {
            falloc::PUNCH_HOLE if keep => {
                self.seals.allow_write()?;
                self.with_content(|content, _| {
                    content.clear(offset, end);
                    Ok(())
                })?;
            }
            0 => {
                let grown = if keep { size } else { size.max(end) };
                self.seals.allow_resize(size, grown)?;
                self.with_content(|content, budget| {
                    if content.reserve(offset, len, budget)? < len {
                        return Err(Errno::ENOSPC);
                    }
                    content.resize(grown);
                    Ok(())
                })?;
            }
            _ => return Err(Errno::EOPNOTSUPP),
        }
        self.modified();
        Ok(())
    }

    fn get_xattr(&self, name: &[u8]) -> Result<Vec<u8>> {
        self.may_have_xattr(name)?;
        self.xattrs.borrow().get(name).cloned().ok_or(Errno::ENODATA)
    }

    fn set_xattr(&self, name: &[u8], value: &[u8], flags: i32) -> Result<()> {
        const CREATE: i32 = 1;
        const REPLACE: i32 = 2;
        self.may_have_xattr(name)?;
        let mut xattrs = self.xattrs.borrow_mut();
        match (flags, xattrs.contains_key(name)) {
            (CREATE, true) => return Err(Errno::EEXIST),
            (REPLACE, false) => return Err(Errno::ENODATA),
            _ => xattrs.insert(name.to_vec(), value.to_vec()),
        };
        self.changed();
        Ok(())
    }

    fn list_xattr(&self) -> Result<Vec<Vec<u8>>> {
        Ok(self.xattrs.borrow().keys().cloned().collect())
    }

    fn remove_xattr(&self, name: &[u8]) -> Result<()> {
        self.may_have_xattr(name)?;
        self.xattrs.borrow_mut().remove(name).ok_or(Errno::ENODATA)?;
        self.changed();
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
