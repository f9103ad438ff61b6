//! Breakpoints in guest code: an `int3` where a debugger wants to stop.
//!
//! A debugger names an address only. The breakpoint is in the memory of each process that maps the same page there as the
//! task which the debugger looks at (so parent and forked child both stop), and in no other's: another program at the same
//! addresses runs on. A process that maps that page later gets it before it runs there.
//!
//! It never shows: reads give the byte it replaced, writes change that byte. Memory that goes takes its breakpoint with
//! it: one counts only while the instruction is really there. So what a guest writes over it stays.

use super::memory::alike;
use crate::debug::breakpoints::{INT3, Point, Shared, byte, page_of};
use crate::error::{Errno, Result};
use crate::kernel::Kernel;
use crate::wait::Tid;
use alloc::vec::Vec;
use llano_machine::{patch, space};

impl Kernel {
    /// Puts a breakpoint into guest code, where the task and those that map the same page there have it.
    ///
    /// # Errors
    /// `EFAULT`: not guest memory. `EIO`: nothing is mapped there, or it is a file's that others share.
    pub fn insert_breakpoint(&mut self, tid: Tid, addr: u64) -> Result<()> {
        if !space::contains(addr, 1) {
            return Err(Errno::EFAULT);
        }
        let (owner, vma) = self.owner(self.view_of(tid), addr).ok_or(Errno::EIO)?;
        let views = alike(self, owner, &vma, addr);
        let page = page_of(&vma, addr);
        patch::keep_off(addr, true);
        let point = self.debug.breakpoints.0.entry(addr).or_insert(Point { page, bytes: Vec::new() });
        point.page = page.or(point.page);
        // The task's own counts; others may have unmapped theirs.
        let result = point.put(owner, addr);
        for view in views.into_iter().filter(|v| *v != owner) {
            let _ = point.put(view, addr);
        }
        if result.is_err() {
            self.remove_breakpoint(addr);
        }
        result
    }

    /// Takes a breakpoint away from everybody; one that is not there is no error.
    pub fn remove_breakpoint(&mut self, addr: u64) {
        patch::keep_off(addr, false);
        if let Some(mut point) = self.debug.breakpoints.0.remove(&addr) {
            while let Some((view, _)) = point.bytes.first().copied() {
                point.take(view, addr, Shared::Goes);
            }
        }
    }

    /// Forgets breakpoints whose memory went away, and puts them where their page was mapped again.
    pub(super) fn renew_breakpoints(&mut self) {
        if self.debug.breakpoints.is_empty() {
            return;
        }
        let mms = self.mms();
        for (at, point) in &mut self.debug.breakpoints.0 {
            point
                .bytes
                .retain(|(view, _)| mms.contains_key(view) && matches!(byte(*view, *at), Some((_, INT3))));
            let Some(page) = point.page else { continue };
            for (view, mm) in &mms {
                let maps = mm.borrow().find(*at).is_some_and(|vma| page_of(vma, *at) == Some(page));
                if maps {
                    let _ = point.put(*view, *at);
                }
            }
        }
        self.debug.breakpoints.forget_lost();
    }

    /// Takes all breakpoints away.
    pub(super) fn remove_all_breakpoints(&mut self) {
        let all: Vec<u64> = self.debug.breakpoints.0.keys().copied().collect();
        all.into_iter().for_each(|addr| self.remove_breakpoint(addr));
    }
}
