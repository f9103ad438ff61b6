//! Extended attributes (xattr(7)).

use super::Args;
use super::inotify;
use super::place::{self, AT_FDCWD, Seeker, Target};
use crate::error::{Errno, Result, SysResult};
use crate::fs::Path;
use crate::fs::inode::mode;
use crate::fs::namei::Follow;
use crate::ipc::inotify::bits;
use crate::kernel::Kernel;
use crate::user;
use crate::wait::Tid;
use alloc::vec::Vec;

/// The longest name, the longest value, the longest list of names.
const NAME_MAX: usize = 255;
const SIZE_MAX: usize = 65536;

fn name(addr: u64) -> Result<Vec<u8>> {
    let name = user::string(addr, NAME_MAX, Errno::ERANGE)?;
    if name.is_empty() { Err(Errno::ERANGE) } else { Ok(name) }
}

/// What the namespace of a name asks of who uses it: 4 to read, 2 to change. trusted.* is not there for users.
fn may(k: &Kernel, t: Tid, path: &Path, name: &[u8], want: u32) -> Result<()> {
    let seeker = Seeker::new(k, t);
    let attr = path.inode().attr()?;
    if want & 2 != 0 {
        place::writable(path)?;
    }
    if name.starts_with(b"user.") {
        // Only what users own: anyone may write to a device or a sticky directory, and would fill it.
        let has = matches!(attr.kind(), mode::REG | mode::DIR);
        let sticky = attr.is_dir() && attr.mode & mode::STICKY != 0 && !seeker.owns(&attr);
        if !has || want & 2 != 0 && sticky {
            return Err(if want & 2 != 0 { Errno::EPERM } else { Errno::ENODATA });
        }
        return seeker.may(want, &attr);
    }
    if name.starts_with(b"trusted.") && !seeker.cred.privileged() {
        return Err(if want & 2 != 0 { Errno::EPERM } else { Errno::ENODATA });
    }
    if name.starts_with(b"security.") && want & 2 != 0 && !seeker.cred.privileged() {
        return Err(Errno::EPERM);
    }
    let known = [&b"trusted."[..], b"security.", b"system."].iter().any(|space| name.starts_with(space));
    if known { Ok(()) } else { Err(Errno::EOPNOTSUPP) }
}

/// Stores a result; with `size` 0 only its length is told.
fn give(bytes: &[u8], to: u64, size: usize) -> SysResult {
    if size > 0 {
        if bytes.len() > size {
            return Err(Errno::ERANGE.into());
        }
        user::put_bytes(to, bytes)?;
    }
    Ok(bytes.len() as i64)
}

fn set(k: &Kernel, t: Tid, target: Target, a: &Args) -> SysResult {
    let (size, flags) = (a.usize(3), a.i32(4));
    if flags & !3 != 0 {
        return Err(Errno::EINVAL.into());
    }
    let name = name(a.u64(1))?;
    if size > SIZE_MAX {
        return Err(Errno::E2BIG.into());
    }
    let value = user::bytes(a.u64(2), size)?;
    let path = target.place()?;
    may(k, t, &path, &name, 2)?;
    path.inode().set_xattr(&name, &value, flags)?;
    inotify::tell(k, &path, bits::ATTRIB);
    Ok(0)
}

fn get(k: &Kernel, t: Tid, target: Target, a: &Args) -> SysResult {
    let name = name(a.u64(1))?;
    let path = target.place()?;
    may(k, t, &path, &name, 4)?;
    give(&path.inode().get_xattr(&name)?, a.u64(2), a.usize(3))
}

fn list(k: &Kernel, t: Tid, target: Target, a: &Args) -> SysResult {
    let path = target.place()?;
    let privileged = k.task(t).cred.privileged();
    let mut out = Vec::new();
    for name in path.inode().list_xattr()? {
        if privileged || !name.starts_with(b"trusted.") {
            out.extend_from_slice(&name);
            out.push(0);
        }
    }
    give(&out, a.u64(1), a.usize(2))
}

fn remove(k: &Kernel, t: Tid, target: Target, a: &Args) -> SysResult {
    let name = name(a.u64(1))?;
    let path = target.place()?;
    may(k, t, &path, &name, 2)?;
    path.inode().remove_xattr(&name)?;
    inotify::tell(k, &path, bits::ATTRIB);
    Ok(0)
}

fn at_path(k: &Kernel, t: Tid, a: &Args, follow: Follow) -> Result<Target> {
    place::target(k, t, AT_FDCWD, a.u64(0), 0, follow)
}

fn at_fd(k: &Kernel, t: Tid, a: &Args) -> Result<Target> {
    if k.file(t, a.i32(0))?.is_path() {
        return Err(Errno::EBADF);
    }
    place::of_fd(k, t, a.i32(0))
}

/// setxattr(2).
pub fn sys_setxattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    set(k, t, at_path(k, t, a, Follow::Yes)?, a)
}

/// lsetxattr(2).
pub fn sys_lsetxattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    set(k, t, at_path(k, t, a, Follow::No)?, a)
}

/// fsetxattr(2).
pub fn sys_fsetxattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    set(k, t, at_fd(k, t, a)?, a)
}

/// getxattr(2).
pub fn sys_getxattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    get(k, t, at_path(k, t, a, Follow::Yes)?, a)
}

/// lgetxattr(2).
pub fn sys_lgetxattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    get(k, t, at_path(k, t, a, Follow::No)?, a)
}

/// fgetxattr(2).
pub fn sys_fgetxattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    get(k, t, at_fd(k, t, a)?, a)
}

/// listxattr(2).
pub fn sys_listxattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    list(k, t, at_path(k, t, a, Follow::Yes)?, a)
}

/// llistxattr(2).
pub fn sys_llistxattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    list(k, t, at_path(k, t, a, Follow::No)?, a)
}

/// flistxattr(2).
pub fn sys_flistxattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    list(k, t, at_fd(k, t, a)?, a)
}

/// removexattr(2).
pub fn sys_removexattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    remove(k, t, at_path(k, t, a, Follow::Yes)?, a)
}

/// lremovexattr(2).
pub fn sys_lremovexattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    remove(k, t, at_path(k, t, a, Follow::No)?, a)
}

/// fremovexattr(2).
pub fn sys_fremovexattr(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    remove(k, t, at_fd(k, t, a)?, a)
}
