//! Memory calls: mmap and its relatives (mmap(2), nommu-mmap.rst).

use super::{Args, strict};
use crate::error::{Errno, Result, SysResult, host};
use crate::kernel::Kernel;
use crate::mm::map::page_up;
use crate::mm::space::Place;
use crate::mm::{AtFork, Backing, PAGE, Vma};
use crate::task::process::rlimit;
use crate::user;
use crate::wait::Tid;
use llano_machine::clock;
use llano_machine::space as pages;
use llano_machine::space::Sharing;

/// The end of user space (TASK_SIZE).
pub(super) const TASK_SIZE: u64 = 0x7fff_ffff_f000;
const MAP_TYPE: i32 = 0xf;
const MAP_SHARED: i32 = 1;
const MAP_PRIVATE: i32 = 2;
const MAP_SHARED_VALIDATE: i32 = 3;
const MAP_FIXED: i32 = 0x10;
const MAP_ANONYMOUS: i32 = 0x20;
const MAP_32BIT: i32 = 0x40;
const MAP_NORESERVE: i32 = 0x4000;
const MAP_HUGETLB: i32 = 0x4_0000;
const MAP_FIXED_NOREPLACE: i32 = 0x10_0000;

/// mmap(2).
pub fn sys_mmap(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if k.space.strict.is_some() {
        return strict::mmap(k, t, a);
    }
    let (hint, len, prot, flags, fd, offset) =
        (a.u64(0), a.u64(1), a.i32(2) & 7, a.i32(3), a.i32(4), a.u64(5));
    let len = match len {
        0 => return Err(Errno::EINVAL.into()),
        n => page_up(n).ok_or(Errno::ENOMEM)?,
    };
    if !offset.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL.into());
    }
    let sharing = match flags & MAP_TYPE {
        MAP_SHARED | MAP_SHARED_VALIDATE => Sharing::Shared,
        MAP_PRIVATE => Sharing::Private,
        _ => return Err(Errno::EINVAL.into()),
    };
    let backing = backing(k, t, fd, flags, prot, sharing, offset, len)?;
    admit(k, t, len, prot, flags, sharing)?;
    let vma = |start: u64| Vma::new(start, start + len, prot, sharing, backing.clone());
    let mm = k.task(t).mm.clone();
    let fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0;
    if fixed {
        k.contest(&mm, hint, hint.saturating_add(len));
    }
    let mut mm = mm.borrow_mut();
    let at = if fixed {
        if !hint.is_multiple_of(PAGE) {
            return Err(Errno::EINVAL.into());
        }
        if !pages::contains(hint, len) {
            return Err(Errno::ENOMEM.into());
        }
        if flags & MAP_FIXED_NOREPLACE != 0 && mm.overlaps(hint, hint + len) {
            return Err(Errno::EEXIST.into());
        }
        k.debug.breakpoints.leave(mm.view, hint, hint + len);
        mm.map_fixed(&mut k.space, vma(hint))?;
        hint
    } else {
        let wish = hint & !(PAGE - 1);
        if wish != 0 && k.space.is_free(wish, len) {
            mm.map_fixed(&mut k.space, vma(wish))?;
            wish
        } else {
            let place = if flags & MAP_32BIT != 0 { Place::Low } else { Place::High };
            mm.map(&mut k.space, len, place, vma)?
        }
    };
    drop(mm);
    if prot & pages::EXEC != 0 && flags & MAP_ANONYMOUS == 0 {
        k.images_changed();
    }
    if k.trace.on() {
        k.trace.map(clock::tsc(), t as u32, at, len, prot as u32);
    }
    Ok(at as i64)
}

#[allow(clippy::too_many_arguments)]
fn backing(
    k: &Kernel,
    t: Tid,
    fd: i32,
    flags: i32,
    prot: i32,
    sharing: Sharing,
    offset: u64,
    len: u64,
) -> Result<Backing> {
    if flags & MAP_ANONYMOUS != 0 {
        if flags & MAP_HUGETLB != 0 {
            return Err(Errno::ENOMEM);
        }
        return Ok(match sharing {
            Sharing::Private => Backing::Anonymous,
            Sharing::Shared => Backing::File(crate::fs::tmpfs::anonymous(&k.env, len)?, 0),
        });
    }
    let file = k.file(t, fd)?;
    if !file.readable() || sharing == Sharing::Shared && prot & pages::WRITE != 0 && !file.writable() {
        return Err(Errno::EACCES);
    }
    if offset.checked_add(len).is_none_or(|end| end > i64::MAX as u64) {
        return Err(Errno::EOVERFLOW);
    }
    Ok(Backing::File(file, offset))
}

/// Refuses what can never be had: more private writable memory at once than there is RAM (Linux's overcommit
/// heuristic), or more than RLIMIT_AS.
fn admit(k: &Kernel, t: Tid, len: u64, prot: i32, flags: i32, sharing: Sharing) -> Result<()> {
    let counted = prot & pages::WRITE != 0 && sharing == Sharing::Private && flags & MAP_NORESERVE == 0;
    if counted && len > k.ram {
        return Err(Errno::ENOMEM);
    }
    // Few processes have many maps; only those pay for the count.
    const MANY: usize = 4096;
    if k.task(t).mm.borrow().vmas.len() > MANY {
        k.room_for_maps()?;
    }
    let limit = k.limit(t, rlimit::AS);
    if limit != u64::MAX && k.task(t).mm.borrow().size().saturating_add(len) > limit {
        return Err(Errno::ENOMEM);
    }
    Ok(())
}

/// A page-aligned start and a length rounded up; `EINVAL` otherwise, `ENOMEM` if it overflows.
fn range(addr: u64, len: u64) -> Result<(u64, u64)> {
    if !addr.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL);
    }
    let end = page_up(len).and_then(|l| addr.checked_add(l)).ok_or(Errno::ENOMEM)?;
    Ok((addr, end))
}

/// munmap(2).
pub fn sys_munmap(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if k.space.strict.is_some() {
        return strict::munmap(k, t, a);
    }
    let (start, end) = range(a.u64(0), a.u64(1)).map_err(|_| Errno::EINVAL)?;
    if start == end || end > TASK_SIZE {
        return Err(Errno::EINVAL.into());
    }
    let mm = k.task(t).mm.clone();
    k.code_goes(&mm.borrow(), start, end);
    mm.borrow_mut().unmap(&mut k.space, start, end)?;
    if k.trace.on() {
        k.trace.unmap(clock::tsc(), t as u32, start, end - start);
    }
    Ok(0)
}

/// mprotect(2).
pub fn sys_mprotect(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    k.needs_mmu()?;
    const PROT_GROWSDOWN: i32 = 0x0100_0000;
    let (start, end) = range(a.u64(0), a.u64(1))?;
    let prot = a.i32(2);
    if prot & !(7 | PROT_GROWSDOWN) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let mm = k.task(t).mm.clone();
    mm.borrow_mut().protect(start, end, prot & 7)?;
    Ok(0)
}

/// mremap(2).
pub fn sys_mremap(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if k.space.strict.is_some() {
        return strict::mremap(k, t, a);
    }
    const MAYMOVE: i32 = 1;
    const FIXED: i32 = 2;
    let (old, old_len, new_len, flags, new) = (a.u64(0), a.u64(1), a.u64(2), a.i32(3), a.u64(4));
    if !old.is_multiple_of(PAGE)
        || flags & !(MAYMOVE | FIXED) != 0
        || flags & FIXED != 0 && flags & MAYMOVE == 0
        || new_len == 0
    {
        return Err(Errno::EINVAL.into());
    }
    let (old_len, new_len) = (page_up(old_len).ok_or(Errno::EINVAL)?, page_up(new_len).ok_or(Errno::ENOMEM)?);
    if old_len == 0 {
        return Err(Errno::EINVAL.into());
    }
    if new_len > old_len {
        admit(k, t, new_len - old_len, pages::WRITE, 0, Sharing::Private)?;
    }
    let fixed = (flags & FIXED != 0).then_some(new);
    if fixed.is_some_and(|n| !n.is_multiple_of(PAGE)) {
        return Err(Errno::EINVAL.into());
    }
    if fixed.is_some_and(|n| !pages::contains(n, new_len)) {
        return Err(Errno::ENOMEM.into());
    }
    let mm = k.task(t).mm.clone();
    if let Some(to) = fixed {
        k.contest(&mm, to, to.saturating_add(new_len));
    }
    let view = mm.borrow().view;
    k.debug.breakpoints.leave(view, old, old.saturating_add(old_len));
    if let Some(to) = fixed {
        k.debug.breakpoints.leave(view, to, to.saturating_add(new_len));
    }
    let at = mm.borrow_mut().remap(&mut k.space, old, old_len, new_len, flags & MAYMOVE != 0, fixed)?;
    Ok(at as i64)
}

/// brk(2): the new end of the heap, or the old one.
pub fn sys_brk(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let limit = k.limit(t, rlimit::DATA);
    let mm = k.task(t).mm.clone();
    let wish = a.u64(0);
    let end = mm.borrow().brk.1;
    if wish > end {
        k.contest(&mm, end, wish.next_multiple_of(PAGE).min(mm.borrow().brk.2));
    }
    let mut mm = mm.borrow_mut();
    if wish.saturating_sub(mm.brk.0) > limit.min(k.ram) {
        return Ok(mm.brk.1 as i64);
    }
    let new = mm.set_brk(wish);
    drop(mm);
    if k.trace.on() && new != end {
        k.trace.brk(clock::tsc(), t as u32, end, new);
    }
    Ok(new as i64)
}

/// madvise(2).
pub fn sys_madvise(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    k.needs_mmu()?;
    const DONTNEED: i32 = 4;
    const FREE: i32 = 8;
    const REMOVE: i32 = 9;
    const DONTFORK: i32 = 10;
    const DOFORK: i32 = 11;
    const WIPEONFORK: i32 = 18;
    const KEEPONFORK: i32 = 19;
    const KNOWN: [i32; 20] = [0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25];
    let (start, end) = range(a.u64(0), a.u64(1)).map_err(|_| Errno::EINVAL)?;
    let advice = a.i32(2);
    if !KNOWN.contains(&advice) && ![DONTNEED, FREE, REMOVE].contains(&advice) {
        return Err(Errno::EINVAL.into());
    }
    let mm = k.task(t).mm.clone();
    let mut mm = mm.borrow_mut();
    if !mm.covers(start, end) {
        return Err(Errno::ENOMEM.into());
    }
    match advice {
        DONTFORK => mm.set_at_fork(start, end, AtFork::Skip)?,
        WIPEONFORK => mm.set_at_fork(start, end, AtFork::Wipe)?,
        DOFORK | KEEPONFORK => mm.set_at_fork(start, end, AtFork::Inherit)?,
        _ => {}
    }
    // Only these change what a program sees; the rest is advice that may be ignored.
    if start < end && matches!(advice, DONTNEED | FREE | REMOVE) {
        let host_advice = if advice == FREE { DONTNEED } else { advice };
        pages::advise(start, end - start, host_advice).map_err(host)?;
    }
    Ok(0)
}

/// msync(2).
pub fn sys_msync(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    k.needs_mmu()?;
    const ASYNC: i32 = 1;
    const INVALIDATE: i32 = 2;
    const SYNC: i32 = 4;
    let flags = a.i32(2);
    let (start, end) = range(a.u64(0), a.u64(1))?;
    if flags & !(ASYNC | INVALIDATE | SYNC) != 0 || flags & ASYNC != 0 && flags & SYNC != 0 {
        return Err(Errno::EINVAL.into());
    }
    if !k.task(t).mm.borrow().covers(start, end) {
        return Err(Errno::ENOMEM.into());
    }
    if start < end {
        pages::sync(start, end - start, flags).map_err(host)?;
    }
    Ok(0)
}

/// mincore(2).
pub fn sys_mincore(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    k.needs_mmu()?;
    let (start, end) = range(a.u64(0), a.u64(1))?;
    if !k.task(t).mm.borrow().covers(start, end) {
        return Err(Errno::ENOMEM.into());
    }
    let mut vec = [0u8; 1024];
    let mut at = start;
    while at < end {
        let n = ((end - at) / PAGE).min(vec.len() as u64);
        pages::resident(at, n * PAGE, &mut vec[..n as usize]).map_err(host)?;
        user::put_bytes(a.u64(2) + (at - start) / PAGE, &vec[..n as usize])?;
        at += n * PAGE;
    }
    Ok(0)
}

/// mlock(2), mlock2(2), munlock(2): memory here is never swapped by llano; the range must exist.
pub fn sys_mlock(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    k.needs_mmu()?;
    let start = a.u64(0) & !(PAGE - 1);
    let end = a.u64(0).checked_add(a.u64(1)).and_then(page_up).ok_or(Errno::EINVAL)?;
    if !k.task(t).mm.borrow().covers(start, end) {
        return Err(Errno::ENOMEM.into());
    }
    Ok(0)
}

/// mlockall(2): as mlock, for what is mapped now and later.
pub fn sys_mlockall(k: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    k.needs_mmu()?;
    const CURRENT: i32 = 1;
    const FUTURE: i32 = 2;
    const ONFAULT: i32 = 4;
    let flags = a.i32(0);
    if flags & !(CURRENT | FUTURE | ONFAULT) != 0 || flags & (CURRENT | FUTURE) == 0 {
        return Err(Errno::EINVAL.into());
    }
    Ok(0)
}

/// munlockall(2).
pub fn sys_munlockall(k: &mut Kernel, _: Tid, _: &Args) -> SysResult {
    k.needs_mmu()?;
    Ok(0)
}

/// membarrier(2): one CPU, so every barrier holds already; only registration is to be kept.
pub fn sys_membarrier(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const GLOBAL: i32 = 1;
    const GLOBAL_EXPEDITED: i32 = 2;
    const REGISTER_GLOBAL: i32 = 4;
    const PRIVATE: i32 = 8;
    const REGISTER_PRIVATE: i32 = 16;
    const PRIVATE_SYNC_CORE: i32 = 32;
    const REGISTER_SYNC_CORE: i32 = 64;
    const GET_REGISTRATIONS: i32 = 512;
    const KNOWN: i32 = 0x7f | GET_REGISTRATIONS;
    if a.u32(1) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let mut mm = k.task(t).mm.borrow_mut();
    match a.i32(0) {
        0 => return Ok(KNOWN.into()),
        GLOBAL | GLOBAL_EXPEDITED => {}
        register @ (REGISTER_GLOBAL | REGISTER_PRIVATE | REGISTER_SYNC_CORE) => mm.barriers |= register,
        // Only what was registered (the next bit) may be asked for.
        barrier @ (PRIVATE | PRIVATE_SYNC_CORE) if mm.barriers & barrier << 1 == 0 => {
            return Err(Errno::EPERM.into());
        }
        PRIVATE | PRIVATE_SYNC_CORE => {}
        GET_REGISTRATIONS => return Ok(mm.barriers.into()),
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(0)
}
