//! Descriptors: close, dup and fcntl; what asks a file to reach its storage.

use super::Args;
use super::locks;
use super::sigio::owner;
use crate::error::{Errno, Result, SysResult};
use crate::fs::file::{Change, File, Owner, Positions, oflag};
use crate::fs::path::same_file;
use crate::fs::tmpfs::TmpFile;
use crate::ipc::pipe::PipeEnd;
use crate::kernel::Kernel;
use crate::mm::vma::{Backing, Vma};
use crate::task::Task;
use crate::task::process::rlimit;
use crate::user;
use crate::wait::Tid;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use llano_abi::names::*;
use llano_abi::stat::OwnerEx;
use llano_machine::space::Sharing;

/// close(2).
pub fn sys_close(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let file = k.task(t).files.borrow_mut().remove(a.i32(0))?;
    k.file_closed(t, file);
    Ok(0)
}

/// close_range(2).
pub fn sys_close_range(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (first, last, flags) = (a.u32(0), a.u32(1), a.u32(2));
    if first > last || flags & !(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) != 0 {
        return Err(Errno::EINVAL.into());
    }
    if flags & CLOSE_RANGE_UNSHARE != 0 {
        let task = k.task_mut(t);
        let own = task.files.borrow().clone();
        task.files = Rc::new(RefCell::new(own));
    }
    let files = k.task(t).files.clone();
    let open: Vec<i32> = files.borrow().iter().map(|(n, _)| n).collect();
    for fd in open.into_iter().filter(|n| (first..=last).contains(&(*n as u32))) {
        if flags & CLOSE_RANGE_CLOEXEC != 0 {
            files.borrow_mut().fd_mut(fd)?.cloexec = true;
        } else {
            let file = files.borrow_mut().remove(fd)?;
            k.file_closed(t, file);
        }
    }
    Ok(0)
}

/// dup(2).
pub fn sys_dup(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let file = k.file(t, a.i32(0))?;
    Ok(k.install(t, file, false)?.into())
}

fn dup_to(k: &mut Kernel, t: Tid, from: i32, to: i32, cloexec: bool) -> SysResult {
    let file = k.file(t, from)?;
    if to as u32 as u64 >= k.limit(t, rlimit::NOFILE) {
        return Err(Errno::EBADF.into());
    }
    let old = k.task(t).files.borrow_mut().replace(to, file, cloexec);
    if let Some(old) = old {
        k.file_closed(t, old);
    }
    Ok(to.into())
}

/// dup2(2).
pub fn sys_dup2(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (from, to) = (a.i32(0), a.i32(1));
    if from == to {
        k.file(t, from)?;
        return Ok(to.into());
    }
    dup_to(k, t, from, to, false)
}

/// dup3(2).
pub fn sys_dup3(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (from, to, flags) = (a.i32(0), a.i32(1), a.u32(2));
    if flags & !oflag::CLOEXEC != 0 || from == to {
        return Err(Errno::EINVAL.into());
    }
    dup_to(k, t, from, to, flags != 0)
}

/// fcntl(2).
pub fn sys_fcntl(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (fd, cmd, arg) = (a.i32(0), a.u32(1), a.u64(2));
    let file = k.file(t, fd)?;
    let about_fd = [F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_QUERY];
    if file.is_path() && !about_fd.contains(&cmd) {
        return Err(Errno::EBADF.into());
    }
    match cmd {
        F_DUPFD | F_DUPFD_CLOEXEC => {
            let limit = k.limit(t, rlimit::NOFILE);
            let min = arg as i32;
            if min < 0 || min as u64 >= limit {
                return Err(Errno::EINVAL.into());
            }
            let cloexec = cmd == F_DUPFD_CLOEXEC;
            Ok(k.task(t).files.borrow_mut().insert(file, cloexec, min, limit)?.into())
        }
        F_GETFD => Ok(k.task(t).files.borrow().cloexec(fd)?.into()),
        F_SETFD => {
            k.task(t).files.borrow_mut().fd_mut(fd)?.cloexec = arg & u64::from(FD_CLOEXEC) != 0;
            Ok(0)
        }
        F_GETFL => Ok(file.flags.get().into()),
        F_SETFL => set_flags(k, t, &file, fd, arg as u32),
        F_GETLK | F_SETLK | F_SETLKW | F_OFD_GETLK | F_OFD_SETLK | F_OFD_SETLKW => {
            locks::record_lock(k, t, fd, &file, cmd, arg)
        }
        F_SETOWN | F_GETOWN | F_SETOWN_EX | F_GETOWN_EX | F_SETSIG | F_GETSIG => owner(k, t, &file, cmd, arg),
        F_GETLEASE => Ok(2), // F_UNLCK: nobody has one
        F_SETPIPE_SZ => {
            let privileged = k.task(t).cred.privileged();
            let pipe = file.downcast::<PipeEnd>().ok_or(Errno::EBADF)?.pipe();
            Ok(pipe.set_capacity(arg as u32 as usize, privileged)? as i64)
        }
        F_GETPIPE_SZ => Ok(file.downcast::<PipeEnd>().ok_or(Errno::EBADF)?.pipe().capacity() as i64),
        F_ADD_SEALS | F_GET_SEALS => seals(k, &file, cmd, arg as u32),
        F_DUPFD_QUERY => Ok(Rc::ptr_eq(&file, &k.file(t, arg as i32)?).into()),
        _ => Err(Errno::EINVAL.into()),
    }
}

fn set_flags(k: &mut Kernel, t: Tid, file: &Rc<File>, fd: i32, new: u32) -> SysResult {
    const SETTABLE: u32 = oflag::APPEND | oflag::NONBLOCK | oflag::DIRECT | oflag::NOATIME | oflag::ASYNC;
    let old = file.flags.get();
    if new & oflag::NOATIME & !old != 0
        && let Some(path) = &file.path
        && !super::place::Seeker::new(k, t).owns(&path.inode().attr()?)
    {
        return Err(Errno::EPERM.into());
    }
    file.flags.set(old & !SETTABLE | new & SETTABLE);
    if (old ^ new) & oflag::ASYNC != 0 {
        k.async_files.changed(file, fd);
    }
    Ok(0)
}

/// Whom SIGIO is for, and which signal it is.
fn owner(k: &Kernel, t: Tid, file: &File, cmd: u32, arg: u64) -> SysResult {
    let euid = k.task(t).cred.euid;
    let (kind, id) = file.owner.get().map_or((owner::PID, 0), |o| (o.kind, o.id));
    match cmd {
        F_SETOWN => {
            let who = arg as i32;
            let kind = if who < 0 { owner::PGRP } else { owner::PID };
            set_owner(k, file, Owner { kind, id: who.checked_abs().ok_or(Errno::EINVAL)?, euid })?;
        }
        F_GETOWN => return Ok(if kind == owner::PGRP { -i64::from(id) } else { id.into() }),
        F_SETOWN_EX => {
            let new: OwnerEx = user::get(arg)?;
            if !(owner::TID..=owner::PGRP).contains(&new.kind) {
                return Err(Errno::EINVAL.into());
            }
            set_owner(k, file, Owner { kind: new.kind, id: new.pid, euid })?;
        }
        F_GETOWN_EX => user::put(arg, &OwnerEx { kind, pid: id })?,
        F_SETSIG => {
            if arg > 64 {
                return Err(Errno::EINVAL.into());
            }
            file.signal.set(arg as i32);
        }
        _ => return Ok(file.signal.get().into()),
    }
    Ok(0)
}

fn set_owner(k: &Kernel, file: &File, new: Owner) -> Result<()> {
    let there = match new.kind {
        _ if new.id == 0 => true,
        owner::TID => k.tables.task(new.id).is_some(),
        owner::PID => k.tables.process(new.id).is_some(),
        _ => k.tables.processes().any(|p| p.pgid == new.id),
    };
    if !there {
        return Err(Errno::ESRCH);
    }
    file.owner.set(Some(new).filter(|o| o.id != 0));
    Ok(())
}

fn seals(k: &Kernel, file: &File, cmd: u32, new: u32) -> SysResult {
    let seals = file.downcast::<TmpFile>().ok_or(Errno::EINVAL)?.seals();
    if cmd == F_GET_SEALS {
        return Ok(seals.get().into());
    }
    if !file.writable() {
        return Err(Errno::EPERM.into());
    }
    let mapped = |t: &Task| t.mm.borrow().vmas.values().any(|vma| writes_to(vma, file));
    if new & F_SEAL_WRITE != 0 && seals.get() & F_SEAL_SEAL == 0 && k.tables.tasks().any(mapped) {
        return Err(Errno::EBUSY.into());
    }
    seals.add(new)?;
    Ok(0)
}

/// Whether stores through a view may reach the file.
fn writes_to(vma: &Vma, file: &File) -> bool {
    let Backing::File(mapped, _) = &vma.backing else { return false };
    let same = match (&mapped.path, &file.path) {
        (Some(a), Some(b)) => same_file(a.inode(), b.inode()),
        _ => false,
    };
    same && vma.sharing == Sharing::Shared && mapped.writable()
}

/// A file that has something to bring to storage.
fn storable(k: &Kernel, t: Tid, fd: i32) -> Result<Rc<File>> {
    let file = k.file(t, fd)?;
    if file.is_path() {
        return Err(Errno::EBADF);
    }
    Ok(file)
}

/// fsync(2), fdatasync(2).
pub fn sys_fsync(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let file = storable(k, t, a.i32(0))?;
    match &file.path {
        Some(path) if matches!(file.positions(), Positions::Bytes | Positions::Directory) => {
            match file.ops().change(Change::Sync) {
                Some(result) => result?,
                None => path.inode().sync()?,
            }
            Ok(0)
        }
        _ => Err(Errno::EINVAL.into()),
    }
}

/// sync(2): every file that is open for writing, as the others have nothing to bring.
pub fn sys_sync(k: &mut Kernel, _: Tid, _: &Args) -> SysResult {
    let mut files: Vec<Rc<File>> = Vec::new();
    for task in k.tables.tasks() {
        files.extend(task.files.borrow().iter().map(|(_, fd)| fd.file.clone()).filter(|f| f.writable()));
    }
    for file in files {
        if let Some(path) = file.path.as_ref().filter(|_| file.positions() == Positions::Bytes) {
            // sync(2) has no way to report an error.
            let _ = path.inode().sync();
        }
    }
    Ok(0)
}

/// syncfs(2).
pub fn sys_syncfs(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    storable(k, t, a.i32(0))?;
    sys_sync(k, t, a)
}

/// sync_file_range(2).
pub fn sys_sync_file_range(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let file = storable(k, t, a.i32(0))?;
    if a.i64(1) < 0 || a.i64(2) < 0 || a.i64(1).checked_add(a.i64(2)).is_none() || a.u32(3) & !7 != 0 {
        return Err(Errno::EINVAL.into());
    }
    match (&file.path, file.positions()) {
        (Some(path), Positions::Bytes) => path.inode().sync()?,
        (_, Positions::Directory) => {}
        _ => return Err(Errno::ESPIPE.into()),
    }
    Ok(0)
}

/// posix_fadvise(2): advice, which may be ignored.
pub fn sys_fadvise64(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let file = storable(k, t, a.i32(0))?;
    if file.positions() == Positions::Stream && file.path.is_none() {
        return Err(Errno::ESPIPE.into());
    }
    if a.i64(2) < 0 || a.u32(3) > 5 {
        return Err(Errno::EINVAL.into());
    }
    Ok(0)
}

/// readahead(2): advice too.
pub fn sys_readahead(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let file = storable(k, t, a.i32(0))?;
    if !file.readable() {
        return Err(Errno::EBADF.into());
    }
    if file.positions() != Positions::Bytes || file.path.is_none() {
        return Err(Errno::EINVAL.into());
    }
    Ok(0)
}
