//! Which pages of a range are a process's own (written since they were mapped), or there at all. Asked of the host's page tables
//! (`Documentation/admin-guide/mm/pagemap.rst`).

use super::Area;
use crate::PAGE;
use crate::border::host;
use core::ops::Range;
use std::os::fd::RawFd;

const PAGE_BYTES: u64 = PAGE as u64;
const PAGE_IS_FILE: u64 = 1 << 2;
const PAGE_IS_PRESENT: u64 = 1 << 3;
const PAGE_IS_SWAPPED: u64 = 1 << 4;
const PAGE_IS_PFNZERO: u64 = 1 << 5;
/// `_IOWR('f', 16, struct pm_scan_arg)`, since Linux 6.7.
const PAGEMAP_SCAN: u64 = 0xc060_6610;

/// `struct pm_scan_arg`.
#[repr(C)]
#[derive(Default)]
struct ScanArg {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// `struct page_region`.
#[repr(C)]
#[derive(Default, Clone, Copy)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

/// What is asked of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It was written, or may have been.
    Written,
    /// It has memory, of its own or a file's.
    Present,
}

/// The host's page map of this process, opened when first asked.
#[derive(Debug, Default)]
pub(super) struct PageMap {
    fd: Option<RawFd>,
    no_scan: bool,
}

impl PageMap {
    /// Ranges of pages in `[start, end)` that were written (or may have been), ascending.
    pub(super) fn written(&mut self, start: u64, end: u64) -> Vec<Range<u64>> {
        self.ask(start, end, Kind::Written)
    }

    /// Ranges of pages in `[start, end)` that have memory, ascending.
    pub(super) fn present(&mut self, start: u64, end: u64) -> Vec<Range<u64>> {
        self.ask(start, end, Kind::Present)
    }

    fn ask(&mut self, start: u64, end: u64, kind: Kind) -> Vec<Range<u64>> {
        let Some(fd) = self.open() else {
            let mut all = Vec::new();
            push(&mut all, start, end);
            return all;
        };
        if !self.no_scan {
            if let Some(found) = scan(fd, start, end, kind) {
                return found;
            }
            self.no_scan = true;
        }
        read(fd, start, end, kind)
    }

    fn open(&mut self) -> Option<RawFd> {
        if self.fd.is_none() {
            // SAFETY: the path is a C string; the descriptor is ours for good.
            let fd = unsafe { host!(open)(c"/proc/self/pagemap".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
            self.fd = (fd >= 0).then_some(fd);
        }
        self.fd
    }
}

fn push(out: &mut Vec<Range<u64>>, start: u64, end: u64) {
    match out.last_mut() {
        Some(last) if last.end == start => last.end = end,
        _ => out.push(start..end),
    }
}

/// By `PAGEMAP_SCAN`; `None` if the host does not know it.
fn scan(fd: RawFd, start: u64, end: u64, kind: Kind) -> Option<Vec<Range<u64>>> {
    let not = if kind == Kind::Written { PAGE_IS_FILE | PAGE_IS_PFNZERO } else { 0 };
    let mut out = Vec::new();
    let mut regions = [Region::default(); 64];
    let mut at = start;
    while at < end {
        let mut arg = ScanArg {
            size: size_of::<ScanArg>() as u64,
            start: at,
            end,
            vec: regions.as_mut_ptr() as u64,
            vec_len: regions.len() as u64,
            category_inverted: not,
            category_mask: not,
            category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
            return_mask: PAGE_IS_PRESENT,
            ..ScanArg::default()
        };
        // SAFETY: the structure and the vector it names are live and as long as they say.
        let n = unsafe { host!(ioctl)(fd, PAGEMAP_SCAN, &raw mut arg) };
        if n < 0 {
            return None;
        }
        for region in &regions[..n as usize] {
            push(&mut out, region.start, region.end);
        }
        if arg.walk_end <= at {
            return None;
        }
        at = arg.walk_end;
    }
    Some(out)
}

/// By reading the page map itself: eight bytes a page.
fn read(fd: RawFd, start: u64, end: u64, kind: Kind) -> Vec<Range<u64>> {
    const PRESENT_OR_SWAPPED: u64 = 3 << 62;
    const FILE: u64 = 1 << 61;
    let mut out = Vec::new();
    let mut entries = [0u64; 512];
    let mut at = start;
    while at < end {
        let pages = ((end - at) / PAGE_BYTES).min(entries.len() as u64);
        let (len, offset) = ((pages * 8) as usize, (at / PAGE_BYTES * 8) as i64);
        // SAFETY: the buffer holds `len` bytes.
        let n = unsafe { host!(pread)(fd, entries.as_mut_ptr().cast(), len, offset) };
        if n != len as isize {
            push(&mut out, at, end); // unknown: all of it may have been written
            break;
        }
        for (i, entry) in (0..).zip(&entries[..pages as usize]) {
            if entry & PRESENT_OR_SWAPPED != 0 && (kind == Kind::Present || entry & FILE == 0) {
                push(&mut out, at + i * PAGE_BYTES, at + (i + 1) * PAGE_BYTES);
            }
        }
        at += pages * PAGE_BYTES;
    }
    out
}

/// Joins ranges with few pages between them: a copy more costs less than a call of the host.
pub(super) fn join_near(mut ranges: Vec<Range<u64>>, area: &Area) -> Vec<Range<u64>> {
    const FEW: u64 = 8 * PAGE_BYTES;
    ranges.dedup_by(|next, last| {
        let near = next.start - last.end <= FEW;
        if near {
            last.end = next.end;
        }
        near
    });
    if let Some(first) = ranges.first_mut().filter(|r| r.start - area.start <= FEW) {
        first.start = area.start;
    }
    if let Some(last) = ranges.last_mut().filter(|r| area.end - r.end <= FEW) {
        last.end = area.end;
    }
    ranges
}
