//! The breakpoints in guest code: which bytes they replaced, and in whose memory.
//!
//! An entry counts only while the instruction is really there: what a guest writes over it stays.

use crate::error::{Errno, Result, host};
use crate::mm::{Backing, Vma};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use llano_machine::overlay::{self, View};
use llano_machine::{patch, peek};

/// The instruction.
pub(crate) const INT3: u8 = 0xcc;

/// A page of a file: device, inode number, offset.
pub type Page = (u64, u64, u64);

/// Which page of a file a view shows at `addr`; `None`: anonymous memory.
pub fn page_of(vma: &Vma, addr: u64) -> Option<Page> {
    let Backing::File(file, offset) = &vma.backing else { return None };
    let attr = match &file.path {
        Some(path) => path.inode().attr().ok()?,
        None => file.ops().attr(),
    };
    Some((attr.dev, attr.ino, offset + (addr - vma.start)))
}

/// One breakpoint.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    /// The page of a file in which it is: others that map it there get it too.
    pub(crate) page: Option<Page>,
    /// The byte it replaced, in each address space.
    pub(crate) bytes: Vec<(View, u8)>,
}

/// All breakpoints in guest code, by address.
#[derive(Debug, Default)]
pub struct Breakpoints(pub(crate) BTreeMap<u64, Point>);

/// The byte that `view` has at `addr`, and where it is now.
pub(crate) fn byte(view: View, addr: u64) -> Option<(u64, u8)> {
    let at = overlay::locate(view, addr).at?;
    let mut byte = [0];
    (peek::read(at, &mut byte) == Ok(1)).then_some((at, byte[0]))
}

impl Point {
    /// The byte that `view` had here, while the breakpoint is there.
    fn original(&self, view: View, addr: u64) -> Option<u8> {
        let of = |view: View| self.bytes.iter().find(|(v, _)| *v == view).map(|(_, byte)| *byte);
        of(view).or_else(|| {
            // A page that another put it into.
            let at = overlay::locate(view, addr).at;
            let other = self.bytes.iter().find(|(v, _)| overlay::locate(*v, addr).at == at);
            other.map(|(_, byte)| *byte)
        })
    }

    /// Puts it into an address space.
    pub(crate) fn put(&mut self, view: View, addr: u64) -> Result<()> {
        let (at, found) = byte(view, addr).ok_or(Errno::EIO)?;
        let known = self.bytes.iter().any(|(v, _)| *v == view);
        if found == INT3 && known {
            return Ok(());
        }
        if found == INT3
            && let Some(original) = self.original(view, addr)
        {
            self.bytes.push((view, original));
            return Ok(());
        }
        // A patched site would run its copy.
        patch::restore(at, 1);
        let (_, found) = byte(view, addr).ok_or(Errno::EIO)?;
        peek::write(at, &[INT3]).map_err(host)?;
        self.bytes.retain(|(v, _)| *v != view);
        self.bytes.push((view, found));
        Ok(())
    }

    /// Takes it out of an address space, unless `stays` and others have it in the same page.
    pub(crate) fn take(&mut self, view: View, addr: u64, stays: Shared) {
        let Some(i) = self.bytes.iter().position(|(v, _)| *v == view) else { return };
        let (_, original) = self.bytes.swap_remove(i);
        let Some((at, INT3)) = byte(view, addr) else { return };
        let shared = || self.bytes.iter().any(|(v, _)| overlay::locate(*v, addr).at == Some(at));
        if stays == Shared::Goes || !shared() {
            // Memory that cannot be written could not before either.
            let _ = peek::write(at, &[original]);
        }
    }
}

/// What becomes of an `int3` in a page that several see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shared {
    /// Others have it too.
    Stays,
    /// Nobody shall.
    Goes,
}

impl Breakpoints {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is one in a range, in anybody's memory.
    pub fn any_in(&self, range: core::ops::Range<u64>) -> bool {
        self.0.range(range).next().is_some()
    }

    /// Whether `view` stops at `addr`.
    pub fn has(&self, view: View, addr: u64) -> bool {
        self.0.get(&addr).is_some_and(|p| p.bytes.iter().any(|(v, _)| *v == view))
    }

    /// Puts the replaced bytes into `buf`, which was read at `addr` as `view` sees it.
    pub fn hide(&self, view: View, addr: u64, buf: &mut [u8]) {
        for (at, point) in self.0.range(addr..addr.saturating_add(buf.len() as u64)) {
            let seen = &mut buf[(at - addr) as usize];
            if *seen == INT3
                && let Some(original) = point.original(view, *at)
            {
                *seen = original;
            }
        }
    }

    /// `bytes` are about to be written at `addr`, in pages that are the view's own: where a breakpoint is, it stays, and
    /// stands for the new byte.
    pub fn overwrite(&mut self, view: View, addr: u64, bytes: &mut [u8]) {
        for (at, point) in self.0.range_mut(addr..addr.saturating_add(bytes.len() as u64)) {
            let here = byte(view, *at);
            let sharers: Vec<View> =
                point.bytes.iter().map(|(v, _)| *v).filter(|v| byte(*v, *at) == here).collect();
            if matches!(here, Some((_, INT3))) && sharers.contains(&view) {
                let new = core::mem::replace(&mut bytes[(at - addr) as usize], INT3);
                for entry in point.bytes.iter_mut().filter(|(v, _)| sharers.contains(v)) {
                    entry.1 = new;
                }
            }
        }
    }

    /// A child was forked: it has what its parent has.
    pub fn inherit(&mut self, parent: View, child: View) {
        for point in self.0.values_mut() {
            if let Some((_, byte)) = point.bytes.iter().find(|(v, _)| *v == parent).copied() {
                point.bytes.push((child, byte));
            }
        }
    }

    /// `view` gives up, or moves, what it sees in `[start, end)`.
    pub fn leave(&mut self, view: View, start: u64, end: u64) {
        if self.0.is_empty() || start >= end {
            return;
        }
        for (at, point) in self.0.range_mut(start..end) {
            point.take(view, *at, Shared::Stays);
        }
        self.forget_lost();
    }

    /// Those that are nowhere and can come back nowhere are over.
    pub(crate) fn forget_lost(&mut self) {
        self.0.retain(|at, point| {
            let kept = !point.bytes.is_empty() || point.page.is_some();
            if !kept {
                patch::keep_off(*at, false);
            }
            kept
        });
    }
}
