//! Memory of a process on a machine without an MMU: one flat address space that all share.
//!
//! As in Linux's `mm/nommu.c`, a *region* is the backing (anonymous pages, a file's, the RAM pool's) and a *vma* one
//! mm's view of it. A range most often belongs to one mm, to several after fork and for programs linked to the same fixed
//! addresses ([`llano_machine::overlay`]); [`space::AddressSpace`] counts the claims. The host's page
//! protection makes guard pages, RELRO and wild writes behave as on a desktop.
//!
//! - [`space`]: free ranges
//! - [`kept`]: what stays mapped from one program to the next
//! - [`vma`]: views and their backing
//! - [`map`]: mmap, munmap, mprotect, mremap on an [`Mm`]
//! - [`strict`]: the same as Linux has it without an MMU (`--strict-nommu`)

pub mod kept;
pub mod map;
pub mod space;
pub mod strict;
pub mod vma;

use crate::error::{Errno, Result};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use kept::Kept;
use llano_machine::overlay::{self, Area, View};
use llano_machine::space as pages;
use llano_machine::space::Sharing;
use space::AddressSpace;
pub use vma::{AtFork, Backing, Vma};

/// The page size.
pub const PAGE: u64 = 4096;

/// An ELF image that exec mapped: for gdb's library list and /proc.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its path in the guest's tree.
    pub path: Vec<u8>,
    /// What was added to its link addresses.
    pub bias: u64,
    /// Address of its dynamic section; 0 if it has none.
    pub dynamic: u64,
    /// Its segments, from the first byte to behind the last.
    pub span: (u64, u64),
}

/// The address space of a process (shared by its threads, and with a vfork child).
#[derive(Debug, Default)]
pub struct Mm {
    /// Its pages, as the machine knows them.
    pub view: View,
    /// Views by start address.
    pub vmas: BTreeMap<u64, Vma>,
    /// The heap: start, current end, end of what is reserved for it.
    pub brk: (u64, u64, u64),
    /// Text of the program.
    pub code: (u64, u64),
    /// The main stack: lowest address (the guard page below it is reserved too) and top.
    pub stack: (u64, u64),
    /// Where argument strings lie on the stack.
    pub args: (u64, u64),
    /// Where environment strings lie.
    pub env: (u64, u64),
    /// The auxiliary vector as given to the program.
    pub auxv: Vec<u8>,
    /// The program and its interpreter.
    pub images: Vec<Image>,
    /// Ranges that belong to this mm beside its vmas: (start, length) of images and the heap's reserve.
    pub reserves: Vec<(u64, u64)>,
    /// The parts of it that may stay mapped when it goes.
    pub loaded: Vec<Kept>,
    /// What membarrier(2) was told to expect: its registration commands.
    pub barriers: i32,
}

/// Does something while the pages of `view` are in place: reading or writing another process's memory.
pub fn seen_by<R>(view: View, f: impl FnOnce() -> R) -> R {
    let before = overlay::activate(view);
    let result = f();
    if let Ok(before) = before {
        let _ = overlay::activate(before);
    }
    result
}

impl Mm {
    /// The view that contains `addr`.
    pub fn find(&self, addr: u64) -> Option<&Vma> {
        self.vmas.range(..=addr).next_back().map(|(_, v)| v).filter(|v| addr < v.end)
    }

    /// The parts of `[start, end)` that lie in no range reserved for this mm. A view may cross the border of a reserve:
    /// views of anonymous memory are joined with what was mapped right behind an image.
    fn outside(&self, start: u64, end: u64) -> Vec<(u64, u64)> {
        let mut parts = alloc::vec![(start, end)];
        for &(s, len) in &self.reserves {
            let split = |(a, b): (u64, u64)| [(a, b.min(s)), (a.max(s + len), b)];
            parts = parts.into_iter().flat_map(split).filter(|(a, b)| a < b).collect();
        }
        parts
    }

    /// An address space with nothing in it.
    pub fn new() -> Mm {
        Mm { view: overlay::new_view(), ..Mm::default() }
    }

    /// A copy for a child (fork(2)): the same books, the same addresses, its own view, which is the current one
    /// afterwards. `sp`: its stack pointer.
    ///
    /// # Errors
    /// `ENOMEM`: the host has no room for saved pages, or no more maps.
    pub fn fork(&self, space: &mut AddressSpace, sp: u64) -> Result<Mm> {
        let mut child = Mm {
            view: overlay::new_view(),
            vmas: self
                .vmas
                .iter()
                .filter(|(_, v)| v.at_fork != AtFork::Skip)
                .map(|(s, v)| (*s, v.clone()))
                .collect(),
            auxv: self.auxv.clone(),
            images: self.images.clone(),
            reserves: self.reserves.clone(),
            loaded: Vec::new(),
            ..*self
        };
        let area = |v: &Vma| Area {
            start: v.start,
            end: v.end,
            prot: v.prot,
            private: v.sharing == Sharing::Private,
        };
        let areas: Vec<Area> = child.vmas.values().map(area).collect();
        for vma in child.vmas.values() {
            child
                .outside(vma.start, vma.end)
                .into_iter()
                .for_each(|(start, end)| space.claim(start, end - start));
        }
        child.reserves.iter().for_each(|&(start, len)| space.claim(start, len));
        // What is not handed on is still the parent's, and out of the child's reach.
        let skipped: Vec<(u64, u64)> =
            self.vmas.values().filter(|v| v.at_fork == AtFork::Skip).map(|v| (v.start, v.end)).collect();
        skipped.iter().for_each(|&(start, end)| overlay::contest(self.view, start, end));
        let skip = || skipped.iter().try_for_each(|&(start, end)| pages::unmap(start, end - start));
        let wipe = |child: &Mm| {
            let wiped = child.vmas.values().filter(|v| v.at_fork == AtFork::Wipe);
            wiped.clone().try_for_each(|v| pages::map_anon(v.start, v.end - v.start, v.prot))
        };
        if overlay::fork(child.view, &areas, sp).and_then(|()| skip()).and_then(|()| wipe(&child)).is_err() {
            child.release(space);
            let _ = overlay::activate(self.view);
            return Err(Errno::ENOMEM);
        }
        Ok(child)
    }

    /// Gives everything back: pages to the host, ranges to the space.
    pub fn release(&mut self, space: &mut AddressSpace) {
        if space.strict.is_some() {
            return strict::release(space, self);
        }
        self.keep(space);
        // What lies unused between the views goes along, unless it may be another's.
        let own = self.reserves.iter().filter(|(start, len)| !space.is_contested(*start, *len));
        let own =
            own.map(|&(start, len)| (start, start + len)).filter(|&(start, end)| self.overlaps(start, end));
        let mut runs: Vec<(u64, u64)> = self.vmas.values().map(|v| (v.start, v.end)).chain(own).collect();
        runs.sort_unstable();
        runs.dedup_by(|next, last| {
            let joined = next.0 <= last.1;
            if joined {
                last.1 = last.1.max(next.1);
            }
            joined
        });
        for (start, end) in runs {
            // The ranges are guest space and page-aligned, so the host has nothing to refuse.
            let _ = pages::release(start, end);
        }
        // What others have a share in is theirs now.
        let _ = overlay::drop_view(self.view);
        for vma in core::mem::take(&mut self.vmas).into_values() {
            for (start, end) in self.outside(vma.start, vma.end) {
                space.give(start, end - start);
            }
        }
        for (start, len) in core::mem::take(&mut self.reserves) {
            space.give(start, len);
        }
        *self = Mm::default();
    }

    /// Makes sure that the host has room for the maps of another program or a child.
    ///
    /// # Errors
    /// `ENOMEM`: all address spaces together have nearly as many maps as the host grants.
    pub fn room_for_maps(mms: impl Iterator<Item = Rc<RefCell<Mm>>>, max: usize) -> Result<()> {
        let mut last = core::ptr::null();
        let mut maps = overlay::fragments();
        for mm in mms {
            // Threads stand together.
            if !core::ptr::eq(last, Rc::as_ptr(&mm)) {
                last = Rc::as_ptr(&mm);
                maps += mm.borrow().vmas.len();
            }
        }
        if maps < max { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    /// Bytes in all views.
    pub fn size(&self) -> u64 {
        self.vmas.values().map(|v| v.end - v.start).sum()
    }

    /// Checks what must always hold.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn validate(&self, space: &AddressSpace) -> Result<(), &'static str> {
        let mut last = 0;
        for (start, vma) in &self.vmas {
            if *start != vma.start || vma.start >= vma.end || vma.start % PAGE != 0 || vma.end % PAGE != 0 {
                return Err("a vma is empty, misaligned or under the wrong key");
            }
            if vma.start < last {
                return Err("vmas overlap");
            }
            if space.is_free(vma.start, PAGE) || space.is_free(vma.end - PAGE, PAGE) {
                return Err("a vma lies in free space");
            }
            last = vma.end;
        }
        if self.brk.1 < self.brk.0 || self.brk.1 > self.brk.2 {
            return Err("the heap's end is outside its reserve");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_leaves_the_reserves_alone() {
        let mm = Mm { reserves: alloc::vec![(0x5000, 0x3000), (0x9000, 0x1000)], ..Mm::default() };
        assert_eq!(mm.outside(0x1000, 0x2000), [(0x1000, 0x2000)]);
        assert_eq!(mm.outside(0x5000, 0x8000), []);
        assert_eq!(mm.outside(0x7000, 0xc000), [(0x8000, 0x9000), (0xa000, 0xc000)]);
        assert_eq!(mm.outside(0x4000, 0x9000), [(0x4000, 0x5000), (0x8000, 0x9000)]);
    }
}
