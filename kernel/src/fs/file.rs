//! Open files: Linux's *open file description*, and the operations behind it.

use super::inode::Attr;
use crate::error::{Errno, Result};
use crate::user::{Dst, Src};
use crate::wait::{WaitQueue, poll};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use core::any::{Any, TypeId};
use core::cell::{Cell, OnceCell};
use llano_machine::space::Sharing;

/// Open flags, as in open(2).
#[allow(missing_docs)]
pub mod oflag {
    pub const ACCMODE: u32 = 0o3;
    pub const RDONLY: u32 = 0o0;
    pub const WRONLY: u32 = 0o1;
    pub const RDWR: u32 = 0o2;
    pub const CREAT: u32 = 0o100;
    pub const EXCL: u32 = 0o200;
    pub const NOCTTY: u32 = 0o400;
    pub const TRUNC: u32 = 0o1000;
    pub const APPEND: u32 = 0o2000;
    pub const NONBLOCK: u32 = 0o4000;
    pub const DSYNC: u32 = 0o10000;
    pub const ASYNC: u32 = 0o20000;
    pub const DIRECT: u32 = 0o40000;
    pub const LARGEFILE: u32 = 0o100000;
    pub const DIRECTORY: u32 = 0o200000;
    pub const NOFOLLOW: u32 = 0o400000;
    pub const NOATIME: u32 = 0o1000000;
    pub const CLOEXEC: u32 = 0o2000000;
    pub const SYNC: u32 = 0o4010000;
    pub const PATH: u32 = 0o10000000;
    pub const TMPFILE: u32 = 0o20200000;
}

/// A wish to see a file in memory.
#[derive(Debug, Clone, Copy)]
pub struct MapRequest {
    /// Where, page-aligned, in guest space that the caller owns.
    pub addr: u64,
    /// Bytes, a multiple of the page size.
    pub len: u64,
    /// Protection bits of mmap(2).
    pub prot: i32,
    /// Who sees the stores.
    pub sharing: Sharing,
    /// Offset in the file, page-aligned.
    pub offset: u64,
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Bytes that were written, or may have been.
    Data,
    /// Zeroes that take no room; also what is behind the end.
    Hole,
}

/// What can be asked of an open file as well as of its inode.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// ftruncate(2).
    Size(u64),
    /// fallocate(2): mode, offset, length.
    Allocate(u32, u64, u64),
    /// fsync(2).
    Sync,
}

/// What kind of position a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    /// Bytes at offsets, `size` of them now.
    Bytes(u64),
    /// A directory: positions are cookies.
    Directory,
    /// No position: `ESPIPE`.
    Stream,
    /// A position that is always 0 (ttys, /dev/null): lseek succeeds and stays.
    Ignored,
}

/// Whom the signals of a file with O_ASYNC are for (F_SETOWN).
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    /// `F_OWNER_TID` 0, `F_OWNER_PID` 1, `F_OWNER_PGRP` 2.
    pub kind: i32,
    /// The number.
    pub id: i32,
    /// Effective user of who said so: it must be allowed to signal the owner.
    pub euid: u32,
}

/// [`Seek`] without the size: it never changes, and is cheap to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positions {
    /// Bytes at offsets.
    Bytes,
    /// A directory: positions are cookies.
    Directory,
    /// No position.
    Stream,
    /// A position that is always 0.
    Ignored,
}

/// What can be done with an open file. Nouns never sleep: `EAGAIN` says "not now", and the syscall layer decides by
/// `O_NONBLOCK` whether to wait on [`FileOps::queue`].
pub trait FileOps: Any {
    /// Reads at `at` (streams ignore it); 0 is the end. Called with room for at least one byte.
    fn read(&self, file: &File, dst: &mut Dst<'_>, at: u64) -> Result<usize> {
        let _ = (file, dst, at);
        Err(Errno::EINVAL)
    }

    /// Writes at `at` (streams ignore it); may take fewer bytes than offered, but at least one.
    fn write(&self, file: &File, src: &mut Src<'_>, at: u64) -> Result<usize> {
        let _ = (file, src, at);
        Err(Errno::EINVAL)
    }

    /// What kind of position it has.
    fn seek(&self) -> Seek {
        Seek::Stream
    }

    /// The same without the size, which may cost a call of the host.
    fn positions(&self) -> Positions {
        match self.seek() {
            Seek::Bytes(_) => Positions::Bytes,
            Seek::Directory => Positions::Directory,
            Seek::Stream => Positions::Stream,
            Seek::Ignored => Positions::Ignored,
        }
    }

    /// Bits of [`poll`] that hold now. Regular files are always ready.
    fn poll(&self, file: &File) -> u32 {
        let _ = file;
        poll::IN | poll::OUT | poll::RDNORM | poll::WRNORM
    }

    /// Whether [`FileOps::poll`] does not know all: what holds depends on who asks (signalfd), or on other files that may
    /// (epoll).
    fn depends(&self) -> bool {
        false
    }

    /// Where to wait for any of `events`. `None`: never blocks.
    fn queue(&self, file: &File, events: u32) -> Option<WaitQueue> {
        let _ = (file, events);
        None
    }

    /// ioctl(2) as far as the noun can answer it alone.
    fn ioctl(&self, file: &File, cmd: u32, arg: u64) -> Result<i64> {
        let _ = (file, cmd, arg);
        Err(Errno::ENOTTY)
    }

    /// Makes file contents appear at `request.addr`. Returns how many bytes (whole pages) are backed now; what lies
    /// behind them is beyond the end of the file and faults with SIGBUS until the file grows.
    fn map(&self, file: &File, request: &MapRequest) -> Result<u64> {
        let _ = (file, request);
        Err(Errno::ENODEV)
    }

    /// Whether a map shows the pages of a file of the host, which stay that file's.
    fn maps_host_file(&self) -> bool {
        false
    }

    /// What fstat(2) tells of a file without a path: pipes and sockets have inodes of their own, the others share one.
    fn attr(&self) -> Attr {
        Attr { dev: 0xf, ino: 1, mode: 0o600, nlink: 1, blksize: 4096, ..Attr::default() }
    }

    /// What /proc/PID/fd shows for a file without a path: `pipe:[7]`, `anon_inode:[eventfd]`.
    fn label(&self) -> String {
        "anon_inode:[file]".into()
    }

    /// Opens the same thing again, for a file without a path: what open(2) of /proc/PID/fd/N does.
    fn reopen(&self, flags: u32) -> Result<Box<dyn FileOps>> {
        let _ = flags;
        Err(Errno::ENXIO)
    }

    /// How long a read (`poll::IN`) or write (`poll::OUT`) may block, ns: SO_RCVTIMEO, SO_SNDTIMEO. `None`: for ever.
    fn timeout_ns(&self, events: u32) -> Option<u64> {
        let _ = events;
        None
    }

    /// Where data or a hole is next, from an offset inside the file on (SEEK_DATA, SEEK_HOLE); `ENXIO` for no more data.
    /// By default a file is one piece of data, with one hole behind it.
    fn next(&self, what: Piece, at: u64, size: u64) -> Result<u64> {
        Ok(match what {
            Piece::Data => at,
            Piece::Hole => size,
        })
    }

    /// Changes or stores the file by what it was opened for, which is more than its permissions may allow by now.
    /// `None`: the inode can do it as well.
    fn change(&self, change: Change) -> Option<Result<()>> {
        let _ = change;
        None
    }

    /// The last descriptor of one process for this file was closed (flush; releases that process's locks).
    fn flush(&self, file: &File) {
        let _ = file;
    }

    /// For callers that know the type (sockets, ttys, epolls).
    fn as_any(&self) -> &dyn Any;
}

/// An open directory: what is in it is asked of the inode ([`Inode::read_dir`](super::inode::Inode::read_dir)).
#[derive(Debug, Clone, Copy, Default)]
pub struct Directory;

impl FileOps for Directory {
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

/// An open file description: shared by dup'ed descriptors and passed ones.
pub struct File {
    ops: Box<dyn FileOps>,
    /// The type behind `ops`: a comparison costs less than asking it.
    kind: TypeId,
    /// Status flags and access mode, see [`oflag`].
    pub flags: Cell<u32>,
    /// The file position, bytes (directories: a cookie).
    pub pos: Cell<u64>,
    positions: Cell<Option<Positions>>,
    /// Up to which of [`Mounts::privileges`](super::Mounts::privileges) it is known to be no set-user-id program.
    pub plain_since: Cell<u64>,
    /// Whom F_SETOWN named.
    pub owner: Cell<Option<Owner>>,
    /// What F_SETSIG chose; 0: SIGIO.
    pub signal: Cell<i32>,
    /// The locks it holds (flock, F_OFD_SETLK): let go when it is closed.
    pub locks: OnceCell<super::locks::Holder>,
    /// See [`FileOps::depends`].
    pub depends: bool,
    /// Where it was opened: for `*at` calls, fchdir, /proc/PID/fd. `None`: pipes, sockets, anonymous files.
    pub path: Option<super::Path>,
}

impl core::fmt::Debug for File {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "File(flags {:o}, pos {})", self.flags.get(), self.pos.get())
    }
}

impl File {
    /// An open file.
    pub fn new(ops: Box<dyn FileOps>, flags: u32, path: Option<super::Path>) -> Rc<File> {
        Rc::new(File {
            depends: ops.depends(),
            kind: ops.as_any().type_id(),
            ops,
            flags: Cell::new(flags),
            pos: Cell::new(0),
            positions: Cell::new(None),
            plain_since: Cell::new(0),
            owner: Cell::new(None),
            signal: Cell::new(0),
            locks: OnceCell::new(),
            path,
        })
    }

    /// The operations.
    #[inline]
    pub fn ops(&self) -> &dyn FileOps {
        &*self.ops
    }

    /// The operations as a known type.
    #[inline]
    pub fn downcast<T: FileOps>(&self) -> Option<&T> {
        if self.kind == TypeId::of::<T>() { self.ops.as_any().downcast_ref() } else { None }
    }

    /// What kind of position it has.
    #[inline]
    pub fn positions(&self) -> Positions {
        if let Some(known) = self.positions.get() {
            return known;
        }
        let kind = self.ops.positions();
        self.positions.set(Some(kind));
        kind
    }

    /// Opened for reading.
    pub fn readable(&self) -> bool {
        matches!(self.flags.get() & oflag::ACCMODE, oflag::RDONLY | oflag::RDWR) && !self.is_path()
    }

    /// Opened for writing.
    pub fn writable(&self) -> bool {
        matches!(self.flags.get() & oflag::ACCMODE, oflag::WRONLY | oflag::RDWR) && !self.is_path()
    }

    /// Opened with O_PATH: a place, not contents.
    pub fn is_path(&self) -> bool {
        self.flags.get() & oflag::PATH != 0
    }

    /// O_NONBLOCK is set.
    pub fn nonblocking(&self) -> bool {
        self.flags.get() & oflag::NONBLOCK != 0
    }
}
