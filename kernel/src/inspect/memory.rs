//! Any memory, as a task sees it.
//!
//! A task whose memory is not in place is read where its pages wait; only a write puts them in place for the moment. What
//! tools put into memory never shows: patched calls and breakpoints read as the original bytes.

use crate::debug::breakpoints::page_of;
use crate::error::{Errno, Result, host};
use crate::kernel::Kernel;
use crate::mm::{Mm, Vma, seen_by};
use crate::wait::Tid;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use llano_machine::overlay::{self, Place, View};
use llano_machine::{own, patch, peek, space};

const PAGE: u64 = crate::mm::PAGE;

/// Memory in one piece, as somebody sees it.
struct Piece {
    /// Whose it is.
    view: View,
    /// Where it is now.
    at: u64,
    /// Bytes.
    len: usize,
}

impl Kernel {
    /// Every address space once, by view.
    pub(super) fn mms(&self) -> BTreeMap<View, Rc<RefCell<Mm>>> {
        self.tables.tasks().map(|t| (t.view, t.mm.clone())).collect()
    }

    /// The view of `addr` in which a task has it, else whoever has: the one in place first. Not those of a process that was
    /// changing its memory when the kernel crashed.
    pub(super) fn owner(&self, first: View, addr: u64) -> Option<(View, Vma)> {
        let find = |view: View| {
            let task = self.tables.tasks().find(|t| t.view == view)?;
            Some((view, task.mm.try_borrow().ok()?.find(addr)?.clone()))
        };
        let others = || self.mms().into_keys().find_map(find);
        find(first).or_else(|| find(overlay::current())).or_else(others)
    }

    /// The view of a task; that of nobody if there is none.
    pub(super) fn view_of(&self, tid: Tid) -> View {
        self.tables.task(tid).map(|t| t.view).unwrap_or_default()
    }

    /// The first piece of `len` bytes at `addr`, as `view` sees it.
    fn piece(&self, view: View, addr: u64, len: usize) -> Result<Piece> {
        if !space::contains(addr, 1) {
            // llano's own memory, up to guest space.
            let whole = !space::contains(addr.saturating_add(len as u64 - 1), 1);
            let len = if whole { len } else { len.min((PAGE - addr % PAGE) as usize) };
            return Ok(Piece { view, at: addr, len });
        }
        let (view, end) = match self.owner(view, addr) {
            Some((view, vma)) => (view, vma.end),
            None if self.space.strict.is_some() => (view, addr.saturating_add(len as u64)),
            None => return Err(Errno::EIO),
        };
        let Place { at, len: run } = overlay::locate(view, addr);
        let len = (len as u64).min(end - addr).min(run) as usize;
        Ok(Piece { view, at: at.ok_or(Errno::EIO)?, len })
    }

    /// Reads as much memory at `addr` as there is, whatever its protection, as the task sees it; returns the count.
    ///
    /// # Errors
    /// `EIO`: there is none.
    pub fn peek_as(&self, tid: Tid, addr: u64, buf: &mut [u8]) -> Result<usize> {
        self.peek_in(self.view_of(tid), addr, buf)
    }

    /// The same, as the process sees it whose memory is in place.
    pub fn peek(&self, addr: u64, buf: &mut [u8]) -> Result<usize> {
        self.peek_in(overlay::current(), addr, buf)
    }

    pub(super) fn peek_in(&self, view: View, addr: u64, buf: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            let start = addr.wrapping_add(done as u64);
            let read = self.piece(view, start, buf.len() - done).and_then(|piece| {
                let part = &mut buf[done..done + piece.len];
                let n = peek::read(piece.at, part).map_err(host)?;
                patch::show_original(piece.at, &mut part[..n]);
                own::points::show_original(piece.at, &mut part[..n]);
                self.hide_breakpoints(piece.view, start, &mut part[..n]);
                Ok((n, n == piece.len))
            });
            match read {
                Ok((n, whole)) => {
                    done += n;
                    if !whole {
                        break;
                    }
                }
                Err(_) if done > 0 => break,
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    /// Writes memory, whatever its protection, as the task sees it: of a page that relatives share it gets its own.
    ///
    /// # Errors
    /// `EIO`: there is none, or it is a file's that others share; what lies before it was written.
    pub fn poke_as(&mut self, tid: Tid, addr: u64, bytes: &[u8]) -> Result<()> {
        let view = self.view_of(tid);
        let mut done = 0;
        while done < bytes.len() {
            let start = addr.wrapping_add(done as u64);
            let piece = self.piece(view, start, bytes.len() - done)?;
            let mut part = bytes[done..done + piece.len].to_vec();
            done += part.len();
            if !space::contains(start, 1) {
                own::points::write(start, &part).map_err(host)?;
                continue;
            }
            seen_by(piece.view, || {
                overlay::own(start, part.len() as u64).map_err(host)?;
                patch::restore(start, part.len() as u64);
                self.debug.breakpoints.overwrite(piece.view, start, &mut part);
                peek::write(start, &part).map_err(host)
            })?;
        }
        Ok(())
    }

    /// Puts what a program has there into `buf`, which was read at `addr` while `view` was in place: for a guest that reads
    /// text by a call.
    pub(crate) fn show_original(&self, view: View, addr: u64, buf: &mut [u8]) {
        patch::show_original(addr, buf);
        self.hide_breakpoints(view, addr, buf);
    }

    fn hide_breakpoints(&self, view: View, addr: u64, buf: &mut [u8]) {
        self.debug.breakpoints.hide(view, addr, buf);
    }
}

/// The address spaces that see the same as `view` at `addr`, which it maps as `vma`: its relatives, and those that map the
/// same page of the same file.
pub(super) fn alike(k: &Kernel, view: View, vma: &Vma, addr: u64) -> Vec<View> {
    let page = page_of(vma, addr);
    let same = |other: View, mm: &Rc<RefCell<Mm>>| {
        let Ok(mm) = mm.try_borrow() else { return false };
        let Some(theirs) = mm.find(addr) else { return false };
        other == view
            || overlay::related(view, other, addr)
            || page.is_some() && page_of(theirs, addr) == page
    };
    k.mms().iter().filter(|(other, mm)| same(**other, mm)).map(|(other, _)| *other).collect()
}
