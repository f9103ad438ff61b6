//! Views: what lies at a range of addresses, seen by one mm.

use crate::fs::file::File;
use alloc::rc::Rc;
use llano_machine::space::Sharing;

/// Where a view's contents come from.
#[derive(Debug, Clone)]
pub enum Backing {
    /// Zero pages of its own.
    Anonymous,
    /// A file, from this offset.
    File(Rc<File>, u64),
}

/// What a child gets of a view at fork (madvise(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AtFork {
    /// Its own copy, or the same pages if they are shared.
    #[default]
    Inherit,
    /// Nothing (`MADV_DONTFORK`).
    Skip,
    /// Zero pages (`MADV_WIPEONFORK`).
    Wipe,
}

/// A view.
#[derive(Debug, Clone)]
pub struct Vma {
    /// First byte.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// Protection bits of mmap(2).
    pub prot: i32,
    /// Who sees stores.
    pub sharing: Sharing,
    /// Contents.
    pub backing: Backing,
    /// `[stack]` or `[heap]` for /proc/PID/maps.
    pub label: &'static str,
    /// What a child gets.
    pub at_fork: AtFork,
}

impl Vma {
    /// A view without a name of its own.
    pub fn new(start: u64, end: u64, prot: i32, sharing: Sharing, backing: Backing) -> Vma {
        Vma { start, end, prot, sharing, backing, label: "", at_fork: AtFork::default() }
    }

    /// The part of the view within `[start, end)`.
    pub fn slice(&self, start: u64, end: u64) -> Vma {
        let mut part = self.clone();
        part.start = self.start.max(start);
        part.end = self.end.min(end);
        if let Backing::File(_, offset) = &mut part.backing {
            *offset += part.start - self.start;
        }
        part
    }

    /// Whether `next` continues this view, so that both are one.
    pub fn joins(&self, next: &Vma) -> bool {
        let same = self.end == next.start
            && self.prot == next.prot
            && self.sharing == next.sharing
            && self.label == next.label
            && self.at_fork == next.at_fork;
        same && match (&self.backing, &next.backing) {
            (Backing::Anonymous, Backing::Anonymous) => true,
            (Backing::File(a, at), Backing::File(b, bt)) => {
                Rc::ptr_eq(a, b) && at + (self.end - self.start) == *bt
            }
            _ => false,
        }
    }
}
