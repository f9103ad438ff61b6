//! Open files that are still below, and merged listings.

use super::{Change, OverlayInode};
use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::fs::file::{File, FileOps, MapRequest, Positions, Seek, oflag};
use crate::fs::inode::{DirEntry, Inode};
use crate::user::Dst;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{OnceCell, RefCell};

/// Entries given at a time.
const PORTION: usize = 512;

/// A lower file open for reading. Once somebody copies the file up, this one sees the upper one, too.
pub(super) struct LowerFile {
    inode: Rc<OverlayInode>,
    lower: Box<dyn FileOps>,
    upper: OnceCell<Box<dyn FileOps>>,
}

impl LowerFile {
    pub(super) fn new(inode: Rc<OverlayInode>, lower: Box<dyn FileOps>) -> LowerFile {
        LowerFile { inode, lower, upper: OnceCell::new() }
    }

    fn ops(&self) -> &dyn FileOps {
        if let Some(upper) = self.upper.get() {
            return &**upper;
        }
        let Some(upper) = self.inode.upper() else { return &*self.lower };
        match upper.open(&upper, oflag::RDONLY, &Cred::new(0, 0, Vec::new())) {
            Ok(ops) => &**self.upper.get_or_init(|| ops),
            Err(_) => &*self.lower,
        }
    }
}

impl FileOps for LowerFile {
    fn read(&self, file: &File, dst: &mut Dst<'_>, at: u64) -> Result<usize> {
        self.ops().read(file, dst, at)
    }

    fn seek(&self) -> Seek {
        self.ops().seek()
    }

    fn positions(&self) -> Positions {
        self.ops().positions()
    }

    fn map(&self, file: &File, request: &MapRequest) -> Result<u64> {
        self.ops().map(file, request)
    }

    fn maps_host_file(&self) -> bool {
        self.ops().maps_host_file()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An open directory: what was in it when it was opened or rewound, as positions must stay what they are.
#[derive(Default)]
pub(super) struct OverlayDir {
    entries: RefCell<Vec<DirEntry>>,
}

impl OverlayDir {
    pub(super) fn list(&self, inode: &OverlayInode, cookie: u64) -> Result<Vec<(DirEntry, u64)>> {
        if cookie == 0 {
            *self.entries.borrow_mut() = inode.merged()?;
        }
        let entries = self.entries.borrow();
        let start = (cookie as usize).min(entries.len());
        let numbered = (start as u64 + 1..).zip(&entries[start..]);
        Ok(numbered.take(PORTION).map(|(next, entry)| (entry.clone(), next)).collect())
    }
}

impl FileOps for OverlayDir {
    fn read(&self, _: &File, _: &mut Dst<'_>, _: u64) -> Result<usize> {
        Err(Errno::EISDIR)
    }

    fn seek(&self) -> Seek {
        Seek::Directory
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl OverlayInode {
    /// All entries of this directory: each name once.
    fn merged(&self) -> Result<Vec<DirEntry>> {
        let changed = self.changed();
        let hidden: BTreeSet<&[u8]> = changed.iter().map(|(name, _)| &name[..]).collect();
        let mut entries = match self.lower() {
            Some(lower) => list(&lower)?,
            None => Vec::new(),
        };
        entries.retain(|entry| !hidden.contains(&entry.name[..]));
        for (name, change) in &changed {
            if let Change::Entry(inode) = change {
                entries.push(DirEntry { ino: inode.id.1, kind: inode.kind, name: name.clone() });
            }
        }
        Ok(entries)
    }

    /// Whether this directory has no entries.
    pub(super) fn is_empty(&self) -> Result<bool> {
        Ok(self.merged()?.is_empty())
    }
}

/// All entries of a lower directory.
fn list(dir: &Rc<dyn Inode>) -> Result<Vec<DirEntry>> {
    let flags = oflag::RDONLY | oflag::DIRECTORY;
    let file = File::new(dir.open(dir, flags, &Cred::new(0, 0, Vec::new()))?, flags, None);
    let (mut all, mut cookie) = (Vec::new(), 0);
    loop {
        let some = dir.read_dir(&file, cookie)?;
        let Some((_, next)) = some.last() else { return Ok(all) };
        cookie = *next;
        all.extend(some.into_iter().map(|(entry, _)| entry));
    }
}
