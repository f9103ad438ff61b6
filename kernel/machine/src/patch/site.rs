//! One patched site.

use super::plan::{JUMP, Plan, Reason};
use super::stub::Stub;
use crate::fast::Site;
use core::cell::Cell;
use core::sync::atomic::Ordering;

/// A patched site.
#[derive(Debug)]
pub(super) struct Patched {
    /// All addresses in it are those at which the code runs, wherever its pages wait.
    pub(super) plan: Plan,
    /// What the jump replaced, and the jump.
    pub(super) original: [u8; JUMP],
    pub(super) jump: [u8; JUMP],
    /// Where the stub is.
    pub(super) at: u64,
    pub(super) stub: Stub,
    /// At a fixed address as long as the stub is there.
    pub(super) site: Box<Site>,
    /// The jump is in the image of its text too: the stub stays as long as that.
    pub(super) in_image: Cell<bool>,
}

impl Patched {
    /// The original address behind the `syscall`.
    pub(super) fn next(&self) -> u64 {
        self.site.next
    }

    /// How often calls came through it.
    pub(super) fn hits(&self) -> u64 {
        self.site.hits.load(Ordering::Relaxed)
    }

    /// The original address for an offset in the stub.
    pub(super) fn original(&self, offset: u32) -> u64 {
        let copies = &self.stub.copies;
        let i = copies.partition_point(|(_, at)| *at <= offset);
        copies[i.saturating_sub(1)].0
    }

    /// The copy of the instruction at an original address.
    pub(super) fn copy(&self, original: u64) -> Option<u64> {
        let last = self.stub.copies.len() - 1;
        let found = self.stub.copies[..last].iter().find(|(addr, _)| *addr == original);
        found.map(|(_, offset)| self.at + u64::from(*offset))
    }

    /// Bytes that the jump took or the stub has copies of.
    pub(super) fn len(&self) -> u64 {
        (self.plan.end() - self.plan.start).max(JUMP as u64)
    }
}

/// How a site is caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By a jump.
    Patched,
    /// By a host signal each time, and why.
    Trap(Reason),
}

/// A site, for people and tools.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// Address of the `syscall` instruction.
    pub addr: u64,
    /// How it is caught.
    pub kind: Kind,
    /// Calls that came through it this way.
    pub hits: u64,
}
