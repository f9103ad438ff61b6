//! stat(2) and its relatives, statx(2), statfs(2), access(2).

use super::Args;
use super::place::{self, AT_FDCWD, Target, Told, at};
use crate::cred::Cred;
use crate::error::{Errno, Result, SysResult};
use crate::fs::Path;
use crate::fs::inode::{Attr, mode};
use crate::fs::mount::flag;
use crate::fs::namei::Follow;
use crate::kernel::Kernel;
use crate::user;
use crate::wait::Tid;
use alloc::rc::Rc;
use llano_abi::stat::{Stat, StatFs, Statx, StatxTime, major, minor};

const SECOND: i64 = 1_000_000_000;

fn time(ns: i64) -> [i64; 2] {
    [ns.div_euclid(SECOND), ns.rem_euclid(SECOND)]
}

fn put_stat(to: u64, attr: &Attr) -> SysResult {
    let stat = Stat {
        st_dev: attr.dev,
        st_ino: attr.ino,
        st_nlink: attr.nlink.into(),
        st_mode: attr.mode,
        st_uid: attr.uid,
        st_gid: attr.gid,
        st_rdev: attr.rdev,
        st_size: attr.size as i64,
        st_blksize: attr.blksize.into(),
        st_blocks: attr.blocks as i64,
        st_atime: time(attr.atime),
        st_mtime: time(attr.mtime),
        st_ctime: time(attr.ctime),
        ..Stat::default()
    };
    user::put(to, &stat)?;
    Ok(0)
}

/// stat(2).
pub fn sys_stat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    put_stat(a.u64(1), &place::stat(k, t, AT_FDCWD, a.u64(0), 0, Follow::Yes)?.attr)
}

/// lstat(2).
pub fn sys_lstat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    put_stat(a.u64(1), &place::stat(k, t, AT_FDCWD, a.u64(0), 0, Follow::No)?.attr)
}

/// fstat(2).
pub fn sys_fstat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    put_stat(a.u64(1), &fd_attr(k, t, a.i32(0))?)
}

fn fd_attr(k: &Kernel, t: Tid, fd: i32) -> Result<Attr> {
    let files = k.task(t).files.borrow();
    let file = files.get(fd)?;
    match &file.path {
        Some(path) => path.inode().attr(),
        None => Ok(file.ops().attr()),
    }
}

const STAT_FLAGS: u32 = at::SYMLINK_NOFOLLOW | at::NO_AUTOMOUNT | at::EMPTY_PATH;

/// newfstatat(2), which C libraries call fstatat.
pub fn sys_newfstatat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let flags = a.u32(3);
    if flags & !STAT_FLAGS != 0 {
        return Err(Errno::EINVAL.into());
    }
    // How C libraries spell fstat.
    if flags & at::EMPTY_PATH != 0 && a.i32(0) != AT_FDCWD && user::get::<u8>(a.u64(1)) == Ok(0) {
        return put_stat(a.u64(2), &fd_attr(k, t, a.i32(0))?);
    }
    put_stat(a.u64(2), &place::stat(k, t, a.i32(0), a.u64(1), flags, place::follow_of(flags))?.attr)
}

fn statx_time(ns: i64) -> StatxTime {
    let [tv_sec, nsec] = time(ns);
    StatxTime { tv_sec, tv_nsec: nsec as u32, pad: 0 }
}

/// statx(2).
pub fn sys_statx(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const SYNC_TYPE: u32 = 0x6000;
    const RESERVED: u32 = 1 << 31;
    const BASIC: u32 = 0x7ff;
    const BTIME: u32 = 0x800;
    const MNT_ID: u32 = 0x1000;
    const ATTR_MOUNT_ROOT: u64 = 0x2000;
    let (flags, mask) = (a.u32(2), a.u32(3));
    if flags & !(STAT_FLAGS | SYNC_TYPE) != 0 || flags & SYNC_TYPE == SYNC_TYPE || mask & RESERVED != 0 {
        return Err(Errno::EINVAL.into());
    }
    let Told { attr, mount, top } = place::stat(k, t, a.i32(0), a.u64(1), flags, place::follow_of(flags))?;
    let mut out = Statx {
        stx_mask: BASIC,
        stx_blksize: attr.blksize,
        stx_attributes_mask: ATTR_MOUNT_ROOT,
        stx_nlink: attr.nlink,
        stx_uid: attr.uid,
        stx_gid: attr.gid,
        stx_mode: attr.mode as u16,
        stx_ino: attr.ino,
        stx_size: attr.size,
        stx_blocks: attr.blocks,
        stx_atime: statx_time(attr.atime),
        stx_ctime: statx_time(attr.ctime),
        stx_mtime: statx_time(attr.mtime),
        stx_rdev_major: major(attr.rdev),
        stx_rdev_minor: minor(attr.rdev),
        stx_dev_major: major(attr.dev),
        stx_dev_minor: minor(attr.dev),
        ..Statx::default()
    };
    if attr.btime != 0 {
        out.stx_mask |= BTIME;
        out.stx_btime = statx_time(attr.btime);
    }
    if let Some(mount) = mount {
        out.stx_mask |= MNT_ID;
        out.stx_mnt_id = mount.id;
        if top {
            out.stx_attributes |= ATTR_MOUNT_ROOT;
        }
    }
    user::put(a.u64(4), &out)?;
    Ok(0)
}

fn put_statfs(to: u64, path: &Path) -> SysResult {
    /// ST_VALID: the flags mean something.
    const VALID: u64 = 0x20;
    const ST_RELATIME: u64 = 4096;
    let fs = path.inode().statfs()?;
    let mount = path.mount.flags.get();
    let mut flags = fs.flags | VALID | mount & (flag::KEPT & !flag::RELATIME);
    if mount & flag::RELATIME != 0 {
        flags |= ST_RELATIME;
    }
    let dev = path.inode().attr()?.dev;
    let out = StatFs {
        f_type: fs.magic as i64,
        f_bsize: fs.bsize as i64,
        f_blocks: fs.blocks[0],
        f_bfree: fs.blocks[1],
        f_bavail: fs.blocks[2],
        f_files: fs.files[0],
        f_ffree: fs.files[1],
        f_fsid: [dev as i32, (dev >> 32) as i32],
        f_namelen: fs.namelen as i64,
        f_frsize: fs.bsize as i64,
        f_flags: flags as i64,
        ..StatFs::default()
    };
    user::put(to, &out)?;
    Ok(0)
}

/// statfs(2).
pub fn sys_statfs(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    put_statfs(a.u64(1), &place::target(k, t, AT_FDCWD, a.u64(0), 0, Follow::Yes)?.place()?)
}

/// fstatfs(2).
pub fn sys_fstatfs(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    match place::of_fd(k, t, a.i32(0))? {
        Target::Place(path) => put_statfs(a.u64(1), &path),
        Target::File(file) => {
            // The internal filesystems of pipes, sockets and anonymous inodes (PIPEFS_MAGIC and so on).
            let magic = match file.ops().attr().kind() {
                mode::FIFO => 0x5049_5045,
                mode::SOCK => 0x534f_434b,
                _ => 0x0904_1934,
            };
            let out =
                StatFs { f_type: magic, f_bsize: 4096, f_namelen: 255, f_frsize: 4096, ..StatFs::default() };
            user::put(a.u64(1), &out)?;
            Ok(0)
        }
    }
}

fn access(k: &mut Kernel, t: Tid, dir: i32, path: u64, want: u32, flags: u32) -> SysResult {
    if want & !7 != 0 || flags & !(at::EACCESS | at::SYMLINK_NOFOLLOW | at::EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    // access(2) asks what the *real* ids may do, on the way there too.
    let cred = k.task(t).cred.clone();
    if flags & at::EACCESS == 0 && (cred.uid != cred.fsuid || cred.gid != cred.fsgid) {
        let real =
            Cred { euid: cred.uid, fsuid: cred.uid, egid: cred.gid, fsgid: cred.gid, ..(*cred).clone() };
        k.task_mut(t).cred = Rc::new(real);
    }
    let told = place::stat(k, t, dir, path, flags, place::follow_of(flags));
    let asking = core::mem::replace(&mut k.task_mut(t).cred, cred);
    may_access(&asking, &told?, want)?;
    Ok(0)
}

fn may_access(cred: &Cred, told: &Told, want: u32) -> Result<()> {
    let attr = &told.attr;
    if let Some(mount) = &told.mount {
        let flags = mount.flags.get();
        if want & 2 != 0
            && matches!(attr.kind(), mode::REG | mode::DIR | mode::LNK)
            && flags & flag::RDONLY != 0
        {
            return Err(Errno::EROFS);
        }
        if want & 1 != 0 && attr.kind() == mode::REG && flags & flag::NOEXEC != 0 {
            return Err(Errno::EACCES);
        }
    }
    if want == 0 || cred.may(want, attr.mode, attr.uid, attr.gid) { Ok(()) } else { Err(Errno::EACCES) }
}

/// access(2).
pub fn sys_access(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    access(k, t, AT_FDCWD, a.u64(0), a.u32(1), 0)
}

/// faccessat(2).
pub fn sys_faccessat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    access(k, t, a.i32(0), a.u64(1), a.u32(2), 0)
}

/// faccessat2(2).
pub fn sys_faccessat2(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    access(k, t, a.i32(0), a.u64(1), a.u32(2), a.u32(3))
}
