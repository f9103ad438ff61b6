//! Memory of a process on a machine without an MMU: one flat address space that all share.
//!
//! As in Linux's `mm/nommu.c`, a *region* is the backing (anonymous pages, a file's, the RAM pool's) and a *vma* one
//! mm's view of it. A range belongs to at most one mm; [`space::AddressSpace`] knows which are free. The host's page
//! protection makes guard pages, RELRO and wild writes behave as on a desktop.
//!
//! - [`space`]: free ranges
//! - [`vma`]: views and their backing
//! - [`map`]: mmap, munmap, mprotect, mremap on an [`Mm`]

pub mod map;
pub mod space;
pub mod vma;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use space::AddressSpace;
pub use vma::{Backing, Vma};

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
}

/// The address space of a process (shared by its threads, and with a vfork child).
#[derive(Debug, Default)]
pub struct Mm {
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
    /// What membarrier(2) was told to expect: its registration commands.
    pub barriers: i32,
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

    /// Gives everything back: pages to the host, ranges to the space.
    pub fn release(&mut self, space: &mut AddressSpace) {
        for vma in core::mem::take(&mut self.vmas).into_values() {
            // The ranges are guest space and page-aligned, so the host has nothing to refuse.
            let _ = llano_machine::space::unmap(vma.start, vma.end - vma.start);
            for (start, end) in self.outside(vma.start, vma.end) {
                space.give(start, end - start);
            }
        }
        for (start, len) in core::mem::take(&mut self.reserves) {
            space.give(start, len);
        }
        *self = Mm::default();
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
