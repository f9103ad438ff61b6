//! Changing what files are: permissions, owners, times, sizes; where a task stands in the tree.

use super::Args;
use super::inotify;
use super::place::{self, AT_FDCWD, Seeker, Target, at};
use super::rw::{drop_privileges, too_large};
use crate::cred::Cred;
use crate::error::{Errno, Fail, Result, SysResult};
use crate::fs::Path;
use crate::fs::file::{Change, File};
use crate::fs::inode::{Attr, SetAttr, mode};
use crate::fs::namei::Follow;
use crate::fs::path::{Name, same_file};
use crate::ipc::inotify::bits;
use crate::kernel::Kernel;
use crate::mm::seen_by;
use crate::task::process::rlimit;
use crate::time::{Timespec, Timeval};
use crate::user;
use crate::wait::Tid;
use llano_abi::stat::Utimbuf;

/// The mode without set-user-id, and without set-group-id where that means a program's group, or a foreign one.
pub fn without_privileges(attr: &Attr, cred: &Cred) -> u32 {
    let foreign = !cred.privileged() && !cred.in_group(attr.gid);
    let group = if attr.mode & 0o010 != 0 || foreign { mode::SETGID } else { 0 };
    attr.mode & !(mode::SETUID | group)
}

fn change_mode(k: &Kernel, t: Tid, target: Target, new: u32) -> SysResult {
    let path = target.place()?;
    let seeker = Seeker::new(k, t);
    let attr = path.inode().attr()?;
    place::writable(&path)?;
    if !seeker.owns(&attr) {
        return Err(Errno::EPERM.into());
    }
    if attr.kind() == mode::LNK {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let mut new = new & 0o7777;
    if !seeker.cred.privileged() && !seeker.cred.in_group(attr.gid) {
        new &= !mode::SETGID;
    }
    path.inode().set_attr(&SetAttr { mode: Some(new), ..SetAttr::default() })?;
    inotify::tell(k, &path, bits::ATTRIB);
    if new & (mode::SETUID | mode::SETGID) != 0 {
        k.mounts.privilege_given();
    }
    Ok(0)
}

/// A descriptor that may be used to change its file: not one of O_PATH.
fn changeable(k: &Kernel, t: Tid, fd: i32) -> Result<Target> {
    if k.file(t, fd)?.is_path() {
        return Err(Errno::EBADF);
    }
    place::of_fd(k, t, fd)
}

/// chmod(2).
pub fn sys_chmod(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    change_mode(k, t, place::target(k, t, AT_FDCWD, a.u64(0), 0, Follow::Yes)?, a.u32(1))
}

/// fchmod(2).
pub fn sys_fchmod(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    change_mode(k, t, changeable(k, t, a.i32(0))?, a.u32(1))
}

/// fchmodat(2).
pub fn sys_fchmodat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    change_mode(k, t, place::target(k, t, a.i32(0), a.u64(1), 0, Follow::Yes)?, a.u32(2))
}

/// fchmodat2(2).
pub fn sys_fchmodat2(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let flags = a.u32(3);
    if flags & !(at::SYMLINK_NOFOLLOW | at::EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    change_mode(k, t, place::target(k, t, a.i32(0), a.u64(1), flags, place::follow_of(flags))?, a.u32(2))
}

fn change_owner(k: &Kernel, t: Tid, target: Target, uid: u32, gid: u32) -> SysResult {
    let path = target.place()?;
    let seeker = Seeker::new(k, t);
    let attr = path.inode().attr()?;
    place::writable(&path)?;
    let uid = (uid != u32::MAX).then_some(uid);
    let gid = (gid != u32::MAX).then_some(gid);
    if !seeker.cred.privileged() {
        let owner = seeker.cred.fsuid == attr.uid;
        let may_uid = uid.is_none_or(|uid| owner && uid == attr.uid);
        let may_gid = gid.is_none_or(|gid| owner && (gid == attr.gid || seeker.cred.in_group(gid)));
        if !may_uid || !may_gid {
            return Err(Errno::EPERM.into());
        }
    }
    let kept = without_privileges(&attr, &seeker.cred);
    let mode = (!attr.is_dir() && kept != attr.mode).then_some(kept & 0o7777);
    path.inode().set_attr(&SetAttr { uid, gid, mode, ..SetAttr::default() })?;
    inotify::tell(k, &path, bits::ATTRIB);
    Ok(0)
}

/// chown(2).
pub fn sys_chown(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    change_owner(k, t, place::target(k, t, AT_FDCWD, a.u64(0), 0, Follow::Yes)?, a.u32(1), a.u32(2))
}

/// lchown(2).
pub fn sys_lchown(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    change_owner(k, t, place::target(k, t, AT_FDCWD, a.u64(0), 0, Follow::No)?, a.u32(1), a.u32(2))
}

/// fchown(2).
pub fn sys_fchown(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    change_owner(k, t, changeable(k, t, a.i32(0))?, a.u32(1), a.u32(2))
}

/// fchownat(2).
pub fn sys_fchownat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let flags = a.u32(4);
    if flags & !(at::SYMLINK_NOFOLLOW | at::EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let target = place::target(k, t, a.i32(0), a.u64(1), flags, place::follow_of(flags))?;
    change_owner(k, t, target, a.u32(2), a.u32(3))
}

/// A time to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Now,
    Omit,
    At(i64),
    /// Not a moment: `EINVAL`, but only once the file is found.
    Never,
}

fn set_times(k: &Kernel, t: Tid, target: Target, times: [When; 2]) -> SysResult {
    let path = target.place()?;
    if times.contains(&When::Never) {
        return Err(Errno::EINVAL.into());
    }
    let seeker = Seeker::new(k, t);
    let attr = path.inode().attr()?;
    place::writable(&path)?;
    if !seeker.owns(&attr) {
        // Who may write may set both to now, nothing else.
        if times != [When::Now; 2] {
            return Err(Errno::EPERM.into());
        }
        seeker.may(2, &attr)?;
    }
    let now = k.env.realtime_ns() as i64;
    let [atime, mtime] = times.map(|when| match when {
        When::Now => Some(now),
        When::Omit | When::Never => None,
        When::At(ns) => Some(ns),
    });
    path.inode().set_attr(&SetAttr { atime, mtime, ..SetAttr::default() })?;
    inotify::tell(k, &path, bits::ATTRIB);
    Ok(0)
}

/// Seconds and a fraction in `unit`ths of a second, as nanoseconds.
fn when(sec: i64, fraction: i64, unit: i64) -> Result<When> {
    if !(0..unit).contains(&fraction) {
        return Err(Errno::EINVAL);
    }
    Ok(When::At(sec.saturating_mul(1_000_000_000).saturating_add(fraction * (1_000_000_000 / unit))))
}

/// Two `struct timespec` with UTIME_NOW and UTIME_OMIT; none: now.
fn timespecs(addr: u64) -> Result<[When; 2]> {
    const UTIME_NOW: i64 = (1 << 30) - 1;
    const UTIME_OMIT: i64 = (1 << 30) - 2;
    if addr == 0 {
        return Ok([When::Now; 2]);
    }
    let one = |i: u64| {
        let ts: Timespec = user::get(addr + 16 * i)?;
        match ts.nsec {
            UTIME_NOW => Ok(When::Now),
            UTIME_OMIT => Ok(When::Omit),
            nsec => Ok(when(ts.sec, nsec, 1_000_000_000).unwrap_or(When::Never)),
        }
    };
    Ok([one(0)?, one(1)?])
}

/// Two `struct timeval`; none: now.
fn timevals(addr: u64) -> Result<[When; 2]> {
    if addr == 0 {
        return Ok([When::Now; 2]);
    }
    let one = |i: u64| {
        let tv: Timeval = user::get(addr + 16 * i)?;
        when(tv.sec, tv.usec, 1_000_000)
    };
    Ok([one(0)?, one(1)?])
}

/// utimensat(2); a null path means the descriptor.
pub fn sys_utimensat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let flags = a.u32(3);
    if flags & !(at::SYMLINK_NOFOLLOW | at::EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let times = timespecs(a.u64(2))?;
    if times == [When::Omit; 2] {
        return Ok(0);
    }
    let target = if a.u64(1) == 0 {
        changeable(k, t, a.i32(0))?
    } else {
        place::target(k, t, a.i32(0), a.u64(1), flags, place::follow_of(flags))?
    };
    set_times(k, t, target, times)
}

/// futimesat(2).
pub fn sys_futimesat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let times = timevals(a.u64(2))?;
    let target = if a.u64(1) == 0 {
        changeable(k, t, a.i32(0))?
    } else {
        place::target(k, t, a.i32(0), a.u64(1), 0, Follow::Yes)?
    };
    set_times(k, t, target, times)
}

/// utimes(2).
pub fn sys_utimes(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let times = timevals(a.u64(1))?;
    set_times(k, t, place::target(k, t, AT_FDCWD, a.u64(0), 0, Follow::Yes)?, times)
}

/// utime(2).
pub fn sys_utime(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let times = match user::get_opt::<Utimbuf>(a.u64(1))? {
        None => [When::Now; 2],
        Some(times) => [when(times.actime, 0, 1)?, when(times.modtime, 0, 1)?],
    };
    set_times(k, t, place::target(k, t, AT_FDCWD, a.u64(0), 0, Follow::Yes)?, times)
}

/// Takes pages behind a file's new end away from those who have it mapped.
pub fn cut_maps(k: &Kernel, path: &Path, size: u64) {
    if k.space.strict.is_some() {
        return; // maps are copies, or keep the file from shrinking
    }
    for process in k.tables.processes() {
        if let Some(task) = process.threads.first().and_then(|t| k.tables.task(*t)) {
            let same = |f: &File| f.path.as_ref().is_some_and(|p| same_file(p.inode(), path.inode()));
            let mut mm = task.mm.borrow_mut();
            if mm.maps(same) {
                seen_by(mm.view, || mm.cut_file(same, size));
            }
        }
    }
}

fn truncate(k: &mut Kernel, t: Tid, file: Option<&File>, path: &Path, attr: &Attr, size: i64) -> SysResult {
    let Ok(size) = u64::try_from(size) else { return Err(Errno::EINVAL.into()) };
    if size > attr.size && size > k.limit(t, rlimit::FSIZE) {
        return too_large(k, t);
    }
    if size < attr.size {
        k.may_shrink(path, size)?;
    }
    let cred = &k.task(t).cred;
    let kept = without_privileges(attr, cred);
    let drops = kept != attr.mode && !cred.privileged();
    let mode = drops.then_some(kept & 0o7777);
    let mut set = SetAttr { size: Some(size), mode, ..SetAttr::default() };
    if let Some(result) = file.and_then(|f| f.ops().change(Change::Size(size))) {
        result?;
        set.size = None;
    }
    if set.size.is_some() || set.mode.is_some() {
        path.inode().set_attr(&set)?;
    }
    inotify::tell(k, path, bits::MODIFY);
    if size < attr.size {
        cut_maps(k, path, size);
    }
    Ok(0)
}

/// truncate(2).
pub fn sys_truncate(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if a.i64(1) < 0 {
        return Err(Errno::EINVAL.into());
    }
    let path = place::target(k, t, AT_FDCWD, a.u64(0), 0, Follow::Yes)?.place()?;
    let attr = path.inode().attr()?;
    match attr.kind() {
        mode::REG => {}
        mode::DIR => return Err(Errno::EISDIR.into()),
        _ => return Err(Errno::EINVAL.into()),
    }
    place::writable(&path)?;
    Seeker::new(k, t).may(2, &attr)?;
    truncate(k, t, None, &path, &attr, a.i64(1))
}

/// ftruncate(2).
pub fn sys_ftruncate(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if a.i64(1) < 0 {
        return Err(Errno::EINVAL.into());
    }
    let file = k.file(t, a.i32(0))?;
    if file.is_path() {
        return Err(Errno::EBADF.into());
    }
    let path = file.path.as_ref().filter(|_| file.writable()).ok_or(Errno::EINVAL)?;
    let attr = path.inode().attr()?;
    if attr.kind() != mode::REG {
        return Err(Errno::EINVAL.into());
    }
    truncate(k, t, Some(&file), path, &attr, a.i64(1))
}

/// fallocate(2).
pub fn sys_fallocate(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const KEEP_SIZE: u32 = 1;
    const PUNCH_HOLE: u32 = 2;
    let (how, offset, len) = (a.u32(1), a.i64(2), a.i64(3));
    let file = k.file(t, a.i32(0))?;
    if offset < 0 || len <= 0 {
        return Err(Errno::EINVAL.into());
    }
    if !file.writable() {
        return Err(Errno::EBADF.into());
    }
    if how & !0x7f != 0 || how & PUNCH_HOLE != 0 && how & KEEP_SIZE == 0 {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let Some(end) = offset.checked_add(len) else { return Err(Errno::EFBIG.into()) };
    let attr = file.path.as_ref().map_or_else(|| Ok(file.ops().attr()), |p| p.inode().attr())?;
    let path = match (attr.kind(), &file.path) {
        (mode::REG, Some(path)) => path,
        (mode::FIFO, _) => return Err(Errno::ESPIPE.into()),
        _ => return Err(Errno::ENODEV.into()),
    };
    if how & KEEP_SIZE == 0 && end as u64 > attr.size && end as u64 > k.limit(t, rlimit::FSIZE) {
        return too_large(k, t);
    }
    let (offset, len) = (offset as u64, len as u64);
    match file.ops().change(Change::Allocate(how, offset, len)) {
        Some(result) => result?,
        None => path.inode().allocate(how, offset, len)?,
    }
    drop_privileges(k, t, &file);
    Ok(0)
}

/// umask(2).
pub fn sys_umask(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let mut fs = k.task(t).fs.borrow_mut();
    Ok(core::mem::replace(&mut fs.umask, a.u32(0) & 0o777).into())
}

/// A directory that the task may make its own.
fn directory(k: &Kernel, t: Tid, path: Path) -> Result<Path> {
    let attr = path.inode().attr()?;
    if !attr.is_dir() {
        return Err(Errno::ENOTDIR);
    }
    Seeker::new(k, t).may(1, &attr)?;
    Ok(path)
}

/// chdir(2).
pub fn sys_chdir(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let to = directory(k, t, place::target(k, t, AT_FDCWD, a.u64(0), 0, Follow::Yes)?.place()?)?;
    k.task(t).fs.borrow_mut().cwd = to;
    Ok(0)
}

/// fchdir(2).
pub fn sys_fchdir(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let path = k.file(t, a.i32(0))?.path.clone().ok_or(Errno::ENOTDIR)?;
    let to = directory(k, t, path)?;
    k.task(t).fs.borrow_mut().cwd = to;
    Ok(0)
}

/// chroot(2).
pub fn sys_chroot(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let to = directory(k, t, place::target(k, t, AT_FDCWD, a.u64(0), 0, Follow::Yes)?.place()?)?;
    if !k.task(t).cred.privileged() {
        return Err(Errno::EPERM.into());
    }
    k.task(t).fs.borrow_mut().root = to;
    Ok(0)
}

/// getcwd(2).
pub fn sys_getcwd(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (to, size) = (a.u64(0), a.usize(1));
    let mut out = {
        let fs = k.task(t).fs.borrow();
        match fs.cwd.name_from(&fs.root) {
            Name::Below { deleted: true, .. } => return Err(Fail::Err(Errno::ENOENT)),
            Name::Below { path, .. } => path,
            Name::Outside(path) => [&b"(unreachable)"[..], &path].concat(),
        }
    };
    out.push(0);
    if out.len() > user::PATH_MAX {
        return Err(Errno::ENAMETOOLONG.into());
    }
    if out.len() > size {
        return Err(Errno::ERANGE.into());
    }
    user::put_bytes(to, &out)?;
    Ok(out.len() as i64)
}
