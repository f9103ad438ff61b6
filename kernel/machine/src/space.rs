//! The guest's address space: two reservations, and pages mapped into them.
//!
//! The *high* window (256 GiB, less if the host refuses) holds everything that can be placed; the *low* window (64 KiB
//! to 2 GiB) is there for programs linked to fixed addresses and for `MAP_32BIT`. What is not mapped is PROT_NONE.
//! This module maps and unmaps; who owns what is the kernel's business.

use crate::border::host;
use crate::host::HostFd;
use crate::{HostError, PAGE, check, overlay, patch};
use core::sync::atomic::{AtomicU64, Ordering};

static HIGH: AtomicU64 = AtomicU64::new(0);
static HIGH_END: AtomicU64 = AtomicU64::new(0);
static LOW: AtomicU64 = AtomicU64::new(0);
static LOW_END: AtomicU64 = AtomicU64::new(0);

/// Where the high window is tried first: far from anything the host places by itself.
const HIGH_HINT: u64 = 0x0200_0000_0000;
const LOW_START: u64 = 0x1_0000;
const LOW_STOP: u64 = 0x8000_0000;

/// Page protection, as bits of mmap(2).
pub const READ: i32 = libc::PROT_READ;
/// See [`READ`].
pub const WRITE: i32 = libc::PROT_WRITE;
/// See [`READ`].
pub const EXEC: i32 = libc::PROT_EXEC;

/// The two windows, as (start, end): high, low. The low one is empty if the host has something there.
#[derive(Debug, Clone, Copy)]
pub struct Windows {
    /// Start and end of the high window.
    pub high: (u64, u64),
    /// Start and end of the low window.
    pub low: (u64, u64),
}

const RESERVE: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;

/// # Safety
/// The range must be free or guest space.
unsafe fn map(addr: u64, len: u64, prot: i32, flags: i32, fd: i32, offset: u64) -> Result<u64, HostError> {
    // SAFETY: the caller's promise: no Rust object lives in the range.
    let p = unsafe { host!(mmap)(addr as *mut _, len as usize, prot, flags, fd, offset as i64) };
    if p == libc::MAP_FAILED { Err(HostError::last()) } else { Ok(p as u64) }
}

/// Reserves the windows: `size` bytes of high window if the host grants it, else the largest power of two less.
///
/// # Errors
/// The host grants not even 1 GiB.
pub fn init(size: u64) -> Result<Windows, HostError> {
    let mut size = size;
    let high = loop {
        // SAFETY: NOREPLACE takes only free addresses.
        let fixed =
            unsafe { map(HIGH_HINT, size, libc::PROT_NONE, RESERVE | libc::MAP_FIXED_NOREPLACE, -1, 0) };
        // SAFETY: the host chooses a free place.
        match fixed.or_else(|_| unsafe { map(0, size, libc::PROT_NONE, RESERVE, -1, 0) }) {
            Ok(p) => break p,
            Err(e) if size <= 1 << 30 => return Err(e),
            Err(_) => size /= 2,
        }
    };
    let mut low = (LOW_START, LOW_START);
    // SAFETY: NOREPLACE takes only free addresses.
    let got = unsafe {
        map(LOW_START, LOW_STOP - LOW_START, libc::PROT_NONE, RESERVE | libc::MAP_FIXED_NOREPLACE, -1, 0)
    };
    if got == Ok(LOW_START) {
        low = (LOW_START, LOW_STOP);
    }
    HIGH.store(high, Ordering::Relaxed);
    HIGH_END.store(high + size, Ordering::Relaxed);
    LOW.store(low.0, Ordering::Relaxed);
    LOW_END.store(low.1, Ordering::Relaxed);
    Ok(Windows { high: (high, high + size), low })
}

/// Whether `len` bytes at `addr` lie in guest space.
#[inline]
pub fn contains(addr: u64, len: u64) -> bool {
    let Some(end) = addr.checked_add(len) else { return false };
    (addr >= HIGH.load(Ordering::Relaxed) && end <= HIGH_END.load(Ordering::Relaxed))
        || (addr >= LOW.load(Ordering::Relaxed) && end <= LOW_END.load(Ordering::Relaxed))
}

fn guard(addr: u64, len: u64) -> Result<(), HostError> {
    let page = PAGE as u64;
    if len > 0 && addr.is_multiple_of(page) && len.is_multiple_of(page) && contains(addr, len) {
        Ok(())
    } else {
        Err(HostError(libc::EINVAL))
    }
}

/// Maps fresh zero pages.
pub fn map_anon(addr: u64, len: u64, prot: i32) -> Result<(), HostError> {
    guard(addr, len)?;
    overlay::replace(addr, len, false)?;
    patch::forget(addr, len);
    // SAFETY: guest space (guarded): no Rust object lives there.
    unsafe { map(addr, len, prot, RESERVE | libc::MAP_FIXED, -1, 0) }.map(|_| ())
}

/// Whose writes to a file map are seen by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Copy on write.
    Private,
    /// Written through to the file.
    Shared,
}

/// Maps pages of a host file.
pub fn map_file(
    addr: u64,
    len: u64,
    prot: i32,
    sharing: Sharing,
    fd: &HostFd,
    off: u64,
) -> Result<(), HostError> {
    guard(addr, len)?;
    let sharing = match sharing {
        Sharing::Private => libc::MAP_PRIVATE,
        Sharing::Shared => libc::MAP_SHARED,
    };
    overlay::replace(addr, len, false)?;
    patch::forget(addr, len);
    // SAFETY: guest space (guarded): no Rust object lives there.
    unsafe { map(addr, len, prot, sharing | libc::MAP_FIXED | libc::MAP_NORESERVE, fd.raw(), off) }
        .map(|_| ())
}

/// Maps the image of a text ([`patch`]), whose descriptor is `fd`.
pub(crate) fn map_image(addr: u64, len: u64, prot: i32, fd: i32) -> Result<(), HostError> {
    guard(addr, len)?;
    overlay::replace(addr, len, false)?;
    patch::forget(addr, len);
    // SAFETY: guest space (guarded): no Rust object lives there.
    unsafe { map(addr, len, prot, libc::MAP_PRIVATE | libc::MAP_FIXED | libc::MAP_NORESERVE, fd, 0) }
        .map(|_| ())
}

/// Gives pages back: the range is reserved again and faults on any access.
pub fn unmap(addr: u64, len: u64) -> Result<(), HostError> {
    guard(addr, len)?;
    overlay::replace(addr, len, true)?;
    vacate(addr, len)
}

/// Gives back those pages of a range that no more than one view claims; see [`overlay`].
pub fn release(start: u64, end: u64) -> Result<(), HostError> {
    guard(start, end - start)?;
    overlay::alone(start, end).into_iter().try_for_each(|part| vacate(part.start, part.end - part.start))
}

/// Reserves a range of the guest's, or of the place where displaced pages wait, again.
pub(crate) fn vacate(addr: u64, len: u64) -> Result<(), HostError> {
    patch::forget(addr, len);
    // SAFETY: the callers pass ranges of guest space or of the waiting place: no Rust object lives there.
    unsafe { map(addr, len, libc::PROT_NONE, RESERVE | libc::MAP_FIXED, -1, 0) }.map(|_| ())
}

/// Moves pages between guest space and the place where displaced ones wait.
///
/// Hosts before Linux 6.17 move one mapping in a call; where the range turns out to be several, its halves are moved.
pub(crate) fn relocate(from: u64, to: u64, len: u64) -> Result<(), HostError> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: ranges of guest space or of the waiting place: no Rust object lives there.
    let p =
        unsafe { host!(mremap)(from as *mut _, len as usize, len as usize, flags, to as *mut libc::c_void) };
    if p != libc::MAP_FAILED {
        patch::moved(from, to, len);
        return vacate(from, len);
    }
    let error = HostError::last();
    if error.0 != libc::EFAULT || len <= PAGE as u64 {
        return Err(error);
    }
    let half = (len / 2).next_multiple_of(PAGE as u64);
    relocate(from, to, half)?;
    relocate(from + half, to + half, len - half)
}

/// Changes the protection of mapped pages.
pub fn protect(addr: u64, len: u64, prot: i32) -> Result<(), HostError> {
    guard(addr, len)?;
    patch::reprotect(addr, len, prot);
    if overlay::reprotect(addr, len, prot)? {
        return Ok(());
    }
    // SAFETY: guest space (guarded); protection of guest pages is no concern of Rust's.
    check(unsafe { host!(mprotect)(addr as *mut _, len as usize, prot) }.into()).map(|_| ())
}

/// Moves pages from one place to another (both page ranges of guest space), leaving a reservation behind. No other view
/// may see them ([`overlay::common`]).
pub fn move_pages(from: u64, from_len: u64, to: u64, to_len: u64) -> Result<(), HostError> {
    guard(from, from_len)?;
    guard(to, to_len)?;
    patch::restore(from, from_len);
    overlay::replace(to, to_len, false)?;
    patch::forget(to, to_len);
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: guest space (guarded) on both sides; the kernel passes ranges that do not overlap.
    let p = unsafe {
        host!(mremap)(from as *mut _, from_len as usize, to_len as usize, flags, to as *mut libc::c_void)
    };
    if p == libc::MAP_FAILED {
        return Err(HostError::last());
    }
    unmap(from, from_len)
}

/// Whether advice changes contents (`MADV_DONTNEED` and the like).
fn drops(advice: i32) -> bool {
    matches!(advice, libc::MADV_DONTNEED | libc::MADV_FREE | libc::MADV_REMOVE)
}

/// `madvise` on guest pages; `advice` as in madvise(2).
pub fn advise(addr: u64, len: u64, advice: i32) -> Result<(), HostError> {
    guard(addr, len)?;
    let code = drops(advice) && patch::dropping(addr, len);
    if matches!(advice, libc::MADV_DONTNEED | libc::MADV_FREE) {
        overlay::part(addr, len)?;
    }
    // SAFETY: guest space (guarded): advice can at most drop guest data, as the guest asked.
    let result = check(unsafe { host!(madvise)(addr as *mut _, len as usize, advice) }.into()).map(|_| ());
    if code {
        patch::refreshed(addr, len);
    }
    result
}

/// Writes a shared file map back; `flags` as in msync(2).
pub fn sync(addr: u64, len: u64, flags: i32) -> Result<(), HostError> {
    guard(addr, len)?;
    // SAFETY: guest space (guarded); nothing in memory changes.
    check(unsafe { host!(msync)(addr as *mut _, len as usize, flags) }.into()).map(|_| ())
}

/// One byte a page: bit 0 says resident (mincore(2)).
pub fn resident(addr: u64, len: u64, vec: &mut [u8]) -> Result<(), HostError> {
    guard(addr, len)?;
    if vec.len() as u64 * (PAGE as u64) < len {
        return Err(HostError(libc::EINVAL));
    }
    // SAFETY: `vec` has a byte for each page (checked).
    check(unsafe { host!(mincore)(addr as *mut _, len as usize, vec.as_mut_ptr()) }.into()).map(|_| ())
}
