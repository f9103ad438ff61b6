//! What the host says about a file, and changing it: all by descriptor, `O_PATH` ones included.
//!
//! Calls that refuse `O_PATH` descriptors go through `/proc/self/fd/N`, which leads to the very file, never to a name.

use crate::border::host;
use crate::host::{HostFd, ProcPath};
use crate::{HostError, check};
use std::ffi::CStr;

/// statx(2). Times are nanoseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostStat {
    /// Device and inode number.
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
    /// Creation; 0 if the host does not know.
    pub btime: i64,
}

/// statfs(2).
#[derive(Debug, Clone, Copy, Default)]
pub struct HostStatFs {
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

/// Longest value of an extended attribute and longest list of names (xattr(7)).
const XATTR_MAX: usize = 65536;

fn ns(t: libc::statx_timestamp) -> i64 {
    t.tv_sec.wrapping_mul(1_000_000_000).wrapping_add(t.tv_nsec.into())
}

fn statx(dir: i32, name: &CStr, flags: i32) -> Result<HostStat, HostError> {
    let mask = libc::STATX_BASIC_STATS | libc::STATX_BTIME;
    // SAFETY: an all-zero statx is valid; the call reads the C string and fills the struct.
    let x = unsafe {
        let mut x: libc::statx = core::mem::zeroed();
        check(host!(statx)(dir, name.as_ptr(), flags | libc::AT_SYMLINK_NOFOLLOW, mask, &mut x).into())?;
        x
    };
    Ok(HostStat {
        dev: libc::makedev(x.stx_dev_major, x.stx_dev_minor),
        ino: x.stx_ino,
        mode: x.stx_mode.into(),
        nlink: x.stx_nlink,
        uid: x.stx_uid,
        gid: x.stx_gid,
        rdev: libc::makedev(x.stx_rdev_major, x.stx_rdev_minor),
        size: x.stx_size,
        blocks: x.stx_blocks,
        blksize: x.stx_blksize,
        atime: ns(x.stx_atime),
        mtime: ns(x.stx_mtime),
        ctime: ns(x.stx_ctime),
        btime: if x.stx_mask & libc::STATX_BTIME != 0 { ns(x.stx_btime) } else { 0 },
    })
}

impl HostFd {
    /// statx(2) of the file itself.
    pub fn stat(&self) -> Result<HostStat, HostError> {
        statx(self.raw(), c"", libc::AT_EMPTY_PATH)
    }

    /// statx(2) of an entry of this directory; a symbolic link is not followed.
    pub fn stat_at(&self, name: &CStr) -> Result<HostStat, HostError> {
        statx(self.raw(), name, 0)
    }

    /// The target of a symbolic link opened with `O_PATH | O_NOFOLLOW`.
    pub fn readlink(&self) -> Result<Vec<u8>, HostError> {
        let mut buf = vec![0u8; libc::PATH_MAX as usize];
        // SAFETY: an empty C string and a live buffer of that length.
        let n = unsafe { host!(readlinkat)(self.raw(), c"".as_ptr(), buf.as_mut_ptr().cast(), buf.len()) };
        buf.truncate(check(n as i64)? as usize);
        Ok(buf)
    }

    /// chmod(2).
    pub fn chmod(&self, mode: u32) -> Result<(), HostError> {
        let path = ProcPath::of(self);
        // SAFETY: reads a C string.
        check(unsafe { host!(chmod)(path.as_ptr(), mode) }.into()).map(|_| ())
    }

    /// chown(2), not following a symbolic link; `None` stays.
    pub fn chown(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), HostError> {
        let (uid, gid) = (uid.unwrap_or(u32::MAX), gid.unwrap_or(u32::MAX));
        // SAFETY: an empty C string and numbers.
        check(unsafe { host!(fchownat)(self.raw(), c"".as_ptr(), uid, gid, libc::AT_EMPTY_PATH) }.into())
            .map(|_| ())
    }

    /// utimensat(2), not following a symbolic link: access and modification time in ns since 1970; `None` stays.
    pub fn set_times(&self, atime: Option<i64>, mtime: Option<i64>) -> Result<(), HostError> {
        let ts = |t: Option<i64>| match t {
            Some(t) => {
                libc::timespec { tv_sec: t.div_euclid(1_000_000_000), tv_nsec: t.rem_euclid(1_000_000_000) }
            }
            None => libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_OMIT },
        };
        let times = [ts(atime), ts(mtime)];
        // SAFETY: an empty C string and two timespecs that live through the call.
        let r = unsafe { host!(utimensat)(self.raw(), c"".as_ptr(), times.as_ptr(), libc::AT_EMPTY_PATH) };
        check(r.into()).map(|_| ())
    }

    /// truncate(2).
    pub fn truncate(&self, size: u64) -> Result<(), HostError> {
        let path = ProcPath::of(self);
        // SAFETY: reads a C string.
        check(unsafe { host!(truncate)(path.as_ptr(), size as i64) }.into()).map(|_| ())
    }

    /// ftruncate(2); the descriptor must be open for writing.
    pub fn resize(&self, size: u64) -> Result<(), HostError> {
        // SAFETY: takes numbers.
        check(unsafe { host!(ftruncate)(self.raw(), size as i64) }.into()).map(|_| ())
    }

    /// fallocate(2); the descriptor must be open for writing.
    pub fn allocate(&self, how: u32, offset: u64, len: u64) -> Result<(), HostError> {
        // SAFETY: takes numbers.
        check(unsafe { host!(fallocate)(self.raw(), how as i32, offset as i64, len as i64) }.into())
            .map(|_| ())
    }

    /// fsync(2); not for `O_PATH` descriptors.
    pub fn sync(&self) -> Result<(), HostError> {
        // SAFETY: takes a number.
        check(unsafe { host!(fsync)(self.raw()) }.into()).map(|_| ())
    }

    /// lseek(2); `whence` as there.
    pub fn seek(&self, offset: i64, whence: i32) -> Result<u64, HostError> {
        // SAFETY: takes numbers.
        check(unsafe { host!(lseek)(self.raw(), offset, whence) }).map(|n| n as u64)
    }

    /// statfs(2) of the filesystem the file is on.
    pub fn statfs(&self) -> Result<HostStatFs, HostError> {
        // Two calls: libc's `statfs` keeps the flags to itself, its `statvfs` the magic.
        // SAFETY: all-zero structs are valid, and the calls fill them.
        let (s, v) = unsafe {
            let mut s: libc::statfs = core::mem::zeroed();
            let mut v: libc::statvfs = core::mem::zeroed();
            check(host!(fstatfs)(self.raw(), &mut s).into())?;
            check(host!(fstatvfs)(self.raw(), &mut v).into())?;
            (s, v)
        };
        Ok(HostStatFs {
            magic: s.f_type as u64,
            bsize: s.f_bsize as u64,
            blocks: [s.f_blocks, s.f_bfree, s.f_bavail],
            files: [s.f_files, s.f_ffree],
            namelen: s.f_namelen as u64,
            flags: v.f_flag,
        })
    }

    /// getxattr(2).
    pub fn get_xattr(&self, name: &CStr) -> Result<Vec<u8>, HostError> {
        let path = ProcPath::of(self);
        let mut buf = vec![0u8; XATTR_MAX];
        // SAFETY: two C strings and a live buffer of that length.
        let n = unsafe { host!(getxattr)(path.as_ptr(), name.as_ptr(), buf.as_mut_ptr().cast(), buf.len()) };
        buf.truncate(check(n as i64)? as usize);
        Ok(buf)
    }

    /// setxattr(2); `flags` as there.
    pub fn set_xattr(&self, name: &CStr, value: &[u8], flags: i32) -> Result<(), HostError> {
        let path = ProcPath::of(self);
        // SAFETY: two C strings and a live buffer of that length.
        let r = unsafe {
            host!(setxattr)(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), flags)
        };
        check(r.into()).map(|_| ())
    }

    /// listxattr(2): the names.
    pub fn list_xattr(&self) -> Result<Vec<Vec<u8>>, HostError> {
        let path = ProcPath::of(self);
        let mut buf = vec![0u8; XATTR_MAX];
        // SAFETY: a C string and a live buffer of that length.
        let n = unsafe { host!(listxattr)(path.as_ptr(), buf.as_mut_ptr().cast(), buf.len()) };
        buf.truncate(check(n as i64)? as usize);
        Ok(buf.split(|b| *b == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
    }

    /// removexattr(2).
    pub fn remove_xattr(&self, name: &CStr) -> Result<(), HostError> {
        let path = ProcPath::of(self);
        // SAFETY: two C strings.
        check(unsafe { host!(removexattr)(path.as_ptr(), name.as_ptr()) }.into()).map(|_| ())
    }
}
