//! Files of the guest's root, for tools: a debugger reads programs and libraries from where the guest has them.

use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::exec::load::read_some;
use crate::fs::Path;
use crate::fs::file::{File, oflag};
use crate::fs::inode::{Attr, mode};
use crate::fs::namei::{Follow, WalkCx, walk};
use crate::kernel::Kernel;
use crate::task::Pid;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

/// The most that one read returns.
const READ_MAX: usize = 1 << 20;

impl Kernel {
    /// Opens a regular file of the root, as root would; returns a number for the other calls, and its attributes.
    ///
    /// # Errors
    /// Those of open(2); `EACCES`: not a regular file.
    pub fn tool_open(&mut self, path: &[u8]) -> Result<(usize, Attr)> {
        self.tool_open_below(self.mounts.root(), path)
    }

    /// Opens a file as [`Kernel::tool_open`], but where a process has its root.
    ///
    /// # Errors
    /// As there; `ESRCH`: no such process.
    pub fn tool_open_in(&mut self, pid: Pid, path: &[u8]) -> Result<(usize, Attr)> {
        let root = self.tables.tasks().find(|t| t.pid == pid).map(|t| t.fs.borrow().root.clone());
        self.tool_open_below(root.ok_or(Errno::ESRCH)?, path)
    }

    /// Where `exe`, `cwd` or `root` of a process leads, as /proc has it.
    ///
    /// # Errors
    /// `ESRCH`: no such process. `ENOENT`: no such link.
    pub fn tool_link(&self, pid: Pid, name: &[u8]) -> Result<Vec<u8>> {
        let task = self.tables.tasks().find(|t| t.pid == pid).ok_or(Errno::ESRCH)?;
        let fs = task.fs.borrow();
        let path = match name {
            b"cwd" => Some(fs.cwd.clone()),
            b"root" => Some(fs.root.clone()),
            b"exe" => self.tables.process(pid).and_then(|p| p.exe.clone()),
            _ => None,
        };
        Ok(path.ok_or(Errno::ENOENT)?.to_bytes(&self.mounts.root()))
    }

    fn tool_open_below(&mut self, root: Path, path: &[u8]) -> Result<(usize, Attr)> {
        let cred = Cred::new(0, 0, Vec::new());
        let cx = WalkCx { mounts: &self.mounts, root: &root, cred: &cred, resolve: 0 };
        let place = walk(&cx, &root, path, Follow::Yes)?;
        let inode = &place.node.inode;
        let attr = inode.attr()?;
        if attr.kind() != mode::REG {
            return Err(Errno::EACCES);
        }
        let ops = inode.open(inode, oflag::RDONLY, &cred)?;
        let file: Rc<File> = File::new(ops, oflag::RDONLY, Some(place.clone()));
        let free = self.debug.files.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.debug.files.push(None);
            self.debug.files.len() - 1
        });
        self.debug.files[at] = Some(file);
        Ok((at, attr))
    }

    /// Reads up to `len` bytes at `offset`; less only at the end of the file.
    ///
    /// # Errors
    /// `EBADF`, or what the filesystem says.
    pub fn tool_read(&self, number: usize, offset: u64, len: usize) -> Result<Vec<u8>> {
        let file = self.debug.files.get(number).and_then(Option::as_ref).ok_or(Errno::EBADF)?;
        let mut buf = vec![0; len.min(READ_MAX)];
        let n = read_some(file, offset, &mut buf)?;
        buf.truncate(n);
        Ok(buf)
    }

    /// Closes a file that [`Kernel::tool_open`] opened.
    pub fn tool_close(&mut self, number: usize) -> Result<()> {
        let slot = self.debug.files.get_mut(number).ok_or(Errno::EBADF)?;
        slot.take().map(drop).ok_or(Errno::EBADF)
    }
}
