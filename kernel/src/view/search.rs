//! Bytes looked for in the memory of processes.

use crate::error::Result;
use crate::kernel::Kernel;
use crate::mm::PAGE;
use crate::wait::Tid;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// Bytes that are read at a time.
const PIECE: u64 = 1 << 18;

/// Where something was found, and how far was looked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Addresses of first bytes, lowest first.
    pub found: Vec<u64>,
    /// Bytes looked at.
    pub looked: u64,
    /// There was more: of what was found, or to look at.
    pub cut: bool,
}

impl Kernel {
    /// Where `pattern` stands in what a task has mapped within `range`: at most `count` places, and no more than `bytes`
    /// are looked at. What was never touched is left out.
    ///
    /// # Errors
    /// `ESRCH`; `EBUSY`: the kernel crashed while it changed that memory.
    pub fn search(
        &self,
        tid: Tid,
        range: &Range<u64>,
        pattern: &[u8],
        count: usize,
        bytes: u64,
    ) -> Result<Search> {
        let mut out = Search::default();
        let mut buf = vec![0; PIECE as usize];
        // The end of what was read before, where a place may begin.
        let mut tail: Vec<u8> = Vec::new();
        let mut tail_end = 0;
        for vma in self.view_maps(tid)?.iter().filter(|v| v.resident > 0) {
            let end = vma.end.min(range.end);
            let mut at = vma.start.max(range.start);
            while at < end {
                if out.looked >= bytes {
                    out.cut = true;
                    return Ok(out);
                }
                let len = PIECE.min(end - at);
                let pages = (at & !(PAGE - 1), (at + len).next_multiple_of(PAGE));
                let touched = crate::oom::resident_range(pages.0, pages.1) > 0;
                let got =
                    if touched { self.peek_as(tid, at, &mut buf[..len as usize]).unwrap_or(0) } else { 0 };
                if tail_end != at {
                    tail.clear();
                }
                let start = at - tail.len() as u64;
                tail.extend_from_slice(&buf[..got]);
                let places = tail.windows(pattern.len()).enumerate().filter(|(_, w)| *w == pattern);
                for (n, _) in places {
                    if out.found.len() == count {
                        out.cut = true;
                        return Ok(out);
                    }
                    out.found.push(start + n as u64);
                }
                let kept = (pattern.len() - 1).min(tail.len());
                tail.drain(..tail.len() - kept);
                tail_end = at + got as u64;
                out.looked += got as u64;
                at += len;
            }
        }
        Ok(out)
    }
}
