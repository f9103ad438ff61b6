//! Descriptors of a process, and its magic links.

use super::{process, put, task};
use crate::error::{Errno, Result};
use crate::fs::Path;
use crate::fs::file::File;
use crate::fs::path::Node;
use crate::fs::procfs::{FdInode, Target, Who};
use crate::kernel::Kernel;
use crate::wait::Tid;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The numbers of open descriptors.
pub(super) fn numbers(k: &Kernel, who: Who) -> Result<Vec<i32>> {
    match task(k, who) {
        Ok(task) => Ok(task.files.borrow().iter().map(|(fd, _)| fd).collect()),
        // A zombie has none.
        Err(_) => process(k, who.pid).map(|_| Vec::new()),
    }
}

fn file(k: &Kernel, who: Who, fd: i32) -> Result<Rc<File>> {
    let task = task(k, who).map_err(|_| Errno::ENOENT)?;
    let file = task.files.borrow().get(fd).cloned();
    file.map_err(|_| Errno::ENOENT)
}

/// fdinfo/N.
pub(super) fn info(k: &Kernel, who: Who, fd: i32) -> Result<Vec<u8>> {
    let file = file(k, who, fd)?;
    let cloexec = task(k, who)?.files.borrow().cloexec(fd)?;
    let flags = file.flags.get() | if cloexec { crate::fs::file::oflag::CLOEXEC } else { 0 };
    let mut out = Vec::new();
    put!(out, "pos:\t{}\nflags:\t0{flags:o}\n", file.pos.get());
    if let Some(path) = &file.path {
        put!(out, "mnt_id:\t{}\nino:\t{}\n", path.mount.id, path.inode().attr()?.ino);
    } else {
        put!(out, "mnt_id:\t15\nino:\t{}\n", file.ops().attr().ino);
    }
    Ok(out)
}

fn target(k: &Kernel, caller: Tid, path: Path, permissions: u32) -> Target {
    let root = k.task(caller).fs.borrow().root.clone();
    Target { text: path.to_bytes(&root), path, permissions }
}

/// fd/N.
pub(super) fn descriptor(k: &Kernel, caller: Tid, who: Who, fd: i32) -> Result<Target> {
    let file = file(k, who, fd)?;
    let read = if file.readable() || file.is_path() { 0o500 } else { 0 };
    let write = if file.writable() { 0o300 } else { 0 };
    if let Some(path) = &file.path {
        return Ok(target(k, caller, path.clone(), read | write));
    }
    let text = file.ops().label().into_bytes();
    let node = Node::detached(&text, FdInode::inode(file));
    Ok(Target { text, path: k.mounts.detached("fd", node), permissions: read | write })
}

/// cwd, root, exe.
pub(super) fn named(k: &Kernel, caller: Tid, who: Who, name: &str) -> Result<Target> {
    let task = task(k, who).map_err(|_| Errno::ENOENT)?;
    let path = match name {
        "cwd" => task.fs.borrow().cwd.clone(),
        "root" => task.fs.borrow().root.clone(),
        _ => process(k, who.pid)?.exe.clone().ok_or(Errno::ENOENT)?,
    };
    Ok(target(k, caller, path, 0o777))
}
