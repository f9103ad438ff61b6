//! flock(2) and the locks of fcntl(2).

use super::Args;
use crate::error::{Errno, Result, SysResult};
use crate::fs::file::{File, Seek};
use crate::fs::locks::{FileId, Holder, Lock, Mode, Owner, Space, TO_END};
use crate::kernel::Kernel;
use crate::user;
use crate::wait::{Tid, Wait, Why, poll};
use llano_abi::names::{F_GETLK, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_SETLKW};
use llano_abi::stat::Flock;

const F_RDLCK: i16 = 0;
const F_WRLCK: i16 = 1;
const F_UNLCK: i16 = 2;

fn identity(file: &File) -> Result<FileId> {
    match &file.path {
        Some(path) => path.inode().id(),
        None => {
            let attr = file.ops().attr();
            Ok((attr.dev, attr.ino))
        }
    }
}

/// The open file description as an owner of locks.
fn holder(k: &Kernel, file: &File, id: FileId) -> Owner {
    file.locks.get_or_init(|| Holder::new(k.mounts.locks(), id)).owner()
}

/// A descriptor was closed: its process's locks on the file go (the odd rule of POSIX).
pub fn closed(k: &Kernel, t: Tid, file: &File) {
    if !k.mounts.locks().any() {
        return;
    }
    if let (Ok(id), Some(task)) = (identity(file), k.tables.task(t)) {
        k.mounts.locks().unlock(id, Space::Records, Owner::Process(task.pid), 0, TO_END);
    }
}

/// flock(2).
pub fn sys_flock(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const SHARED: u32 = 1;
    const EXCLUSIVE: u32 = 2;
    const NONBLOCK: u32 = 4;
    const UNLOCK: u32 = 8;
    let fd = a.i32(0);
    let mode = match a.u32(1) & !NONBLOCK {
        SHARED => Some(Mode::Shared),
        EXCLUSIVE => Some(Mode::Exclusive),
        UNLOCK => None,
        _ => return Err(Errno::EINVAL.into()),
    };
    let file = k.file(t, fd)?;
    if file.is_path() || mode.is_some() && !file.readable() && !file.writable() {
        return Err(Errno::EBADF.into());
    }
    let id = identity(&file)?;
    let owner = holder(k, &file, id);
    let locks = k.mounts.locks();
    let Some(mode) = mode else {
        locks.unlock(id, Space::Whole, owner, 0, TO_END);
        return Ok(0);
    };
    let lock = Lock { owner, mode, start: 0, end: TO_END };
    let result = locks.lock(&k.env, id, Space::Whole, lock);
    if result == Err(Errno::EAGAIN) {
        // Changing a lock is not atomic (flock(2)): the old one is let go first, and lost if the new one is not free.
        locks.unlock(id, Space::Whole, owner, 0, TO_END);
        if a.u32(1) & NONBLOCK == 0 {
            return Err(Wait::new(Why::Lock(fd))
                .on(&locks.queue(&k.env, id, Space::Whole), poll::OUT)
                .into());
        }
    }
    result.map(|()| 0).map_err(Into::into)
}

/// The range of a `struct flock`, first and last byte.
fn range(file: &File, lock: &Flock) -> Result<(u64, u64)> {
    let base = match lock.l_whence {
        0 => 0,
        1 => file.pos.get() as i64,
        2 => match file.ops().seek() {
            Seek::Bytes(size) => size as i64,
            _ => 0,
        },
        _ => return Err(Errno::EINVAL),
    };
    let start = base.checked_add(lock.l_start).ok_or(Errno::EOVERFLOW)?;
    let (start, end) = match lock.l_len {
        0 => (start, TO_END as i64),
        len if len > 0 => (start, start.checked_add(len - 1).ok_or(Errno::EOVERFLOW)?),
        len => (start.checked_add(len).ok_or(Errno::EINVAL)?, start - 1),
    };
    if start < 0 { Err(Errno::EINVAL) } else { Ok((start as u64, end as u64)) }
}

/// F_GETLK, F_SETLK, F_SETLKW and the same of open file descriptions.
pub fn record_lock(k: &mut Kernel, t: Tid, fd: i32, file: &File, cmd: u32, arg: u64) -> SysResult {
    let mut flock: Flock = user::get(arg)?;
    let by_file = matches!(cmd, F_OFD_GETLK | F_OFD_SETLK | F_OFD_SETLKW);
    if by_file && flock.l_pid != 0 {
        return Err(Errno::EINVAL.into());
    }
    let pid = k.task(t).pid;
    let id = identity(file)?;
    let owner = if by_file { holder(k, file, id) } else { Owner::Process(pid) };
    let (start, end) = range(file, &flock)?;
    let asking = matches!(cmd, F_GETLK | F_OFD_GETLK);
    let locks = k.mounts.locks().clone();
    let mode = match flock.l_type {
        F_RDLCK if asking || file.readable() => Mode::Shared,
        F_WRLCK if asking || file.writable() => Mode::Exclusive,
        F_RDLCK | F_WRLCK => return Err(Errno::EBADF.into()),
        F_UNLCK if !asking => {
            locks.unlock(id, Space::Records, owner, start, end);
            return Ok(0);
        }
        _ => return Err(Errno::EINVAL.into()),
    };
    let wanted = Lock { owner, mode, start, end };
    if asking {
        match locks.conflict(id, Space::Records, &wanted) {
            None => flock.l_type = F_UNLCK,
            Some(other) => {
                flock.l_type = if other.mode == Mode::Shared { F_RDLCK } else { F_WRLCK };
                flock.l_whence = 0;
                flock.l_start = other.start as i64;
                flock.l_len = if other.end == TO_END { 0 } else { (other.end - other.start + 1) as i64 };
                flock.l_pid = match other.owner {
                    Owner::Process(pid) => pid,
                    Owner::File(_) => -1,
                };
            }
        }
        user::put(arg, &flock)?;
        return Ok(0);
    }
    locks.waits_no_more(pid);
    match locks.lock(&k.env, id, Space::Records, wanted) {
        Err(Errno::EAGAIN) if matches!(cmd, F_SETLKW | F_OFD_SETLKW) => {
            if let (Owner::Process(_), Some(Lock { owner: Owner::Process(other), .. })) =
                (owner, locks.conflict(id, Space::Records, &wanted))
            {
                locks.waits(pid, other)?;
            }
            Err(Wait::new(Why::Lock(fd)).on(&locks.queue(&k.env, id, Space::Records), poll::OUT).into())
        }
        result => result.map(|()| 0).map_err(Into::into),
    }
}
