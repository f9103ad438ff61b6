//! Directories: listing them, and making, removing, renaming and linking what is in them.

use super::Args;
use super::inotify;
use super::place::{self, AT_FDCWD, Entry, Seeker, at};
use crate::error::{Errno, Result, SysResult};
use crate::fs::Path;
use crate::fs::file::File;
use crate::fs::inode::{Attr, mode};
use crate::fs::namei::{Follow, Last};
use crate::fs::path::same_file;
use crate::ipc::inotify::bits;
use crate::kernel::Kernel;
use crate::user;
use crate::wait::Tid;
use alloc::rc::Rc;
use alloc::vec;
use llano_abi::stat::{dirent, dirent64};

type Writer = fn(&mut [u8], u64, i64, u8, &[u8]) -> Option<usize>;

/// getdents(2).
pub fn sys_getdents(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    list(k, t, a, dirent)
}

/// getdents64(2).
pub fn sys_getdents64(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    list(k, t, a, dirent64)
}

/// Positions 0 and 1 are `.` and `..`; behind them come the filesystem's cookies.
const DOTS: u64 = 2;

fn list(k: &mut Kernel, t: Tid, a: &Args, record: Writer) -> SysResult {
    let file = k.file(t, a.i32(0))?;
    if !file.readable() {
        return Err(Errno::EBADF.into());
    }
    let path = file.path.as_ref().ok_or(Errno::ENOTDIR)?;
    let attr = path.inode().attr()?;
    if !attr.is_dir() {
        return Err(Errno::ENOTDIR.into());
    }
    if path.node.deleted.get() {
        return Err(Errno::ENOENT.into());
    }
    let mut out = vec![0; (a.u32(2) as usize).min(1 << 16)];
    let (len, pos) = fill(&file, path, &attr, &mut out, record)?;
    if len == 0 && pos == file.pos.get() && more(&file, path, pos)? {
        return Err(Errno::EINVAL.into());
    }
    user::put_bytes(a.u64(1), &out[..len])?;
    file.pos.set(pos);
    inotify::tell_file(k, &file, bits::ACCESS);
    Ok(len as i64)
}

fn more(file: &File, path: &Path, pos: u64) -> Result<bool> {
    Ok(pos < DOTS || !path.inode().read_dir(file, pos - DOTS)?.is_empty())
}

fn fill(file: &File, path: &Path, attr: &Attr, out: &mut [u8], record: Writer) -> Result<(usize, u64)> {
    let (mut len, mut pos) = (0, file.pos.get());
    while pos < DOTS {
        let (name, ino) = match pos {
            0 => (&b"."[..], attr.ino),
            _ => (&b".."[..], path.parent().and_then(|p| p.inode().attr().ok()).map_or(attr.ino, |a| a.ino)),
        };
        let Some(n) = record(&mut out[len..], ino, pos as i64 + 1, 4, name) else { return Ok((len, pos)) };
        (len, pos) = (len + n, pos + 1);
    }
    loop {
        let batch = path.inode().read_dir(file, pos - DOTS)?;
        if batch.is_empty() {
            return Ok((len, pos));
        }
        for (entry, cookie) in batch {
            let kind = (entry.kind >> 12) as u8;
            let next = cookie + DOTS;
            match record(&mut out[len..], entry.ino, next as i64, kind, &entry.name) {
                Some(n) => (len, pos) = (len + n, next),
                None => return Ok((len, pos)),
            }
        }
    }
}

fn make_dir(k: &mut Kernel, t: Tid, dir: i32, path: u64, mode: u32) -> SysResult {
    let entry = Entry::find(k, t, dir, path)?;
    let name = entry.to_create(mode::DIR)?;
    let new = entry.seeker.new_file(&entry.dir_attr, mode::DIR | mode & 0o1777, 0);
    let inode = entry.dir.inode().create(name, &new)?;
    entry.dir.node.adopt(name, inode);
    inotify::tell_created(k, &entry.dir, name, mode::DIR);
    Ok(0)
}

/// mkdir(2).
pub fn sys_mkdir(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    make_dir(k, t, AT_FDCWD, a.u64(0), a.u32(1))
}

/// mkdirat(2).
pub fn sys_mkdirat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    make_dir(k, t, a.i32(0), a.u64(1), a.u32(2))
}

fn make_node(k: &mut Kernel, t: Tid, dir: i32, path: u64, mode: u32, rdev: u32) -> SysResult {
    let kind = if mode & mode::FMT == 0 { mode::REG } else { mode & mode::FMT };
    match kind {
        mode::REG | mode::FIFO | mode::SOCK => {}
        mode::CHR | mode::BLK if k.task(t).cred.privileged() => {}
        mode::CHR | mode::BLK | mode::DIR => return Err(Errno::EPERM.into()),
        _ => return Err(Errno::EINVAL.into()),
    }
    let entry = Entry::find(k, t, dir, path)?;
    let name = entry.to_create(kind)?;
    let rdev = if matches!(kind, mode::CHR | mode::BLK) { rdev.into() } else { 0 };
    let new = entry.seeker.new_file(&entry.dir_attr, kind | mode & 0o7777, rdev);
    let inode = entry.dir.inode().create(name, &new)?;
    entry.dir.node.adopt(name, inode);
    inotify::tell_created(k, &entry.dir, name, kind);
    Ok(0)
}

/// mknod(2).
pub fn sys_mknod(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    make_node(k, t, AT_FDCWD, a.u64(0), a.u32(1), a.u32(2))
}

/// mknodat(2).
pub fn sys_mknodat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    make_node(k, t, a.i32(0), a.u64(1), a.u32(2), a.u32(3))
}

fn make_symlink(k: &mut Kernel, t: Tid, target: u64, dir: i32, path: u64) -> SysResult {
    let target = user::path(target)?;
    if target.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    let entry = Entry::find(k, t, dir, path)?;
    let name = entry.to_create(mode::LNK)?;
    // A link's own permissions are all there, whatever the umask.
    let mut new = entry.seeker.new_file(&entry.dir_attr, mode::LNK, 0);
    new.mode = mode::LNK | 0o777;
    let inode = entry.dir.inode().symlink(name, &target, &new)?;
    entry.dir.node.adopt(name, inode);
    inotify::tell_created(k, &entry.dir, name, mode::LNK);
    Ok(0)
}

/// symlink(2).
pub fn sys_symlink(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    make_symlink(k, t, a.u64(0), AT_FDCWD, a.u64(1))
}

/// symlinkat(2).
pub fn sys_symlinkat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    make_symlink(k, t, a.u64(0), a.i32(1), a.u64(2))
}

fn read_link(k: &mut Kernel, t: Tid, dir: i32, path: u64, to: u64, len: i32) -> SysResult {
    if len <= 0 {
        return Err(Errno::EINVAL.into());
    }
    // With an empty path the descriptor itself is the link (opened with O_PATH and O_NOFOLLOW).
    let flags = if dir == AT_FDCWD { 0 } else { at::EMPTY_PATH };
    let empty = user::path(path)?.is_empty();
    let place = place::target(k, t, dir, path, flags, Follow::No)?.place()?;
    if place.inode().attr()?.kind() != mode::LNK {
        return Err(if empty { Errno::ENOENT } else { Errno::EINVAL }.into());
    }
    let target = place.inode().readlink()?;
    let n = target.len().min(len as usize);
    user::put_bytes(to, &target[..n])?;
    Ok(n as i64)
}

/// readlink(2).
pub fn sys_readlink(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    read_link(k, t, AT_FDCWD, a.u64(0), a.u64(1), a.i32(2))
}

/// readlinkat(2).
pub fn sys_readlinkat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    read_link(k, t, a.i32(0), a.u64(1), a.u64(2), a.i32(3))
}

fn remove_dir(k: &mut Kernel, t: Tid, dir: i32, path: u64) -> SysResult {
    let entry = Entry::find(k, t, dir, path)?;
    let name = match &entry.last {
        Last::Name(name) => name,
        Last::Dot => return Err(Errno::EINVAL.into()),
        Last::DotDot => return Err(Errno::ENOTEMPTY.into()),
        Last::Root => return Err(Errno::EBUSY.into()),
    };
    let victim = entry.existing(name)?;
    let attr = victim.inode().attr()?;
    entry.seeker.may_delete(&entry.dir, &entry.dir_attr, &attr)?;
    if !attr.is_dir() {
        return Err(Errno::ENOTDIR.into());
    }
    if busy(&entry, &victim) {
        return Err(Errno::EBUSY.into());
    }
    entry.dir.inode().rmdir(name)?;
    entry.dir.node.forget(name);
    inotify::tell_removed(k, &entry.dir, name, &victim, &attr);
    Ok(0)
}

/// Something is mounted there, or it is the task's root.
fn busy(entry: &Entry, victim: &Path) -> bool {
    victim.node.is_covered() || Rc::ptr_eq(&victim.node, &entry.seeker.root.node)
}

fn remove_file(k: &mut Kernel, t: Tid, dir: i32, path: u64) -> SysResult {
    let entry = Entry::find(k, t, dir, path)?;
    let name = entry.name(Errno::EISDIR)?;
    let victim = entry.existing(name)?;
    let attr = victim.inode().attr()?;
    if entry.slash {
        return Err(if attr.is_dir() { Errno::EISDIR } else { Errno::ENOTDIR }.into());
    }
    entry.seeker.may_delete(&entry.dir, &entry.dir_attr, &attr)?;
    if attr.is_dir() {
        return Err(Errno::EISDIR.into());
    }
    if busy(&entry, &victim) {
        return Err(Errno::EBUSY.into());
    }
    entry.dir.inode().unlink(name)?;
    entry.dir.node.forget(name);
    inotify::tell_removed(k, &entry.dir, name, &victim, &attr);
    Ok(0)
}

/// rmdir(2).
pub fn sys_rmdir(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    remove_dir(k, t, AT_FDCWD, a.u64(0))
}

/// unlink(2).
pub fn sys_unlink(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    remove_file(k, t, AT_FDCWD, a.u64(0))
}

/// unlinkat(2).
pub fn sys_unlinkat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    match a.u32(2) {
        0 => remove_file(k, t, a.i32(0), a.u64(1)),
        at::REMOVEDIR => remove_dir(k, t, a.i32(0), a.u64(1)),
        _ => Err(Errno::EINVAL.into()),
    }
}

fn make_link(k: &mut Kernel, t: Tid, from: (i32, u64), to: (i32, u64), flags: u32) -> SysResult {
    if flags & !(at::SYMLINK_FOLLOW | at::EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let follow = if flags & at::SYMLINK_FOLLOW != 0 { Follow::Yes } else { Follow::No };
    let old = place::target(k, t, from.0, from.1, flags, follow)?.place()?;
    let entry = Entry::find(k, t, to.0, to.1)?;
    let name = entry.to_create(mode::REG)?;
    if !Rc::ptr_eq(&old.mount, &entry.dir.mount) {
        return Err(Errno::EXDEV.into());
    }
    if old.inode().attr()?.is_dir() {
        return Err(Errno::EPERM.into());
    }
    entry.dir.inode().link(name, old.inode())?;
    inotify::tell_linked(k, &old);
    inotify::tell_created(k, &entry.dir, name, mode::REG);
    Ok(0)
}

/// link(2).
pub fn sys_link(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    make_link(k, t, (AT_FDCWD, a.u64(0)), (AT_FDCWD, a.u64(1)), 0)
}

/// linkat(2).
pub fn sys_linkat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    make_link(k, t, (a.i32(0), a.u64(1)), (a.i32(2), a.u64(3)), a.u32(4))
}

const NOREPLACE: u32 = 1;
const EXCHANGE: u32 = 2;

fn rename(k: &mut Kernel, t: Tid, from: (i32, u64), to: (i32, u64), flags: u32) -> SysResult {
    if flags & !(NOREPLACE | EXCHANGE) != 0 || flags == NOREPLACE | EXCHANGE {
        return Err(Errno::EINVAL.into());
    }
    let exchange = flags & EXCHANGE != 0;
    let old = Entry::find(k, t, from.0, from.1)?;
    let new = Entry::find(k, t, to.0, to.1)?;
    if !Rc::ptr_eq(&old.dir.mount, &new.dir.mount) {
        return Err(Errno::EXDEV.into());
    }
    let old_name = old.name(Errno::EBUSY)?;
    let new_name = new.name(if flags & NOREPLACE != 0 { Errno::EEXIST } else { Errno::EBUSY })?;
    let source = old.existing(old_name)?;
    let source_attr = source.inode().attr()?;
    let target = match new.existing(new_name) {
        Ok(_) if flags & NOREPLACE != 0 => return Err(Errno::EEXIST.into()),
        Ok(target) => Some(target),
        Err(Errno::ENOENT) if !exchange => None,
        Err(e) => return Err(e.into()),
    };
    let target_attr = target.as_ref().map(|p| p.inode().attr()).transpose()?;
    let slashed_file = !source_attr.is_dir() && (old.slash || !exchange && new.slash);
    if slashed_file || exchange && new.slash && !target_attr.is_some_and(|a| a.is_dir()) {
        return Err(Errno::ENOTDIR.into());
    }
    if source.node.is_above(&new.dir.node) {
        return Err(Errno::EINVAL.into());
    }
    if target.as_ref().is_some_and(|p| p.node.is_above(&old.dir.node)) {
        return Err(if exchange { Errno::EINVAL } else { Errno::ENOTEMPTY }.into());
    }
    if target.as_ref().is_some_and(|p| same_file(p.inode(), source.inode())) {
        return Ok(0);
    }
    may_rename(&old.seeker, (&old, &source_attr), (&new, target_attr.as_ref()), exchange)?;
    if busy(&old, &source) || target.as_ref().is_some_and(|p| busy(&new, p)) {
        return Err(Errno::EBUSY.into());
    }
    old.dir.inode().rename(old_name, new.dir.inode(), new_name, flags)?;
    if exchange {
        old.dir.node.exchanged(old_name, &new.dir.node, new_name);
    } else {
        old.dir.node.renamed(old_name, &new.dir.node, new_name);
    }
    let (from, to) = ((&old.dir, old_name), (&new.dir, new_name));
    inotify::tell_renamed(k, from, to, &source_attr);
    match target.as_ref().zip(target_attr.as_ref()) {
        Some((_, attr)) if exchange => inotify::tell_renamed(k, to, from, attr),
        Some((target, attr)) => inotify::tell_replaced(k, target, attr),
        None => {}
    }
    Ok(0)
}

/// Whether the permissions allow a rename, and the types fit.
fn may_rename(
    seeker: &Seeker,
    (old, source): (&Entry, &Attr),
    (new, target): (&Entry, Option<&Attr>),
    exchange: bool,
) -> Result<()> {
    seeker.may_delete(&old.dir, &old.dir_attr, source)?;
    match target {
        None => seeker.may_create(&new.dir, &new.dir_attr)?,
        Some(target) => {
            seeker.may_delete(&new.dir, &new.dir_attr, target)?;
            match (source.is_dir(), target.is_dir()) {
                (true, false) if !exchange => return Err(Errno::ENOTDIR),
                (false, true) if !exchange => return Err(Errno::EISDIR),
                _ => {}
            }
        }
    }
    // A directory that gets another parent is itself changed: its `..`.
    if !Rc::ptr_eq(&old.dir.node, &new.dir.node) {
        if source.is_dir() {
            seeker.may(2, source)?;
        }
        if let Some(target) = target.filter(|a| exchange && a.is_dir()) {
            seeker.may(2, target)?;
        }
    }
    Ok(())
}

/// rename(2).
pub fn sys_rename(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    rename(k, t, (AT_FDCWD, a.u64(0)), (AT_FDCWD, a.u64(1)), 0)
}

/// renameat(2).
pub fn sys_renameat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    rename(k, t, (a.i32(0), a.u64(1)), (a.i32(2), a.u64(3)), 0)
}

/// renameat2(2).
pub fn sys_renameat2(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    rename(k, t, (a.i32(0), a.u64(1)), (a.i32(2), a.u64(3)), a.u32(4))
}
