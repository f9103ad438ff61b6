//! Open files of a tmpfs, and memory objects that have no name: memfds, shared anonymous memory.

use super::TmpFs;
use super::inode::TmpInode;
use crate::env::Env;
use crate::error::{Errno, Result};
use crate::fs::Mounts;
use crate::fs::file::{File, FileOps, MapRequest, Piece, Seek, oflag};
use crate::fs::inode::{Attr, Inode, NewFile, SetAttr, mode};
use crate::fs::mount::flag;
use crate::fs::path::Node;
use crate::user::{Dst, Src};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;
use core::cell::Cell;
use llano_abi::names::{
    F_SEAL_EXEC, F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE,
};
use llano_machine::space::{Sharing, WRITE};

/// What can no longer be done to a file (`F_ADD_SEALS` of fcntl(2)).
#[derive(Debug)]
pub struct Seals(Cell<u32>);

impl Seals {
    /// A file that takes no seals.
    pub(super) fn none_allowed() -> Seals {
        Seals(Cell::new(F_SEAL_SEAL))
    }

    /// The seals.
    pub fn get(&self) -> u32 {
        self.0.get()
    }

    /// Adds seals.
    ///
    /// # Errors
    /// `EPERM` if the file takes no more, `EINVAL` for unknown ones.
    pub fn add(&self, seals: u32) -> Result<()> {
        const ALL: u32 =
            F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC;
        if seals & !ALL != 0 {
            return Err(Errno::EINVAL);
        }
        if self.0.get() & F_SEAL_SEAL != 0 {
            return Err(Errno::EPERM);
        }
        self.0.set(self.0.get() | seals);
        Ok(())
    }

    fn forbid(&self, seals: u32) -> Result<()> {
        if self.0.get() & seals != 0 { Err(Errno::EPERM) } else { Ok(()) }
    }

    pub(super) fn allow_write(&self) -> Result<()> {
        self.forbid(F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
    }

    pub(super) fn allow_resize(&self, from: u64, to: u64) -> Result<()> {
        match to.cmp(&from) {
            core::cmp::Ordering::Less => self.forbid(F_SEAL_SHRINK),
            core::cmp::Ordering::Equal => Ok(()),
            core::cmp::Ordering::Greater => self.forbid(F_SEAL_GROW),
        }
    }

    pub(super) fn allow_chmod(&self, from: u32, to: u32) -> Result<()> {
        if (from ^ to) & 0o111 != 0 { self.forbid(F_SEAL_EXEC) } else { Ok(()) }
    }
}

/// An open regular file.
pub struct TmpFile {
    inode: Rc<TmpInode>,
}

impl TmpFile {
    pub(super) fn new(inode: Rc<TmpInode>) -> TmpFile {
        TmpFile { inode }
    }

    /// The file's seals.
    pub fn seals(&self) -> &Seals {
        &self.inode.seals
    }
}

impl FileOps for TmpFile {
    fn read(&self, file: &File, dst: &mut Dst<'_>, at: u64) -> Result<usize> {
        let n = self.inode.content()?.borrow().read(dst, at)?;
        let quiet = file.flags.get() & oflag::NOATIME != 0
            || file.path.as_ref().is_some_and(|p| p.mount.flags.get() & flag::NOATIME != 0);
        if !quiet {
            self.inode.accessed();
        }
        Ok(n)
    }

    fn write(&self, _: &File, src: &mut Src<'_>, at: u64) -> Result<usize> {
        self.inode.seals.allow_write()?;
        let size = self.inode.size();
        self.inode.seals.allow_resize(size, size.max(at + src.left() as u64))?;
        let n = self.inode.with_content(|content, budget| content.write(src, at, budget))?;
        self.inode.modified();
        Ok(n)
    }

    fn seek(&self) -> Seek {
        Seek::Bytes(self.inode.size())
    }

    fn next(&self, what: Piece, at: u64, _: u64) -> Result<u64> {
        self.inode.content()?.borrow().next(what, at)
    }

    fn map(&self, _: &File, request: &MapRequest) -> Result<u64> {
        if request.sharing == Sharing::Shared && request.prot & WRITE != 0 {
            self.inode.seals.allow_write()?;
        }
        self.inode.with_content(|content, budget| content.map(request, budget))
    }

    fn attr(&self) -> Attr {
        self.inode.attr().unwrap_or_default()
    }

    fn label(&self) -> String {
        // Only shared anonymous memory has no path; Linux shows it so.
        "/dev/zero (deleted)".into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Shared anonymous memory of `size` bytes, as a file to map.
///
/// # Errors
/// None today; mapping it may say `ENOMEM`.
pub fn anonymous(env: &Rc<Env>, size: u64) -> Result<Rc<File>> {
    let new = NewFile { mode: mode::REG | 0o666, uid: 0, gid: 0, rdev: 0 };
    let inode = TmpInode::new(&TmpFs::internal(env), &new);
    inode.nlink.set(0);
    inode.set_attr(&SetAttr { size: Some(size), ..SetAttr::default() })?;
    Ok(File::new(Box::new(TmpFile { inode }), oflag::RDWR, None))
}

/// What memfd_create(2) makes. `new` gives owner and permissions, `seals` the initial seals.
pub fn memfd(env: &Rc<Env>, mounts: &Mounts, name: &[u8], new: &NewFile, seals: u32) -> Rc<File> {
    let inode = TmpInode::new(&TmpFs::internal(env), new);
    inode.nlink.set(0);
    inode.seals.0.set(seals);
    let node = Node::detached(&[b"memfd:", name].concat(), inode.clone());
    node.deleted.set(true);
    let path = mounts.detached("tmpfs", node);
    File::new(Box::new(TmpFile { inode }), oflag::RDWR | oflag::LARGEFILE, Some(path))
}
