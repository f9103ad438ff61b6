//! Where the contents of pages wait while another view's are in place, and copies of pages that survive a fault.

use crate::border::host;
use crate::{HostError, PAGE, usermem};

/// A saved page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame(u32);

const PAGE_BYTES: u64 = PAGE as u64;
/// What stays with the store when it runs empty, so that small forks cost no page faults.
const KEEP: u64 = 4 << 20;

/// Saved pages: one reservation, touched as far as it is used.
#[derive(Debug, Default)]
pub(super) struct Store {
    base: u64,
    len: u64,
    /// Pages below this have been handed out since the store was last empty.
    top: u32,
    free: Vec<u32>,
    /// Pages that ever changed places with one in a view.
    exchanged: u64,
}

impl Store {
    /// Pages in use.
    pub(super) fn used(&self) -> usize {
        self.top as usize - self.free.len()
    }

    /// Pages exchanged so far.
    pub(super) fn exchanged(&self) -> u64 {
        self.exchanged
    }

    /// Saves the page at `at`; one that cannot be read (a truncated file) is saved as zeroes.
    pub(super) fn save(&mut self, at: u64) -> Result<Frame, HostError> {
        let frame = match self.free.pop() {
            Some(frame) => frame,
            None => self.grow()?,
        };
        copy_page(self.at(frame), at);
        Ok(Frame(frame))
    }

    fn grow(&mut self) -> Result<u32, HostError> {
        if self.base == 0 {
            (self.base, self.len) = reserve(256 << 30, libc::PROT_READ | libc::PROT_WRITE)?;
        }
        if u64::from(self.top) * PAGE_BYTES >= self.len {
            return Err(HostError(libc::ENOMEM));
        }
        self.top += 1;
        Ok(self.top - 1)
    }

    /// Where a saved page is.
    pub(super) fn address(&self, frame: Frame) -> u64 {
        self.at(frame.0)
    }

    fn at(&self, frame: u32) -> u64 {
        self.base + u64::from(frame) * PAGE_BYTES
    }

    /// Writes a saved page back to `at`, which must be writable, and forgets it.
    pub(super) fn restore(&mut self, frame: Frame, at: u64) {
        copy_page(at, self.at(frame.0));
        self.forget(frame);
    }

    /// Puts the saved page in place of the one at `at`, which must be writable, and saves that one.
    pub(super) fn exchange(&mut self, frame: Frame, at: u64) {
        self.exchanged += 1;
        let saved = self.at(frame.0);
        // SAFETY: a page of guest space and a frame that was handed out: no Rust object lies there.
        let left = unsafe { usermem::exchange_raw(at, saved, PAGE) };
        if left > 0 {
            // As in `save`: what cannot be read is zeroes.
            // SAFETY: as above.
            unsafe { usermem::zero_raw(saved + (PAGE - left) as u64, left) };
        }
    }

    /// Whether the page at `at` holds the same bytes as the saved one.
    pub(super) fn equals(&self, frame: Frame, at: u64) -> bool {
        let mut buf = [0u8; PAGE];
        // SAFETY: `buf` is a page long; faults on the source are fixed up.
        let left = unsafe { usermem::copy_raw(buf.as_mut_ptr() as u64, at, PAGE) };
        // SAFETY: a frame that was handed out is a page of the store's own map, which only `copy_page` writes.
        let saved = unsafe { core::slice::from_raw_parts(self.at(frame.0) as *const u8, PAGE) };
        left == 0 && buf == saved
    }

    /// Forgets a saved page.
    pub(super) fn forget(&mut self, frame: Frame) {
        self.free.push(frame.0);
        if self.used() == 0 {
            let all = u64::from(self.top) * PAGE_BYTES;
            if all > KEEP {
                // SAFETY: pages of the store's own map that nothing refers to any more.
                unsafe {
                    host!(madvise)((self.base + KEEP) as *mut _, (all - KEEP) as usize, libc::MADV_DONTNEED)
                };
            }
            self.free.clear();
            self.top = 0;
        }
    }
}

/// Copies a page; what cannot be read arrives as zeroes, what cannot be written stays.
fn copy_page(to: u64, from: u64) {
    // SAFETY: both are pages of guest space, of the place where displaced pages wait, or of the store: no Rust object
    // lies there. Faults are fixed up.
    let left = unsafe { usermem::copy_raw(to, from, PAGE) };
    if left > 0 {
        // SAFETY: as above.
        unsafe { usermem::zero_raw(to + (PAGE - left) as u64, left) };
    }
}

/// Reserves up to `size` bytes, less if the host grants less; returns where and how many.
pub(super) fn reserve(size: u64, prot: i32) -> Result<(u64, u64), HostError> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let mut size = size;
    loop {
        // SAFETY: a fresh map at an address of the host's choice.
        let p = unsafe { host!(mmap)(core::ptr::null_mut(), size as usize, prot, flags, -1, 0) };
        if p != libc::MAP_FAILED {
            return Ok((p as u64, size));
        }
        if size <= 1 << 26 {
            return Err(HostError::last());
        }
        size /= 2;
    }
}
