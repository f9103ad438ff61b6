//! The flat address space: who may have which range. Only ranges; what is mapped there is [`super::Mm`]'s business.

use alloc::collections::BTreeMap;
use llano_machine::space::Windows;

/// Free ranges of both windows: start to length, never adjacent, page-aligned.
#[derive(Debug, Default)]
pub struct AddressSpace {
    free: BTreeMap<u64, u64>,
    high: (u64, u64),
    low: (u64, u64),
}

/// Where a range shall lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the high window.
    High,
    /// Below 2 GiB (`MAP_32BIT`).
    Low,
}

impl AddressSpace {
    /// Everything free.
    pub fn new(windows: &Windows) -> AddressSpace {
        let mut space = AddressSpace { free: BTreeMap::new(), high: windows.high, low: windows.low };
        for (start, end) in [windows.high, windows.low] {
            if end > start {
                space.free.insert(start, end - start);
            }
        }
        space
    }

    /// Takes `len` bytes aligned to `align` (a power of two): the first hole that fits.
    pub fn alloc(&mut self, len: u64, align: u64, place: Place) -> Option<u64> {
        let (lo, hi) = match place {
            Place::High => self.high,
            // Room is left at the bottom for programs linked to fixed addresses.
            Place::Low => (self.low.0.max(0x4000_0000.min(self.low.1)), self.low.1),
        };
        let at = self.free.range(..hi).find_map(|(&start, &hole)| {
            let at = start.max(lo).checked_next_multiple_of(align)?;
            (at.checked_add(len)? <= (start + hole).min(hi)).then_some(at)
        })?;
        self.take(at, len).then_some(at)
    }

    /// Takes exactly this range; `false` if any of it is taken.
    pub fn take(&mut self, at: u64, len: u64) -> bool {
        let Some((&start, &hole)) = self.free.range(..=at).next_back() else { return false };
        let Some(end) = at.checked_add(len) else { return false };
        if end > start + hole {
            return false;
        }
        self.free.remove(&start);
        if at > start {
            self.free.insert(start, at - start);
        }
        if start + hole > end {
            self.free.insert(end, start + hole - end);
        }
        true
    }

    /// Whether exactly this range is free.
    pub fn is_free(&self, at: u64, len: u64) -> bool {
        match self.free.range(..=at).next_back() {
            Some((&start, &hole)) => at.checked_add(len).is_some_and(|end| end <= start + hole),
            None => false,
        }
    }

    /// Gives a range back.
    pub fn give(&mut self, at: u64, len: u64) {
        if len == 0 {
            return;
        }
        let (mut start, mut end) = (at, at + len);
        if let Some((&s, &l)) = self.free.range(..at).next_back()
            && s + l == start
        {
            self.free.remove(&s);
            start = s;
        }
        if let Some(l) = self.free.remove(&end) {
            end += l;
        }
        self.free.insert(start, end - start);
    }

    /// Bytes that are free in both windows, and the largest hole.
    pub fn free_bytes(&self) -> (u64, u64) {
        self.free.values().fold((0, 0), |(sum, max), len| (sum + len, max.max(*len)))
    }

    /// Checks what must always hold: holes are aligned, inside a window, sorted, apart from each other.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn validate(&self) -> Result<(), &'static str> {
        let mut last = 0;
        for (&start, &len) in &self.free {
            if len == 0 || start % 4096 != 0 || len % 4096 != 0 {
                return Err("a hole is empty or not page-aligned");
            }
            if start < last || (start == last && last != 0) {
                return Err("holes overlap or touch");
            }
            let end = start + len;
            let inside = |(lo, hi): (u64, u64)| start >= lo && end <= hi;
            if !inside(self.high) && !inside(self.low) {
                return Err("a hole lies outside the windows");
            }
            last = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_thousand_random_takes_and_gives_keep_the_invariants() {
        let windows = Windows { high: (0x10_0000, 0x20_0000), low: (0x1000, 0x2000) };
        let mut space = AddressSpace::new(&windows);
        let (total, _) = space.free_bytes();
        let mut held: Vec<(u64, u64)> = Vec::new();
        let mut seed = 7u64;
        for _ in 0..5000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let pages = (seed >> 33) % 9 + 1;
            if seed >> 63 == 0 {
                if let Some(at) = space.alloc(pages * 4096, 4096, Place::High) {
                    assert!(
                        held.iter().all(|(s, l)| at + pages * 4096 <= *s || at >= s + l),
                        "handed out twice"
                    );
                    held.push((at, pages * 4096));
                }
            } else if !held.is_empty() {
                let (at, len) = held.swap_remove((seed >> 20) as usize % held.len());
                space.give(at, len);
            }
            space.validate().unwrap();
            let sum: u64 = held.iter().map(|h| h.1).sum();
            assert_eq!(space.free_bytes().0 + sum, total);
        }
    }
}
