//! Where stubs live: ranges of guest addresses within reach of a jump, that belong to the machine.
//!
//! They are taken from the kernel's address space when the first site near them is patched, and never given back.
//! Guests see no map there; the pages can be read and executed.

use super::plan::Plan;
use crate::HostError;
use std::collections::BTreeMap;

/// Bytes of an area: hundreds of stubs, and enough distances for `Plan::safe`.
pub const AREA: u64 = 256 << 10;
/// The first bytes of an area hold the address of the entry, for the stubs' indirect jumps.
const HEAD: u64 = 16;
/// How far a jump reaches, with room for the lengths of what it leads over.
const REACH: u64 = (1 << 31) - (1 << 16);

/// One range, and what of it is used.
#[derive(Debug)]
pub(super) struct Area {
    start: u64,
    /// Stubs, by start: their ends.
    used: BTreeMap<u64, u64>,
}

impl Area {
    /// Makes the range at `start` an area whose stubs lead to `entry`.
    pub(super) fn new(start: u64, entry: u64) -> Result<Area, HostError> {
        crate::space::map_anon(start, AREA, crate::space::READ | crate::space::EXEC)?;
        super::text::write(start, &entry.to_le_bytes())?;
        Ok(Area { start, used: BTreeMap::from([(start, start + HEAD)]) })
    }

    /// Where the address of the entry stands.
    pub(super) fn pointer(&self) -> u64 {
        self.start
    }

    pub(super) fn contains(&self, addr: u64) -> bool {
        addr >= self.start && addr - self.start < AREA
    }

    /// Whether code at `addr` can jump to every byte of it and back.
    pub(super) fn reaches(&self, addr: u64) -> bool {
        in_reach(self.start, addr)
    }

    /// A place for a stub of `len` bytes that makes the plan's jump safe.
    pub(super) fn find(&self, plan: &Plan, len: u64) -> Option<u64> {
        let from = plan.start + super::plan::JUMP as u64;
        // The byte of the distance that decides changes every 256 bytes, unless it is the lowest.
        let step = if plan.inside.contains(&1) { 1 } else { 256 };
        let mut at = self.start;
        for (start, end) in self.used.iter().map(|(s, e)| (*s, *e)).chain([(self.start + AREA, 0)]) {
            while at + len <= start {
                if plan.safe(at.wrapping_sub(from) as u32 as i32) {
                    return Some(at);
                }
                let into = at.wrapping_sub(from) % step;
                at += step - into;
            }
            at = at.max(end);
        }
        None
    }

    pub(super) fn take(&mut self, start: u64, len: u64) {
        self.used.insert(start, start + len);
    }

    pub(super) fn give(&mut self, start: u64) {
        self.used.remove(&start);
    }
}

/// Whether an area at `start` is in reach of `addr`.
pub fn in_reach(start: u64, addr: u64) -> bool {
    let (low, high) = (start.min(addr), (start + AREA).max(addr));
    high - low < REACH
}
