//! RAM that has no one address: the contents of files in memory and of shared maps.
//!
//! One sparse memfd, mapped once for the kernel. Extents are handed out by offset; a guest's shared map is a map of the
//! same pages. Untouched pages cost nothing, freed ones go back to the host at once.

use crate::border::host;
use crate::extents::Extents;
use crate::host::HostFd;
use crate::space::{self, Sharing};
use crate::usermem::{self, BadAddress};
use crate::{HostError, PAGE, check};

/// The pool. The kernel owns one.
pub struct Pool {
    fd: HostFd,
    base: *mut u8,
    size: u64,
    /// By offset.
    free: Extents,
    used: u64,
}

impl Pool {
    /// A pool of at most `size` bytes (rounded up to pages).
    ///
    /// # Errors
    /// What the host said to `memfd_create`, `ftruncate` or `mmap`.
    pub fn new(size: u64) -> Result<Pool, HostError> {
        let size = size.next_multiple_of(PAGE as u64);
        // SAFETY: the name is a C string; the new descriptor is nobody else's.
        let fd = unsafe {
            HostFd::from_raw(
                check(host!(memfd_create)(c"llano-ram".as_ptr(), libc::MFD_CLOEXEC).into())? as i32
            )
        };
        let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_NORESERVE);
        // SAFETY: a fresh map at an address of the host's choice.
        let base = unsafe {
            check(host!(ftruncate)(fd.raw(), size as i64).into())?;
            host!(mmap)(core::ptr::null_mut(), size as usize, prot, flags, fd.raw(), 0)
        };
        if base == libc::MAP_FAILED {
            return Err(HostError::last());
        }
        Ok(Pool { fd, base: base.cast(), size, free: Extents::new(0, size), used: 0 })
    }

    /// Bytes that can be handed out in all.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes handed out.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Takes an extent of `len` bytes (rounded up to pages), all zero. First fit.
    pub fn alloc(&mut self, len: u64) -> Option<u64> {
        let len = len.max(1).checked_next_multiple_of(PAGE as u64)?;
        let at = self.free.take(len)?;
        self.used += len;
        Some(at)
    }

    /// Gives an extent (or part of one) back; its pages return to the host.
    pub fn free(&mut self, at: u64, len: u64) {
        let len = len.next_multiple_of(PAGE as u64);
        self.punch(at, len);
        self.used -= len;
        self.free.give(at, len);
    }

    /// Makes a page range read as zero again, returning its pages to the host.
    pub fn punch(&self, at: u64, len: u64) {
        debug_assert!(at + len <= self.size);
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        // SAFETY: only changes contents of the pool, which Rust code reaches by copies alone.
        unsafe { host!(fallocate)(self.fd.raw(), mode, at as i64, len as i64) };
    }

    fn at(&self, at: u64, len: usize) -> *mut u8 {
        assert!(at.checked_add(len as u64).is_some_and(|end| end <= self.size), "pool offset out of range");
        self.base.wrapping_add(at as usize)
    }

    /// Copies out of the pool.
    pub fn read(&self, at: u64, buf: &mut [u8]) {
        // SAFETY: the range is inside the map (checked); no reference into the map exists, so bytes are copied raw.
        unsafe { core::ptr::copy_nonoverlapping(self.at(at, buf.len()), buf.as_mut_ptr(), buf.len()) }
    }

    /// Copies into the pool.
    pub fn write(&mut self, at: u64, buf: &[u8]) {
        // SAFETY: as in `read`.
        unsafe { core::ptr::copy_nonoverlapping(buf.as_ptr(), self.at(at, buf.len()), buf.len()) }
    }

    /// Zeroes bytes of the pool.
    pub fn zero(&mut self, at: u64, len: usize) {
        // SAFETY: as in `read`.
        unsafe { core::ptr::write_bytes(self.at(at, len), 0, len) }
    }

    /// Copies from the pool to guest memory; returns how many bytes arrived before a fault.
    pub fn read_to_guest(&self, at: u64, to: u64, len: usize) -> Result<usize, BadAddress> {
        let from = self.at(at, len);
        // SAFETY: a live, readable map of `len` bytes (checked) that no reference points into.
        usermem::copy_out_some(to, unsafe { core::slice::from_raw_parts(from, len) })
    }

    /// Copies from guest memory into the pool; returns how many bytes arrived before a fault.
    pub fn write_from_guest(&mut self, at: u64, from: u64, len: usize) -> Result<usize, BadAddress> {
        let to = self.at(at, len);
        // SAFETY: a live, writable map of `len` bytes (checked) that no other reference points into.
        usermem::copy_in_some(from, unsafe { core::slice::from_raw_parts_mut(to, len) })
    }

    /// Maps pages of the pool into guest space, so that stores are seen by every other view of them.
    pub fn map(&self, addr: u64, len: u64, prot: i32, sharing: Sharing, at: u64) -> Result<(), HostError> {
        space::map_file(addr, len, prot, sharing, &self.fd, at)
    }
}
