//! Inodes: what a filesystem offers for a file, whether or not it is open.
//!
//! Filesystems are nouns: they know no task. Permissions are checked by the walk ([`super`]) from [`Attr`], not here.

use super::file::{File, FileOps};
use crate::cred::Cred;
use crate::error::{Errno, Result};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::Cell;
use llano_machine::clock;

/// File types, as the top bits of a mode (inode(7)).
#[allow(missing_docs)]
pub mod mode {
    pub const FMT: u32 = 0o170000;
    pub const SOCK: u32 = 0o140000;
    pub const LNK: u32 = 0o120000;
    pub const REG: u32 = 0o100000;
    pub const BLK: u32 = 0o060000;
    pub const DIR: u32 = 0o040000;
    pub const CHR: u32 = 0o020000;
    pub const FIFO: u32 = 0o010000;
    pub const SETUID: u32 = 0o4000;
    pub const SETGID: u32 = 0o2000;
    pub const STICKY: u32 = 0o1000;
}

/// What stat(2) tells. Times are nanoseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attr {
    /// Device and inode number: the file's identity.
    pub dev: u64,
    /// See `dev`.
    pub ino: u64,
    /// Type and permissions.
    pub mode: u32,
    /// Hard links.
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number of a device file.
    pub rdev: u64,
    /// Bytes.
    pub size: u64,
    /// 512-byte blocks.
    pub blocks: u64,
    /// Preferred transfer size.
    pub blksize: u32,
    /// Last access.
    pub atime: i64,
    /// Last change of contents.
    pub mtime: i64,
    /// Last change of the inode.
    pub ctime: i64,
    /// Creation; 0 if unknown.
    pub btime: i64,
}

impl Attr {
    /// The type bits.
    pub fn kind(&self) -> u32 {
        self.mode & mode::FMT
    }

    /// It is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind() == mode::DIR
    }
}

/// Who may do what with a file: what a walk asks of the directories it goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// Type and permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl From<&Attr> for Permissions {
    fn from(attr: &Attr) -> Permissions {
        Permissions { mode: attr.mode, uid: attr.uid, gid: attr.gid }
    }
}

/// Whether the node of a file is worth remembering when nobody stands on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It is cheap to make, or may say something else the next time.
    Not,
    /// It costs some memory.
    Ram,
    /// It costs a descriptor of the host, and what it says must be verified.
    Host,
}

/// One walk, for filesystems that verify what they remember of the host: once a walk.
#[derive(Debug, Default)]
pub struct Moment {
    verified: Cell<bool>,
    /// What is found next will probably be opened for reading.
    pub reading: Cell<bool>,
}

impl Moment {
    /// Whether this is the first question of the walk.
    pub fn first(&self) -> bool {
        !self.verified.replace(true)
    }
}

/// Attributes that a look-up has just learned, kept for the first question about what was found. They are told once,
/// and only at once: the host may change the file at any time.
#[derive(Debug, Default)]
pub struct Fresh(Cell<Option<(u64, Attr)>>);

impl Fresh {
    /// How long "at once" is, in ticks of the time-stamp counter: less than it takes to switch to another process.
    const TICKS: u64 = 50_000;

    /// Just learned.
    pub fn new(attr: Attr) -> Fresh {
        Fresh(Cell::new(Some((clock::tsc(), attr))))
    }

    /// Learned again.
    pub fn learn(&self, attr: Attr) {
        self.0.set(Some((clock::tsc(), attr)));
    }

    /// The attributes, if they are still fresh, without making them stale.
    pub fn peek(&self) -> Option<Attr> {
        let (learned, attr) = self.0.get()?;
        (clock::tsc().wrapping_sub(learned) < Fresh::TICKS).then_some(attr)
    }

    /// The attributes, the first time, if they are still fresh.
    pub fn take(&self) -> Option<Attr> {
        let (learned, attr) = self.0.take()?;
        (clock::tsc().wrapping_sub(learned) < Fresh::TICKS).then_some(attr)
    }
}

/// What chmod, chown, utimensat and truncate change; `None` stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct SetAttr {
    /// Permission bits (0o7777).
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// Access time, ns.
    pub atime: Option<i64>,
    /// Modification time, ns.
    pub mtime: Option<i64>,
}

/// What a new file shall be.
#[derive(Debug, Clone, Copy)]
pub struct NewFile {
    /// Type and permissions, umask applied.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number for device files.
    pub rdev: u64,
}

/// One entry of a directory listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// Inode number.
    pub ino: u64,
    /// Type bits of the mode (`mode::DIR`, ...); 0 if unknown.
    pub kind: u32,
    /// Name.
    pub name: Vec<u8>,
}

/// statfs(2).
#[derive(Debug, Clone, Copy, Default)]
pub struct StatFs {
    /// Filesystem magic.
    pub magic: u64,
    /// Block size.
    pub bsize: u64,
    /// Blocks: all, free, available to users.
    pub blocks: [u64; 3],
    /// Inodes: all, free.
    pub files: [u64; 2],
    /// Longest name.
    pub namelen: u64,
    /// Mount flags (`ST_*`).
    pub flags: u64,
}

/// A file of a filesystem. Directory methods get single names: never empty, `.`, `..` or with a slash.
pub trait Inode: Any {
    /// What stat(2) tells.
    fn attr(&self) -> Result<Attr>;

    /// Device and inode number, which never change.
    fn id(&self) -> Result<(u64, u64)> {
        self.attr().map(|attr| (attr.dev, attr.ino))
    }

    /// Type bits of the mode, which never change.
    fn kind(&self) -> Result<u32> {
        self.attr().map(|attr| attr.kind())
    }

    /// Who may do what with it now.
    fn permissions(&self, now: &Moment) -> Result<Permissions> {
        let _ = now;
        self.attr().map(|attr| Permissions::from(&attr))
    }

    /// Whether its node is worth remembering.
    fn keep(&self) -> Keep {
        Keep::Not
    }

    /// Whether an entry of this directory is the file that was found there before: `false` says "look it up".
    ///
    /// # Errors
    /// As [`Inode::lookup`].
    fn still(&self, name: &[u8], found: &Rc<dyn Inode>, now: &Moment) -> Result<bool> {
        let _ = (name, found, now);
        Ok(false)
    }

    /// What stat(2) tells of an entry of this directory, if that is cheaper than getting hold of the file.
    ///
    /// # Errors
    /// As [`Inode::lookup`].
    fn glance(&self, name: &[u8]) -> Result<Option<Attr>> {
        let _ = name;
        Ok(None)
    }

    /// Changes attributes.
    fn set_attr(&self, set: &SetAttr) -> Result<()> {
        let _ = set;
        Err(Errno::EROFS)
    }

    /// Finds an entry of a directory.
    fn lookup(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        let _ = name;
        Err(Errno::ENOTDIR)
    }

    /// Finds an entry that will probably be opened for reading next.
    ///
    /// # Errors
    /// As [`Inode::lookup`].
    fn lookup_to_read(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        self.lookup(name)
    }

    /// Makes a file, directory, FIFO, socket or device; `EEXIST` if the name is taken.
    fn create(&self, name: &[u8], new: &NewFile) -> Result<Rc<dyn Inode>> {
        let _ = (name, new);
        Err(Errno::EROFS)
    }

    /// Makes a regular file and opens it, whatever its permissions allow (open(2) with O_CREAT).
    fn create_open(
        &self,
        name: &[u8],
        new: &NewFile,
        flags: u32,
        cred: &Cred,
    ) -> Result<(Rc<dyn Inode>, Box<dyn FileOps>)> {
        let inode = self.create(name, new)?;
        let ops = inode.open(&inode, flags, cred)?;
        Ok((inode, ops))
    }

    /// Makes a file without a name on the filesystem of this directory (O_TMPFILE); [`Inode::link`] may name it unless the
    /// open flags have O_EXCL.
    fn tmpfile(&self, new: &NewFile, flags: u32) -> Result<Rc<dyn Inode>> {
        let _ = (new, flags);
        Err(Errno::EOPNOTSUPP)
    }

    /// Makes a symbolic link.
    fn symlink(&self, name: &[u8], target: &[u8], new: &NewFile) -> Result<Rc<dyn Inode>> {
        let _ = (name, target, new);
        Err(Errno::EROFS)
    }

    /// Makes a hard link to an inode of the same filesystem.
    fn link(&self, name: &[u8], to: &Rc<dyn Inode>) -> Result<()> {
        let _ = (name, to);
        Err(Errno::EPERM)
    }

    /// Removes an entry that is not a directory (`EISDIR`).
    fn unlink(&self, name: &[u8]) -> Result<()> {
        let _ = name;
        Err(Errno::EROFS)
    }

    /// Removes an empty directory (`ENOTEMPTY`, `ENOTDIR`).
    fn rmdir(&self, name: &[u8]) -> Result<()> {
        let _ = name;
        Err(Errno::EROFS)
    }

    /// renameat2(2) within the filesystem; `flags` as there. The walk has checked types and ancestry.
    fn rename(&self, name: &[u8], to_dir: &Rc<dyn Inode>, to: &[u8], flags: u32) -> Result<()> {
        let _ = (name, to_dir, to, flags);
        Err(Errno::EROFS)
    }

    /// The target of a symbolic link.
    fn readlink(&self) -> Result<Vec<u8>> {
        Err(Errno::EINVAL)
    }

    /// A magic link (/proc/PID/fd/N, exe, cwd): where it leads without a path. `None`: an ordinary link.
    fn follow(&self) -> Option<super::Path> {
        None
    }

    /// Opens a regular file or directory, emptying the file for O_TRUNC. `this` is the inode itself, as the caller
    /// holds it. FIFOs, sockets and devices are opened by what they are, not by the filesystem: `ENXIO`.
    fn open(&self, this: &Rc<dyn Inode>, flags: u32, cred: &Cred) -> Result<Box<dyn FileOps>>;

    /// Lists a directory from a cookie on (0: the start), without `.` and `..`: entries, each with the cookie behind it.
    fn read_dir(&self, file: &File, cookie: u64) -> Result<Vec<(DirEntry, u64)>> {
        let _ = (file, cookie);
        Err(Errno::ENOTDIR)
    }

    /// fsync(2).
    fn sync(&self) -> Result<()> {
        Ok(())
    }

    /// statfs(2) of the filesystem it is on.
    fn statfs(&self) -> Result<StatFs>;

    /// fallocate(2).
    fn allocate(&self, how: u32, offset: u64, len: u64) -> Result<()> {
        let _ = (how, offset, len);
        Err(Errno::EOPNOTSUPP)
    }

    /// An extended attribute; `ENODATA` if there is none.
    fn get_xattr(&self, name: &[u8]) -> Result<Vec<u8>> {
        let _ = name;
        Err(Errno::EOPNOTSUPP)
    }

    /// Sets an extended attribute; `flags` as in setxattr(2).
    fn set_xattr(&self, name: &[u8], value: &[u8], flags: i32) -> Result<()> {
        let _ = (name, value, flags);
        Err(Errno::EOPNOTSUPP)
    }

    /// Names of extended attributes.
    fn list_xattr(&self) -> Result<Vec<Vec<u8>>> {
        Ok(Vec::new())
    }

    /// Removes an extended attribute.
    fn remove_xattr(&self, name: &[u8]) -> Result<()> {
        let _ = name;
        Err(Errno::EOPNOTSUPP)
    }

    /// For code that knows the type.
    fn as_any(&self) -> &dyn Any;
}
