//! Directories of a tmpfs.

use super::inode::{Kind, TmpInode};
use crate::error::{Errno, Result};
use crate::fs::dcache::hash;
use crate::fs::inode::DirEntry;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use hashbrown::HashTable;

/// Flags of renameat2(2).
const NOREPLACE: u32 = 1;
const EXCHANGE: u32 = 2;

/// Entries by name, and in order of creation: a listing that is read in pieces neither repeats nor skips what stays.
#[derive(Default)]
pub(super) struct Dir {
    by_name: HashTable<(u64, Entry)>,
    by_cookie: BTreeMap<u64, Entry>,
    last_cookie: u64,
}

#[derive(Clone)]
struct Entry {
    name: Rc<[u8]>,
    inode: Rc<TmpInode>,
    cookie: u64,
}

/// How many entries one call of `read_dir` gives.
const BATCH: usize = 256;

impl Dir {
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Rc<TmpInode>> {
        self.by_name.find(hash(name), |(_, e)| *e.name == *name).map(|(_, e)| &e.inode)
    }

    pub(super) fn into_inodes(self) -> Vec<Rc<TmpInode>> {
        self.by_name.into_iter().map(|(_, entry)| entry.inode).collect()
    }

    fn insert(&mut self, name: &[u8], inode: Rc<TmpInode>) {
        self.remove(name);
        self.last_cookie += 1;
        let entry = Entry { name: name.into(), inode, cookie: self.last_cookie };
        self.by_cookie.insert(self.last_cookie, entry.clone());
        let hash = hash(name);
        self.by_name.insert_unique(hash, (hash, entry), |(hash, _)| *hash);
    }

    fn remove(&mut self, name: &[u8]) {
        if let Ok(found) = self.by_name.find_entry(hash(name), |(_, e)| *e.name == *name) {
            let ((_, entry), _) = found.remove();
            self.by_cookie.remove(&entry.cookie);
        }
    }

    pub(super) fn list(&self, cookie: u64) -> Vec<(DirEntry, u64)> {
        let entry = |(cookie, e): (&u64, &Entry)| {
            let kind = e.inode.kind_bits();
            (DirEntry { ino: e.inode.ino, kind, name: e.name.to_vec() }, *cookie)
        };
        self.by_cookie.range(cookie + 1..).map(entry).take(BATCH).collect()
    }
}

impl TmpInode {
    /// Enters a file; a directory's own `..` counts as a link to this one.
    pub(super) fn add(&self, name: &[u8], inode: &Rc<TmpInode>) -> Result<()> {
        let mut dir = self.dir()?.borrow_mut();
        if self.nlink.get() == 0 {
            return Err(Errno::ENOENT);
        }
        if dir.get(name).is_some() {
            return Err(Errno::EEXIST);
        }
        dir.insert(name, inode.clone());
        if inode.is_dir() {
            self.nlink.set(self.nlink.get() + 1);
        }
        self.modified();
        Ok(())
    }

    fn is_dir(&self) -> bool {
        matches!(self.kind, Kind::Directory(_))
    }

    fn entry(&self, name: &[u8]) -> Result<Rc<TmpInode>> {
        self.dir()?.borrow().get(name).cloned().ok_or(Errno::ENOENT)
    }

    pub(super) fn remove_file(&self, name: &[u8]) -> Result<()> {
        let inode = self.entry(name)?;
        if inode.is_dir() {
            return Err(Errno::EISDIR);
        }
        self.dir()?.borrow_mut().remove(name);
        inode.nlink.set(inode.nlink.get() - 1);
        inode.changed();
        self.modified();
        Ok(())
    }

    pub(super) fn remove_dir(&self, name: &[u8]) -> Result<()> {
        let inode = self.entry(name)?;
        if inode.dir()?.borrow().len() > 0 {
            return Err(Errno::ENOTEMPTY);
        }
        self.dir()?.borrow_mut().remove(name);
        inode.nlink.set(0);
        inode.changed();
        self.nlink.set(self.nlink.get() - 1);
        self.modified();
        Ok(())
    }

    pub(super) fn rename_to(&self, name: &[u8], to_dir: &TmpInode, to: &[u8], flags: u32) -> Result<()> {
        let moved = self.entry(name)?;
        let target = to_dir.entry(to).ok();
        if to_dir.nlink.get() == 0 {
            return Err(Errno::ENOENT);
        }
        if flags & EXCHANGE != 0 {
            let target = target.ok_or(Errno::ENOENT)?;
            self.dir()?.borrow_mut().insert(name, target.clone());
            to_dir.dir()?.borrow_mut().insert(to, moved.clone());
            self.count_dirs(i64::from(target.is_dir()) - i64::from(moved.is_dir()));
            to_dir.count_dirs(i64::from(moved.is_dir()) - i64::from(target.is_dir()));
            target.changed();
        } else {
            match target {
                Some(_) if flags & NOREPLACE != 0 => return Err(Errno::EEXIST),
                Some(target) if target.is_dir() => to_dir.remove_dir(to)?,
                Some(_) => to_dir.remove_file(to)?,
                None => {}
            }
            self.dir()?.borrow_mut().remove(name);
            to_dir.dir()?.borrow_mut().insert(to, moved.clone());
            self.count_dirs(-i64::from(moved.is_dir()));
            to_dir.count_dirs(i64::from(moved.is_dir()));
        }
        moved.changed();
        self.modified();
        to_dir.modified();
        Ok(())
    }

    fn count_dirs(&self, change: i64) {
        self.nlink.set((i64::from(self.nlink.get()) + change) as u32);
    }
}
