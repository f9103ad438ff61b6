//! What a file in RAM holds: extents of the pool, found by offset.
//!
//! An extent never moves, because a guest may have its pages mapped. Behind the end of the file all bytes of all
//! extents are zero, so growing is only a change of the size.

use crate::env::Env;
use crate::error::{Errno, Result, fault, host};
use crate::fs::file::{MapRequest, Piece};
use crate::user::{Dst, Src};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use llano_machine::PAGE;

/// The most that an extent reserves beyond what is asked for.
const READ_AHEAD: u64 = 32 << 20;
const PAGE_SIZE: u64 = PAGE as u64;

/// The largest file.
pub(super) const MAX_SIZE: u64 = i64::MAX as u64;

#[derive(Debug, Clone, Copy)]
struct Extent {
    /// Where in the pool.
    at: u64,
    /// Bytes, whole pages.
    len: u64,
}

/// Contents of a regular file.
pub(super) struct Content {
    env: Rc<Env>,
    /// By offset in the file; page-aligned, never overlapping.
    extents: BTreeMap<u64, Extent>,
    size: u64,
    /// Bytes of all extents.
    reserved: u64,
    /// A guest may see the pages: they stay this file's until it is dropped.
    mapped: bool,
}

/// Bytes of the pool that a filesystem may still take.
pub(super) type Budget = u64;

impl Content {
    pub(super) fn new(env: &Rc<Env>) -> Content {
        Content { env: env.clone(), extents: BTreeMap::new(), size: 0, reserved: 0, mapped: false }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Bytes taken from the pool.
    pub(super) fn reserved(&self) -> u64 {
        self.reserved
    }

    /// Bytes of pages that hold something, for st_blocks.
    pub(super) fn allocated(&self) -> u64 {
        let end = self.size.next_multiple_of(PAGE_SIZE);
        if self.extents.last_key_value().is_none_or(|(start, e)| start + e.len <= end) {
            return self.reserved;
        }
        // What lies behind the end is little: room to grow.
        let behind = |(start, e): (&u64, &Extent)| (start + e.len).saturating_sub(end.max(*start));
        let ahead = self.extents.iter().rev().map(behind).take_while(|bytes| *bytes > 0);
        self.reserved - ahead.sum::<u64>()
    }

    /// The pool offset of byte `at`, and how many bytes follow it there.
    fn find(&self, at: u64) -> Option<(u64, u64)> {
        let (start, extent) = self.extents.range(..=at).next_back()?;
        let skip = at - start;
        (skip < extent.len).then(|| (extent.at + skip, extent.len - skip))
    }

    /// Where the first extent behind `at` starts.
    fn next_extent(&self, at: u64) -> u64 {
        self.extents.range(at..).next().map_or(u64::MAX, |(start, _)| *start)
    }

    /// Makes sure that extents lie below `at..at + len`; returns how many bytes from `at` on have one.
    pub(super) fn reserve(&mut self, at: u64, len: u64, budget: Budget) -> Result<u64> {
        let end = at + len;
        let mut pos = at;
        let mut left = budget;
        while pos < end {
            if let Some((_, have)) = self.find(pos) {
                pos += have;
                continue;
            }
            let start = pos - pos % PAGE_SIZE;
            let gap = self.next_extent(start) - start;
            let need = (end - start).next_multiple_of(PAGE_SIZE).min(gap);
            match self.extend(start, need, gap, left) {
                Some(got) => {
                    left = left.saturating_sub(got);
                    pos = start + got.min(need);
                }
                None if pos > at => return Ok(pos - at),
                None => return Err(Errno::ENOSPC),
            }
        }
        Ok(len)
    }

    /// Takes an extent for the gap at `start`: more than `need` bytes if the file grows steadily, fewer if there is no
    /// more room. Returns its length.
    fn extend(&mut self, start: u64, need: u64, gap: u64, budget: Budget) -> Option<u64> {
        let before = self.extents.range(..start).next_back().map(|(s, e)| (*s, *e));
        let before = before.filter(|(s, e)| s + e.len == start);
        // A file that is written from front to back doubles; one written here and there gets what it asks for.
        let ahead = if before.is_some() { self.reserved.min(need.saturating_add(READ_AHEAD)) } else { 0 };
        let mut len = need.max(ahead).min(gap).min(budget - budget % PAGE_SIZE);
        let mut pool = self.env.pool.borrow_mut();
        let at = loop {
            if len == 0 {
                return None;
            }
            match pool.alloc(len) {
                Some(at) => break at,
                None => len = (len / 2).next_multiple_of(PAGE_SIZE) * u64::from(len > PAGE_SIZE),
            }
        };
        self.reserved += len;
        match before {
            Some((s, e)) if e.at + e.len == at => {
                self.extents.insert(s, Extent { at: e.at, len: e.len + len })
            }
            _ => self.extents.insert(start, Extent { at, len }),
        };
        Some(len)
    }

    /// Reads at `at`; holes are zeroes.
    pub(super) fn read(&self, dst: &mut Dst<'_>, at: u64) -> Result<usize> {
        let end = self.size.min(at.saturating_add(dst.left() as u64));
        let mut pos = at;
        while pos < end {
            let result = match self.find(pos) {
                Some((from, have)) => self.read_pool(dst, from, have.min(end - pos) as usize),
                None => dst.put_zeros((self.next_extent(pos).min(end) - pos) as usize),
            };
            match result {
                Ok(0) => break,
                Ok(n) => pos += n as u64,
                Err(_) if pos > at => break,
                Err(e) => return Err(e),
            }
        }
        Ok(pos.saturating_sub(at) as usize)
    }

    fn read_pool(&self, dst: &mut Dst<'_>, from: u64, len: usize) -> Result<usize> {
        let pool = self.env.pool.borrow();
        match dst {
            Dst::Kernel(buf, at) => {
                let n = len.min(buf.len() - *at);
                pool.read(from, &mut buf[*at..*at + n]);
                *at += n;
                Ok(n)
            }
            Dst::User(iov) => {
                let Some((addr, room)) = iov.segment() else { return Ok(0) };
                let n = pool.read_to_guest(from, addr, len.min(room)).map_err(fault)?;
                iov.advance(n);
                if n == 0 { Err(Errno::EFAULT) } else { Ok(n) }
            }
        }
    }

    /// Writes at `at`, growing the file.
    pub(super) fn write(&mut self, src: &mut Src<'_>, at: u64, budget: Budget) -> Result<usize> {
        let len = self.reserve(at, src.left() as u64, budget)?;
        let end = at + len;
        let mut pos = at;
        while pos < end {
            let (to, have) = self.find(pos).expect("reserved above");
            match self.write_pool(src, to, have.min(end - pos) as usize) {
                Ok(0) => break,
                Ok(n) => pos += n as u64,
                Err(_) if pos > at => break,
                Err(e) => return Err(e),
            }
        }
        self.size = self.size.max(pos);
        Ok((pos - at) as usize)
    }

    fn write_pool(&self, src: &mut Src<'_>, to: u64, len: usize) -> Result<usize> {
        let mut pool = self.env.pool.borrow_mut();
        match src {
            Src::Kernel(buf) => {
                let n = len.min(buf.len());
                pool.write(to, &buf[..n]);
                *buf = &buf[n..];
                Ok(n)
            }
            Src::User(iov) => {
                let Some((addr, room)) = iov.segment() else { return Ok(0) };
                let n = pool.write_from_guest(to, addr, len.min(room)).map_err(fault)?;
                iov.advance(n);
                if n == 0 { Err(Errno::EFAULT) } else { Ok(n) }
            }
        }
    }

    /// Changes the size; what is cut off reads as zero if the file grows again.
    pub(super) fn resize(&mut self, size: u64) {
        if size < self.size {
            if !self.mapped {
                self.release(size.next_multiple_of(PAGE_SIZE));
            }
            self.clear(size, u64::MAX);
        }
        self.size = size;
    }

    /// Gives extents behind `from` back to the pool.
    fn release(&mut self, from: u64) {
        let mut pool = self.env.pool.borrow_mut();
        for (_, e) in self.extents.split_off(&from) {
            pool.free(e.at, e.len);
            self.reserved -= e.len;
        }
        if let Some((start, e)) = self.extents.range_mut(..from).next_back()
            && start + e.len > from
        {
            let keep = from - start;
            pool.free(e.at + keep, e.len - keep);
            self.reserved -= e.len - keep;
            e.len = keep;
        }
    }

    /// Makes a range read as zero; whole pages go back to the host, the extents stay.
    pub(super) fn clear(&mut self, from: u64, to: u64) {
        let mut pool = self.env.pool.borrow_mut();
        let first = self.extents.range(..=from).next_back().map_or(0, |(start, _)| *start);
        for (start, e) in self.extents.range(first..to) {
            let (lo, hi) = (from.max(*start), to.min(start + e.len));
            if lo >= hi {
                continue;
            }
            let (lo, hi) = (e.at + lo - start, e.at + hi - start);
            let (inner, outer) = (lo.next_multiple_of(PAGE_SIZE), hi - hi % PAGE_SIZE);
            if inner < outer {
                pool.punch(inner, outer - inner);
                pool.zero(lo, (inner - lo) as usize);
                pool.zero(outer, (hi - outer) as usize);
            } else {
                pool.zero(lo, (hi - lo) as usize);
            }
        }
    }

    /// Where data or a hole is next, at or behind `at`: by whole extents.
    pub(super) fn next(&self, what: Piece, at: u64) -> Result<u64> {
        let mut pos = at;
        match what {
            Piece::Data if self.find(pos).is_none() => pos = self.next_extent(pos),
            Piece::Data => {}
            Piece::Hole => {
                while let Some((_, have)) = self.find(pos) {
                    pos += have;
                }
            }
        }
        match what {
            Piece::Data if pos >= self.size => Err(Errno::ENXIO),
            _ => Ok(pos.min(self.size)),
        }
    }

    /// Makes the pages inside the file appear in guest space; returns how many bytes do.
    pub(super) fn map(&mut self, request: &MapRequest, budget: Budget) -> Result<u64> {
        let end = self.size.next_multiple_of(PAGE_SIZE);
        let len = request.len.min(end.saturating_sub(request.offset));
        let got = self.reserve(request.offset, len, budget).map_err(|_| Errno::ENOMEM)?;
        if got < len {
            return Err(Errno::ENOMEM);
        }
        self.mapped = true;
        let pool = self.env.pool.borrow();
        let mut done = 0;
        while done < len {
            let (from, have) = self.find(request.offset + done).expect("reserved above");
            let n = have.min(len - done);
            pool.map(request.addr + done, n, request.prot, request.sharing, from).map_err(host)?;
            done += n;
        }
        Ok(len)
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.release(0);
    }
}
