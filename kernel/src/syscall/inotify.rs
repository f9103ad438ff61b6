//! inotify(7): its calls, and how the other calls tell what they did.

use super::Args;
use super::place::{self, AT_FDCWD};
use crate::error::{Errno, Result, SysResult};
use crate::fs::Path;
use crate::fs::file::{File, oflag};
use crate::fs::inode::Attr;
use crate::fs::namei::Follow;
use crate::ipc::inotify::{Inotify, InotifyFile, bits};
use crate::kernel::Kernel;
use crate::wait::Tid;
use alloc::boxed::Box;
use alloc::rc::Rc;

/// What inotify_add_watch(2) knows.
const KNOWN: u32 = bits::ALL_EVENTS
    | bits::ONLYDIR
    | bits::DONT_FOLLOW
    | bits::EXCL_UNLINK
    | bits::MASK_CREATE
    | bits::MASK_ADD
    | bits::ISDIR
    | bits::ONESHOT
    | bits::UNMOUNT
    | bits::Q_OVERFLOW
    | bits::IGNORED;

fn create(k: &mut Kernel, t: Tid, flags: u32) -> SysResult {
    if flags & !(oflag::CLOEXEC | oflag::NONBLOCK) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let inotify = InotifyFile(Inotify::new(&k.env));
    let file = File::new(Box::new(inotify), oflag::RDONLY | flags & oflag::NONBLOCK, None);
    Ok(k.install(t, file, flags & oflag::CLOEXEC != 0)?.into())
}

/// inotify_init(2).
pub fn sys_inotify_init(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    create(k, t, 0)
}

/// inotify_init1(2).
pub fn sys_inotify_init1(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    create(k, t, a.u32(0))
}

fn instance(k: &Kernel, t: Tid, fd: i32) -> Result<Rc<Inotify>> {
    Ok(k.file(t, fd)?.downcast::<InotifyFile>().ok_or(Errno::EINVAL)?.0.clone())
}

/// inotify_add_watch(2).
pub fn sys_inotify_add_watch(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let mask = a.u32(2);
    let both = bits::MASK_ADD | bits::MASK_CREATE;
    if mask & KNOWN == 0 || mask & bits::ALL_EVENTS == 0 {
        return Err(Errno::EINVAL.into());
    }
    k.file(t, a.i32(0))?;
    if mask & both == both {
        return Err(Errno::EINVAL.into());
    }
    let inotify = instance(k, t, a.i32(0))?;
    let follow = if mask & bits::DONT_FOLLOW != 0 { Follow::No } else { Follow::Yes };
    let path = place::target(k, t, AT_FDCWD, a.u64(1), 0, follow)?.place()?;
    let attr = path.inode().attr()?;
    if mask & bits::ONLYDIR != 0 && !attr.is_dir() {
        return Err(Errno::ENOTDIR.into());
    }
    place::Seeker::new(k, t).may(4, &attr)?;
    Ok(inotify.add((attr.dev, attr.ino), path.inode(), mask)?.into())
}

/// inotify_rm_watch(2).
pub fn sys_inotify_rm_watch(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    instance(k, t, a.i32(0))?.remove(a.i32(1))?;
    Ok(0)
}

fn directory_bit(attr: &Attr) -> u32 {
    if attr.is_dir() { bits::ISDIR } else { 0 }
}

/// Tells that `mask` happened to a file: those who watch it, and those who watch its directory.
pub fn tell(k: &Kernel, path: &Path, mask: u32) {
    if k.env.ipc.watches.any() {
        tell_slowly(k, path, mask);
    }
}

#[cold]
fn tell_slowly(k: &Kernel, path: &Path, mask: u32) {
    let watches = &k.env.ipc.watches;
    let Ok(attr) = path.inode().attr() else { return };
    let mask = mask | directory_bit(&attr);
    if let Some(parent) = path.node.parent.borrow().as_ref()
        && let Ok(dir) = parent.inode.attr()
    {
        watches.notify((dir.dev, dir.ino), &path.node.name.borrow(), mask, 0);
    }
    watches.notify((attr.dev, attr.ino), b"", mask, 0);
}

/// The same of an open file, if it has a place.
pub fn tell_file(k: &Kernel, file: &File, mask: u32) {
    if k.env.ipc.watches.any()
        && let Some(path) = &file.path
        && !file.is_path()
    {
        tell_slowly(k, path, mask);
    }
}

/// An open file is closed for the last time.
pub fn tell_closed(k: &Kernel, file: &Rc<File>) {
    if k.env.ipc.watches.any() && Rc::strong_count(file) == 1 {
        let mask = if file.writable() { bits::CLOSE_WRITE } else { bits::CLOSE_NOWRITE };
        tell_file(k, file, mask);
        if let Some(path) = &file.path
            && Rc::strong_count(&path.node) == 1
            && let Ok(attr) = path.inode().attr()
            && attr.nlink == 0
        {
            k.env.ipc.watches.gone((attr.dev, attr.ino));
        }
    }
}

/// Tells that a file has another name.
pub fn tell_linked(k: &Kernel, path: &Path) {
    if k.env.ipc.watches.any()
        && let Ok(attr) = path.inode().attr()
    {
        k.env.ipc.watches.notify((attr.dev, attr.ino), b"", bits::ATTRIB, 0);
    }
}

/// Tells that an entry was made in `dir`.
pub fn tell_created(k: &Kernel, dir: &Path, name: &[u8], kind: u32) {
    let watches = &k.env.ipc.watches;
    if watches.any()
        && let Ok(attr) = dir.inode().attr()
    {
        let new = Attr { mode: kind, ..Attr::default() };
        watches.notify((attr.dev, attr.ino), name, bits::CREATE | directory_bit(&new), 0);
    }
}

/// Tells that the entry `victim` was removed from `dir`; `was` is what the file was before.
pub fn tell_removed(k: &Kernel, dir: &Path, name: &[u8], victim: &Path, was: &Attr) {
    let watches = &k.env.ipc.watches;
    if !watches.any() {
        return;
    }
    tell_replaced(k, victim, was);
    if let Ok(attr) = dir.inode().attr() {
        watches.notify((attr.dev, attr.ino), name, bits::DELETE | directory_bit(was), 0);
    }
}

/// Tells that a file lost a name. With the last one it is gone, unless it is open: then it is gone when it is closed.
pub fn tell_replaced(k: &Kernel, victim: &Path, was: &Attr) {
    let (watches, id) = (&k.env.ipc.watches, (was.dev, was.ino));
    if !was.is_dir() {
        watches.notify(id, b"", bits::ATTRIB, 0);
    }
    if was.is_dir() || was.nlink <= 1 && Rc::strong_count(&victim.node) == 1 {
        watches.gone(id);
    }
}

/// One end of a rename: the directory, the name in it.
pub type End<'a> = (&'a Path, &'a [u8]);

/// Tells that `what` moved from one name to another.
pub fn tell_renamed(k: &Kernel, from: End<'_>, to: End<'_>, what: &Attr) {
    let watches = &k.env.ipc.watches;
    if !watches.any() {
        return;
    }
    let cookie = watches.new_cookie();
    for ((dir, name), mask) in [(from, bits::MOVED_FROM), (to, bits::MOVED_TO)] {
        if let Ok(attr) = dir.inode().attr() {
            watches.notify((attr.dev, attr.ino), name, mask | directory_bit(what), cookie);
        }
    }
    watches.notify((what.dev, what.ino), b"", bits::MOVE_SELF, 0);
}
