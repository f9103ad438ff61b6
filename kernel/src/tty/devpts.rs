//! The filesystem of `/dev/pts`: a name for each pty slave, and `ptmx`.

use super::devices::Terminals;
use super::terminal::TtyRef;
use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::fs::file::{Directory, File, FileOps};
use crate::fs::inode::{Attr, DirEntry, Inode, SetAttr, StatFs, mode};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::any::Any;

/// Device number of the filesystem.
const DEV: u64 = 0x15;
/// `DEVPTS_SUPER_MAGIC`.
const MAGIC: u64 = 0x1cd1;
/// Inode numbers: the directory, ptmx, and the first slave.
const INO: [u64; 3] = [1, 2, 3];

/// The directory.
pub struct DevPts(Rc<Terminals>);

impl DevPts {
    /// The filesystem's top, over this table.
    pub fn root(table: &Rc<Terminals>) -> Rc<dyn Inode> {
        Rc::new(DevPts(table.clone()))
    }
}

fn statfs() -> StatFs {
    StatFs { magic: MAGIC, bsize: 4096, namelen: 255, ..StatFs::default() }
}

impl Inode for DevPts {
    fn attr(&self) -> Result<Attr> {
        Ok(Attr {
            dev: DEV,
            ino: INO[0],
            mode: mode::DIR | 0o755,
            nlink: 2,
            blksize: 1024,
            ..Attr::default()
        })
    }

    fn lookup(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        if name == b"ptmx" {
            return Ok(Rc::new(Ptmx(self.0.clone())));
        }
        let number: usize =
            core::str::from_utf8(name).ok().and_then(|n| n.parse().ok()).ok_or(Errno::ENOENT)?;
        // One name a slave: not `007`, not `+7`.
        if number.to_string().as_bytes() != name {
            return Err(Errno::ENOENT);
        }
        let terminal = self.0.pty(number).ok_or(Errno::ENOENT)?;
        Ok(Rc::new(Slave { table: self.0.clone(), terminal }))
    }

    fn open(&self, _: &Rc<dyn Inode>, _: u32, _: &Cred) -> Result<Box<dyn FileOps>> {
        Ok(Box::new(Directory))
    }

    fn read_dir(&self, _: &File, cookie: u64) -> Result<Vec<(DirEntry, u64)>> {
        let entry = |ino, name: &str| DirEntry { ino, kind: mode::CHR, name: name.as_bytes().to_vec() };
        let ptmx = (entry(INO[1], "ptmx"), 1);
        let slaves = self.0.numbers().into_iter().map(|number| {
            let number = number as u64;
            (entry(INO[2] + number, &number.to_string()), number + 2)
        });
        Ok(core::iter::once(ptmx).chain(slaves).filter(|(_, behind)| *behind > cookie).collect())
    }

    fn statfs(&self) -> Result<StatFs> {
        Ok(statfs())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What stat(2) tells of a slave.
pub(super) fn slave_attr(terminal: &TtyRef) -> Attr {
    let (permissions, uid, gid) = terminal.owner.get();
    let made = terminal.made as i64;
    Attr {
        dev: DEV,
        ino: INO[2] + terminal.look(|pair| u64::from(pair.number())),
        mode: mode::CHR | permissions,
        nlink: 1,
        uid,
        gid,
        rdev: terminal.rdev(),
        blksize: 1024,
        atime: made,
        mtime: made,
        ctime: made,
        ..Attr::default()
    }
}

/// What stat(2) tells of `ptmx`.
pub(super) fn ptmx_attr() -> Attr {
    let mode = mode::CHR | 0o666;
    Attr { dev: DEV, ino: INO[1], mode, nlink: 1, rdev: 5 << 8 | 2, blksize: 1024, ..Attr::default() }
}

/// `ptmx`: each opening makes a pair.
struct Ptmx(Rc<Terminals>);

impl Inode for Ptmx {
    fn attr(&self) -> Result<Attr> {
        Ok(ptmx_attr())
    }

    fn open(&self, _: &Rc<dyn Inode>, _: u32, cred: &Cred) -> Result<Box<dyn FileOps>> {
        self.0.open_ptmx(cred)
    }

    fn statfs(&self) -> Result<StatFs> {
        Ok(statfs())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A slave.
struct Slave {
    table: Rc<Terminals>,
    terminal: TtyRef,
}

impl Inode for Slave {
    fn attr(&self) -> Result<Attr> {
        Ok(slave_attr(&self.terminal))
    }

    fn set_attr(&self, set: &SetAttr) -> Result<()> {
        let (permissions, uid, gid) = self.terminal.owner.get();
        let owner = (set.mode.unwrap_or(permissions), set.uid.unwrap_or(uid), set.gid.unwrap_or(gid));
        self.terminal.owner.set(owner);
        Ok(())
    }

    fn open(&self, _: &Rc<dyn Inode>, _: u32, cred: &Cred) -> Result<Box<dyn FileOps>> {
        self.table.open(&self.terminal, cred)
    }

    fn statfs(&self) -> Result<StatFs> {
        Ok(statfs())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Terminals {
    /// Opens a terminal by device number: 5:1 the console, 5:2 a new pair, 136 and following a slave. `None`:
    /// the number is no terminal's. 5:0, `/dev/tty`, is the caller's own and so not for this table to open.
    pub fn open_device(&self, rdev: u64, cred: &Cred) -> Option<Result<Box<dyn FileOps>>> {
        let minor = (rdev & 0xff) | (rdev >> 12 & !0xff);
        match (rdev >> 8 & 0xfff, minor) {
            (5, 1) => Some(self.console().ok_or(Errno::EIO).and_then(|console| self.open(&console, cred))),
            (5, 2) => Some(self.open_ptmx(cred)),
            (136, number) => {
                Some(self.pty(number as usize).ok_or(Errno::EIO).and_then(|pty| self.open(&pty, cred)))
            }
            _ => None,
        }
    }
}
