//! What stays mapped for the next who wants the like: images of files and stacks of programs that ended, and small blocks of
//! memory that were unmapped.
//!
//! Mapping a program's segments, taking them away and touching their pages again costs more than all else in an exec. So
//! the image of a file of the host stays where it was: its read-only parts with their page tables and patched calls,
//! its writable ones with their own pages dropped, which makes them as the file is. Everything on the shelf is in the
//! state in which [`crate::exec::load`] would have mapped it; what a program changed in any other way is not kept. No mm
//! has a view of it, and its range is taken in the [`AddressSpace`].
//!
//! A block of memory that was written and unmapped is inaccessible until it is mapped again, full of zeroes: to protect it
//! twice and to zero it costs a quarter of what taking away and touching its pages does.

use super::space::AddressSpace;
use super::{Backing, Mm, Vma};
use crate::fs::file::File;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use llano_machine::space::{self as pages, EXEC, Sharing, WRITE};
use llano_machine::{overlay, patch, usermem};

/// So many things lie on the shelf at most, and so many of them are blocks: a program that unmaps much does not push out
/// the images that the next exec wants.
const MAX: usize = 64;
const MAX_BLOCKS: usize = 32;
/// The largest block of memory that is kept, bytes.
const MAX_BLOCK: u64 = 256 << 10;
const MADV_DONTNEED: i32 = 4;

/// A part of an image as exec maps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// First byte.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// Protection bits of mmap(2).
    pub prot: i32,
    /// Where in the file; `None`: anonymous.
    pub offset: Option<u64>,
}

impl Piece {
    fn is(&self, vma: &Vma) -> bool {
        let same = (vma.start, vma.end, vma.prot) == (self.start, self.end, self.prot);
        let offset = match &vma.backing {
            Backing::Anonymous => None,
            Backing::File(_, offset) => Some(*offset),
        };
        same && vma.sharing == Sharing::Private && offset == self.offset
    }
}

/// An image of a program, or a stack.
#[derive(Debug, Clone)]
pub struct Kept {
    what: What,
    /// Where it lies.
    pub at: u64,
    /// Bytes.
    pub len: u64,
    /// Its parts, and whether each is mapped as exec would.
    pub pieces: Vec<(Piece, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Image(patch::File),
    /// Bytes and protection.
    Stack(u64, i32),
    /// Bytes.
    Block(u64),
}

/// Private memory of its own that can be written, not executed.
fn is_plain(vma: &Vma) -> bool {
    let plain = vma.prot & WRITE != 0 && vma.prot & EXEC == 0 && vma.sharing == Sharing::Private;
    plain && matches!(vma.backing, Backing::Anonymous) && vma.label.is_empty()
}

/// What is kept, the oldest first.
#[derive(Debug, Default)]
pub struct Shelf(VecDeque<Kept>);

impl Kept {
    /// An image of `file`, as it was loaded. `None`: it is of a kind that is not kept.
    pub fn image(file: &File, at: u64, len: u64, pieces: &[Piece]) -> Option<Kept> {
        let pieces = pieces.iter().map(|p| (*p, true)).collect();
        Some(Kept { what: What::Image(identity(file)?), at, len, pieces })
    }

    /// A stack with an inaccessible page below.
    pub fn stack(at: u64, len: u64, piece: Piece) -> Kept {
        Kept { what: What::Stack(len, piece.prot), at, len, pieces: alloc::vec![(piece, true)] }
    }

    /// Whether exec would find `vma` as it would make it.
    pub fn has(&self, piece: &Piece) -> bool {
        self.pieces.iter().any(|(p, mapped)| *mapped && p == piece)
    }

    /// A block of memory that is being unmapped. `None`: it is not worth it.
    fn block(vma: &Vma) -> Option<Kept> {
        let len = vma.end - vma.start;
        if len > MAX_BLOCK || !is_plain(vma) {
            return None;
        }
        // Zeroing makes pages that nobody had touched.
        let touched: u64 = overlay::written(vma.start, vma.end).iter().map(|run| run.end - run.start).sum();
        (touched >= len / 4 * 3).then_some(Kept {
            what: What::Block(len),
            at: vma.start,
            len,
            pieces: Vec::new(),
        })
    }

    fn end(&self) -> u64 {
        self.at + self.len
    }

    /// Looks at what a program left of it in the books: which parts are as they were. `false`: it cannot be kept.
    fn compare(&mut self, mm: &Mm) -> bool {
        for (piece, mapped) in &mut self.pieces {
            *mapped = mm.vmas.get(&piece.start).is_some_and(|vma| piece.is(vma));
            if !*mapped && piece.prot & WRITE == 0 {
                return false;
            }
        }
        let first = mm.vmas.range(..self.at).next_back().filter(|(_, v)| v.end > self.at);
        first.is_none() && mm.vmas.range(self.at..self.end()).all(|(_, vma)| self.may_have(vma))
    }

    /// Whether `vma` is a part of it, or lies within writable parts.
    fn may_have(&self, vma: &Vma) -> bool {
        let mut over = self.pieces.iter().map(|(p, _)| p).filter(|p| p.start < vma.end && p.end > vma.start);
        vma.end <= self.end() && over.all(|p| p.is(vma) || p.prot & WRITE != 0)
    }

    /// Drops the pages that the program wrote. `false`: what it wrote cannot be told from what is to stay.
    fn clean(&self) -> bool {
        let written = overlay::written(self.at, self.end());
        let parts = written.iter().flat_map(|run| {
            let cut = |p: &Piece| (*p, run.start.max(p.start), run.end.min(p.end));
            self.pieces.iter().map(move |(p, _)| cut(p)).filter(|(_, start, end)| start < end)
        });
        parts.into_iter().all(|(piece, start, end)| {
            if piece.prot & EXEC != 0 && patch::on() {
                return patch::pristine(piece.start, piece.end - piece.start);
            }
            pages::advise(start, end - start, MADV_DONTNEED).is_ok()
        })
    }
}

/// Whether the machine knows of no more than one view of a range.
fn alone(start: u64, end: u64) -> bool {
    overlay::alone(start, end).first().is_some_and(|gap| (gap.start, gap.end) == (start, end))
}

/// Which file with which contents this is, if it is one of the host's and nobody changed it of late.
fn identity(file: &File) -> Option<patch::File> {
    if file.ops().maps_host_file() { super::map::contents(file) } else { None }
}

impl Shelf {
    fn take(&mut self, is: impl Fn(&What) -> bool) -> Option<Kept> {
        let place = self.0.iter().rposition(|kept| is(&kept.what))?;
        self.0.remove(place)
    }

    /// The image of a file, if one lies here.
    pub fn image(&mut self, file: &File) -> Option<Kept> {
        if self.0.is_empty() {
            return None;
        }
        let wanted = What::Image(identity(file)?);
        self.take(|what| *what == wanted)
    }

    /// A stack of `len` bytes, guard page included.
    pub fn stack(&mut self, len: u64, prot: i32) -> Option<Kept> {
        self.take(|what| *what == What::Stack(len, prot))
    }
}

impl AddressSpace {
    /// Keeps a block that an mm unmaps and nobody else has a claim on. `false`: its pages must go.
    pub fn keep_block(&mut self, vma: &Vma) -> bool {
        let (at, len) = (vma.start, vma.end - vma.start);
        let Some(block) = Kept::block(vma) else { return false };
        if self.is_contested(at, len) || !alone(at, vma.end) || pages::protect(at, len, 0).is_err() {
            return false;
        }
        self.shelf.0.push_back(block);
        let is_block = |kept: &Kept| matches!(kept.what, What::Block(_));
        if self.shelf.0.iter().filter(|kept| is_block(kept)).count() > MAX_BLOCKS
            && let Some(oldest) = self.shelf.0.iter().position(is_block)
        {
            self.give_back(oldest);
        }
        self.clear_shelf(MAX);
        true
    }

    /// A block of zeroes with the length and protection that `vma` has: its address.
    pub fn kept_block(&mut self, vma: &Vma) -> Option<u64> {
        let len = vma.end - vma.start;
        if len > MAX_BLOCK || !is_plain(vma) {
            return None;
        }
        let block = self.shelf.take(|what| *what == What::Block(len))?;
        let usable =
            pages::protect(block.at, len, vma.prot).is_ok() && usermem::zero(block.at, len as usize).is_ok();
        if !usable {
            let _ = pages::unmap(block.at, len);
            self.give(block.at, len);
        }
        usable.then_some(block.at)
    }

    /// Gives the oldest things of the shelf back until `left` remain.
    pub fn clear_shelf(&mut self, left: usize) {
        while self.shelf.0.len() > left {
            self.give_back(0);
        }
    }

    fn give_back(&mut self, place: usize) {
        if let Some(kept) = self.shelf.0.remove(place) {
            // The range is guest space and page-aligned, so the host has nothing to refuse.
            let _ = pages::unmap(kept.at, kept.len);
            self.give(kept.at, kept.len);
        }
    }
}

impl Mm {
    /// What is kept of a program that ends goes out of its books and onto the shelf.
    pub(super) fn keep(&mut self, space: &mut AddressSpace) {
        for mut kept in core::mem::take(&mut self.loaded) {
            let (at, len, end) = (kept.at, kept.len, kept.end());
            let lonely = alone(at, end) && !space.is_contested(at, len);
            if lonely && self.reserves.contains(&(at, len)) && kept.compare(self) && kept.clean() {
                self.reserves.retain(|r| *r != (at, len));
                self.vmas.retain(|start, _| !(at..end).contains(start));
                space.shelf.0.push_back(kept);
            }
        }
        space.clear_shelf(MAX);
    }
}
