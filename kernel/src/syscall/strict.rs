//! Memory calls under `--strict-nommu`: what Linux without an MMU answers (`mm/nommu.c`, `kernel/sys_ni.c`).

use super::Args;
use crate::error::{Errno, Result, SysResult};
use crate::fs::Path;
use crate::fs::path::same_file;
use crate::kernel::{Kernel, log};
use crate::mm::map::page_up;
use crate::mm::strict::{self, Request};
use crate::mm::{Backing, PAGE};
use crate::wait::Tid;
use alloc::string::String;
use llano_machine::clock;
use llano_machine::space::{EXEC, Sharing};

const MAP_TYPE: i32 = 0xf;
const MAP_SHARED: i32 = 1;
const MAP_PRIVATE: i32 = 2;
const MAP_FIXED: i32 = 0x10;
const MAP_ANONYMOUS: i32 = 0x20;
const MREMAP_FIXED: i32 = 2;

/// mmap(2).
pub(super) fn mmap(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (len, prot, flags, fd, offset) = (a.u64(1), a.i32(2) & 7, a.i32(3), a.i32(4), a.u64(5));
    if !offset.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL.into());
    }
    let file = if flags & MAP_ANONYMOUS == 0 { Some((k.file(t, fd)?, offset)) } else { None };
    if flags & MAP_FIXED != 0 {
        if let Some(strict) = &mut k.space.strict {
            strict.refused_fixed += 1;
        }
        return Err(Errno::EINVAL.into());
    }
    let sharing = match flags & MAP_TYPE {
        MAP_SHARED => Sharing::Shared,
        MAP_PRIVATE => Sharing::Private,
        _ => return Err(Errno::EINVAL.into()),
    };
    if len == 0 {
        return Err(Errno::EINVAL.into());
    }
    let len = page_up(len).filter(|len| *len <= super::mem::TASK_SIZE).ok_or(Errno::ENOMEM)?;
    if offset.checked_add(len).is_none() {
        return Err(Errno::EOVERFLOW.into());
    }
    let direct = match &file {
        Some((file, _)) => strict::capability(file, sharing, prot)?,
        None => false,
    };
    let is_code = prot & EXEC != 0 && file.is_some();
    let want = Request { len, prot, sharing, file };
    let mm = k.task(t).mm.clone();
    let at = strict::map(&mut k.space, &mut mm.borrow_mut(), &want, direct)
        .inspect_err(|e| no_block(k, t, len, *e))?;
    if is_code {
        k.images_changed();
    }
    if k.trace.on() {
        k.trace.map(clock::tsc(), t as u32, at, len, prot as u32);
    }
    Ok(at as i64)
}

/// Says in the kernel log why there is no memory, as Linux does.
fn no_block(k: &mut Kernel, t: Tid, len: u64, error: Errno) {
    if error == Errno::ENOMEM {
        let name = String::from_utf8_lossy(k.task(t).name()).into_owned();
        let (free, largest) = k.space.free_bytes();
        log!(
            k,
            INFO,
            "mm",
            "Allocation of length {len} from process {} ({name}) failed; free: {free} bytes, at most {largest} in a row",
            k.task(t).pid
        );
    }
}

/// munmap(2).
pub(super) fn munmap(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let start = a.u64(0);
    let len = page_up(a.u64(1)).filter(|len| *len > 0).ok_or(Errno::EINVAL)?;
    let end = start.checked_add(len).ok_or(Errno::EINVAL)?;
    let mm = k.task(t).mm.clone();
    k.code_goes(&mm.borrow(), start, end);
    strict::unmap(&mut k.space, &mut mm.borrow_mut(), start, end)?;
    if k.trace.on() {
        k.trace.unmap(clock::tsc(), t as u32, start, len);
    }
    Ok(0)
}

/// mremap(2).
pub(super) fn mremap(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (old, flags, new) = (a.u64(0), a.i32(3), a.u64(4));
    let sizes = page_up(a.u64(1)).zip(page_up(a.u64(2))).filter(|(old, new)| *old > 0 && *new > 0);
    let (old_len, new_len) = sizes.ok_or(Errno::EINVAL)?;
    if !old.is_multiple_of(PAGE) || flags & MREMAP_FIXED != 0 && new != old {
        return Err(Errno::EINVAL.into());
    }
    let mm = k.task(t).mm.clone();
    let at = strict::remap(&mut k.space, &mut mm.borrow_mut(), old, old_len, new_len)?;
    Ok(at as i64)
}

impl Kernel {
    /// For calls that Linux does not have without an MMU.
    ///
    /// # Errors
    /// `ENOSYS` under `--strict-nommu`.
    pub(crate) fn needs_mmu(&self) -> Result<()> {
        if self.space.strict.is_some() { Err(Errno::ENOSYS) } else { Ok(()) }
    }

    /// A process wants a copy of its memory.
    ///
    /// # Errors
    /// `EINVAL` under `--strict-nommu`.
    pub(crate) fn may_fork(&mut self) -> Result<()> {
        if self.space.strict.is_none() {
            return Ok(());
        }
        self.refused_forks += 1;
        Err(Errno::EINVAL)
    }

    /// A file is about to lose what lies behind `size` (`nommu_shrink_inode_mappings`).
    ///
    /// # Errors
    /// `ETXTBSY` under `--strict-nommu`: a shared map would lose pages.
    pub(crate) fn may_shrink(&self, path: &Path, size: u64) -> Result<()> {
        if self.space.strict.is_none() {
            return Ok(());
        }
        let kept = size - size % PAGE;
        let loses = |vma: &crate::mm::Vma| {
            let Backing::File(file, offset) = &vma.backing else { return false };
            vma.sharing == Sharing::Shared
                && offset + (vma.end - vma.start) > kept
                && file.path.as_ref().is_some_and(|p| same_file(p.inode(), path.inode()))
        };
        let busy = self.tables.tasks().any(|task| task.mm.borrow().vmas.values().any(loses));
        if busy { Err(Errno::ETXTBSY) } else { Ok(()) }
    }
}
