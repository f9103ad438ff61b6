//! Open files of /proc, and files that only descriptors name, reached through /proc/PID/fd.

use super::{Answer, Query, Who};
use crate::cred::Cred;
use crate::env::Env;
use crate::error::{Errno, Result};
use crate::fs::file::{File, FileOps, Seek};
use crate::fs::inode::{Attr, Inode, StatFs};
use crate::user::{Dst, Src};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;

/// The longest write that a file takes at once.
const WRITE_MAX: usize = 4096;

/// The most of a process's memory that one read takes.
const READ_MAX: usize = 1 << 20;

/// A file with text: made when it is read from the start, so that a reader who takes it in pieces gets one state.
pub(super) struct TextFile {
    env: Rc<Env>,
    query: Query,
    text: RefCell<Option<Vec<u8>>>,
}

impl TextFile {
    pub(super) fn new(env: &Rc<Env>, query: Query) -> TextFile {
        TextFile { env: env.clone(), query, text: RefCell::default() }
    }
}

impl FileOps for TextFile {
    fn read(&self, _: &File, dst: &mut Dst<'_>, at: u64) -> Result<usize> {
        let mut text = self.text.borrow_mut();
        if at == 0 || text.is_none() {
            let Answer::Text(fresh) = self.env.questions.ask(self.query.clone())? else {
                return Err(Errno::EIO);
            };
            *text = Some(fresh);
        }
        let text = text.as_deref().unwrap_or_default();
        let rest = text.get(at as usize..).unwrap_or_default();
        if rest.is_empty() { Ok(0) } else { dst.put(rest) }
    }

    fn write(&self, _: &File, src: &mut Src<'_>, _: u64) -> Result<usize> {
        let Query::Text(who, name) = self.query else { return Err(Errno::EINVAL) };
        let mut bytes = vec![0; src.left().min(WRITE_MAX)];
        let n = src.take(&mut bytes)?;
        bytes.truncate(n);
        match self.env.questions.ask(Query::Store(who, name, bytes))? {
            Answer::Done(n) => Ok(n),
            _ => Err(Errno::EIO),
        }
    }

    fn seek(&self) -> Seek {
        Seek::Bytes(self.text.borrow().as_ref().map_or(0, |text| text.len() as u64))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A process's memory by address.
pub(super) struct MemoryFile {
    env: Rc<Env>,
    who: Who,
}

impl MemoryFile {
    pub(super) fn new(env: &Rc<Env>, who: Who) -> MemoryFile {
        MemoryFile { env: env.clone(), who }
    }
}

impl FileOps for MemoryFile {
    fn read(&self, _: &File, dst: &mut Dst<'_>, at: u64) -> Result<usize> {
        match self.env.questions.ask(Query::Memory(self.who, at, dst.left().min(READ_MAX)))? {
            Answer::Text(bytes) => dst.put(&bytes),
            _ => Err(Errno::EIO),
        }
    }

    fn write(&self, _: &File, src: &mut Src<'_>, at: u64) -> Result<usize> {
        let mut bytes = vec![0; src.left().min(WRITE_MAX)];
        let n = src.take(&mut bytes)?;
        bytes.truncate(n);
        match self.env.questions.ask(Query::StoreMemory(self.who, at, bytes))? {
            Answer::Done(n) => Ok(n),
            _ => Err(Errno::EIO),
        }
    }

    fn seek(&self) -> Seek {
        Seek::Bytes(0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What /proc/PID/fd/N leads to if the file has no path: opening it opens the same pipe again.
pub struct FdInode(Rc<File>);

impl FdInode {
    /// The file, as an inode.
    pub fn inode(file: Rc<File>) -> Rc<dyn Inode> {
        Rc::new(FdInode(file))
    }

    /// The file.
    pub fn file(&self) -> &Rc<File> {
        &self.0
    }
}

impl Inode for FdInode {
    fn attr(&self) -> Result<Attr> {
        Ok(self.0.ops().attr())
    }

    fn open(&self, _: &Rc<dyn Inode>, flags: u32, _: &Cred) -> Result<Box<dyn FileOps>> {
        self.0.ops().reopen(flags)
    }

    fn statfs(&self) -> Result<StatFs> {
        /// `PIPEFS_MAGIC`.
        const MAGIC: u64 = 0x5049_5045;
        Ok(StatFs { magic: MAGIC, bsize: 4096, namelen: 255, ..StatFs::default() })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
