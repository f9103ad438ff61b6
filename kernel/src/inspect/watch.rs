//! Watched memory: who writes it stops.
//!
//! The CPU reports a task's stores, while it has slots left and the host grants them; else the pages are closed for writing
//! ([`fence`](super::fence)). What calls wrote on a task's behalf, or the host did, shows by comparing at each turn of the
//! loop, while anything is watched.
//!
//! A watch belongs to one address space: a forked child's writes to its own copy are nobody's business.

use crate::debug::{DebugStop, Watched};
use crate::error::{Errno, Result};
use crate::kernel::Kernel;
use crate::wait::Tid;
use alloc::vec;
use alloc::vec::Vec;
use llano_machine::overlay::{self, View};
use llano_machine::space;
use llano_machine::watch::Watch;

/// The most bytes that one watch may cover: they are compared at each turn.
const LONGEST: u64 = 64 << 10;

/// How many pieces the CPU can watch.
const SLOTS: usize = 4;

/// The aligned pieces of 8, 4, 2 and 1 bytes that make up a range: what the CPU can watch.
fn pieces(addr: u64, len: u64) -> impl Iterator<Item = (u64, u64)> {
    let (mut at, end) = (addr, addr.saturating_add(len));
    core::iter::from_fn(move || {
        let size = [8, 4, 2, 1].into_iter().find(|s| at % s == 0 && at + s <= end)?;
        at += size;
        Some((at - size, size))
    })
}

/// The CPU's watches on a range; `None`: it has not enough slots, or the host does not grant them.
fn by_cpu(addr: u64, len: u64) -> Option<Vec<Watch>> {
    if len > 8 * SLOTS as u64 {
        return None;
    }
    pieces(addr, len).map(|(at, size)| Watch::new(at, size).ok()).collect()
}

impl Kernel {
    /// Watches writes to `len` bytes of guest memory, as the task sees it.
    ///
    /// # Errors
    /// `EFAULT`: not guest memory. `EINVAL`: nothing, or more than 64 KiB.
    pub fn insert_watch(&mut self, tid: Tid, addr: u64, len: u64) -> Result<()> {
        if len == 0 || len > LONGEST {
            return Err(Errno::EINVAL);
        }
        if !space::contains(addr, len) {
            return Err(Errno::EFAULT);
        }
        let view = self.view_of(tid);
        let value = self.watched_value(view, addr, len).unwrap_or_default();
        self.debug.watches.push(Watched { view, addr, len, value, by_cpu: by_cpu(addr, len) });
        self.debug.note_busy();
        Ok(())
    }

    /// Ends a watch; one that is not there is no error.
    pub fn remove_watch(&mut self, addr: u64, len: u64) {
        self.debug.watches.retain(|w| (w.addr, w.len) != (addr, len));
        self.debug.note_busy();
    }

    /// What `view` has there; `None`: it has nothing, or is gone.
    fn watched_value(&self, view: View, addr: u64, len: u64) -> Option<Vec<u8>> {
        let mut value = vec![0; len as usize];
        let lives = self.tables.tasks().any(|t| t.view == view);
        (lives && self.peek_in(view, addr, &mut value) == Ok(value.len())).then_some(value)
    }

    /// The first byte of watched memory that changed since the last look, if any.
    pub(super) fn watch_changed(&mut self) -> Option<u64> {
        let mut changed = None;
        for at in 0..self.debug.watches.len() {
            let Watched { view, addr, len, .. } = self.debug.watches[at];
            let Some(value) = self.watched_value(view, addr, len) else { continue };
            let old = core::mem::replace(&mut self.debug.watches[at].value, value);
            let new = &self.debug.watches[at].value;
            if let Some(first) = old.iter().zip(new).position(|(old, new)| old != new) {
                changed.get_or_insert(addr + first as u64);
            }
        }
        changed
    }

    /// Stops the task that ran last if watched memory changed without the CPU's saying so.
    pub(super) fn compare_watches(&mut self) {
        if let Some(addr) = self.watch_changed()
            && let Some(tid) = self.tables.task(self.running).map(|t| t.tid).or(self.any_task())
        {
            self.debug.stops.push_back(DebugStop::Watch(tid, addr));
        }
    }

    /// The CPU says that a task wrote to the piece at `piece`: it stops if somebody's watch is meant, and not only its
    /// own memory at the same address.
    pub(super) fn watch_hit(&mut self, tid: Tid, piece: u64) {
        let hit = self.debug.watches.iter().any(|w| {
            (w.addr..w.addr + w.len).contains(&piece) && overlay::locate(w.view, piece).at == Some(piece)
        });
        let changed = self.watch_changed();
        if hit || changed.is_some() {
            self.stop_with(DebugStop::Watch(tid, changed.unwrap_or(piece)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pieces;
    use alloc::vec::Vec;

    #[test]
    fn pieces_are_aligned() {
        let of = |addr, len| pieces(addr, len).collect::<Vec<_>>();
        assert_eq!(of(0x1000, 8), [(0x1000, 8)]);
        assert_eq!(of(0x1002, 8), [(0x1002, 2), (0x1004, 4), (0x1008, 2)]);
        assert_eq!(of(0x1001, 1), [(0x1001, 1)]);
    }
}
