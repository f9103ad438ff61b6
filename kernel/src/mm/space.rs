//! The flat address space: who may have which range. Only ranges; what is mapped there is [`super::Mm`]'s business.

use super::kept::Shelf;
use super::strict::Strict;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use llano_machine::space::Windows;

/// Free ranges of both windows: start to length, never adjacent, page-aligned. And what is claimed more than once.
#[derive(Debug, Default)]
pub struct AddressSpace {
    free: BTreeMap<u64, u64>,
    /// Ranges with more than one claim: start to end and how many claims beside the first.
    contested: BTreeMap<u64, (u64, u32)>,
    high: (u64, u64),
    low: (u64, u64),
    /// What stays mapped for the next program.
    pub shelf: Shelf,
    /// Memory is as on a machine without an MMU; see [`super::strict`].
    pub strict: Option<Box<Strict>>,
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
        let mut space = AddressSpace {
            free: BTreeMap::new(),
            contested: BTreeMap::new(),
            high: windows.high,
            low: windows.low,
            shelf: Shelf::default(),
            strict: None,
        };
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

    /// Takes `len` bytes for `addr`'s neighbourhood: at the top of its GiB in the high window, which programs that grow
    /// from below reach last, or at the end of the low one; else in any hole that `near` accepts.
    pub fn take_near(&mut self, addr: u64, len: u64, near: impl Fn(u64) -> bool) -> Option<u64> {
        const GIB: u64 = 1 << 30;
        let low = addr < self.low.1;
        let end = if low { self.low.1 } else { ((addr | (GIB - 1)) + 1).min(self.high.1) };
        let wish = end.checked_sub(len)?;
        let ends = |(start, hole): (&u64, &u64)| (*hole >= len).then_some([start + hole - len, *start]);
        let at = core::iter::once(wish)
            .chain(self.free.iter().filter_map(ends).flatten())
            .find(|at| near(*at) && self.is_free(*at, len))?;
        self.take(at, len).then_some(at)
    }

    /// Whether exactly this range is free.
    pub fn is_free(&self, at: u64, len: u64) -> bool {
        match self.free.range(..=at).next_back() {
            Some((&start, &hole)) => at.checked_add(len).is_some_and(|end| end <= start + hole),
            None => false,
        }
    }

    /// Claims exactly this range, whoever else has it (fork, and programs linked to fixed addresses).
    pub fn claim(&mut self, at: u64, len: u64) {
        let end = at + len;
        let mut from = at;
        while from < end {
            // A piece is free as a whole or taken as a whole.
            let hole = self.free.range(..=from).next_back().map(|(s, l)| (*s, s + l)).filter(|h| h.1 > from);
            let to = match hole {
                Some((_, hole_end)) => hole_end.min(end),
                None => self.free.range(from..).next().map_or(end, |(s, _)| (*s).min(end)),
            };
            match hole {
                Some(_) => drop(self.take(from, to - from)),
                None => self.recount(from, to, |n| n + 1),
            }
            from = to;
        }
    }

    /// Counts the claims on a taken range anew; ranges with one claim are not in the list.
    fn recount(&mut self, start: u64, end: u64, count: impl Fn(u32) -> u32) {
        for border in [start, end] {
            if let Some((&s, &(e, n))) = self.contested.range(..border).next_back()
                && e > border
            {
                self.contested.insert(s, (border, n));
                self.contested.insert(border, (e, n));
            }
        }
        let mut at = start;
        while at < end {
            let next = self.contested.range(at..end).next().map(|(s, (e, n))| (*s, *e, *n));
            let (to, had) = match next {
                Some((s, e, n)) if s == at => (e, n),
                Some((s, ..)) => (s, 0),
                None => (end, 0),
            };
            match count(had) {
                0 => drop(self.contested.remove(&at)),
                n => drop(self.contested.insert(at, (to, n))),
            }
            at = to;
        }
    }

    /// Gives a range back: it is free once nobody else claims it.
    pub fn give(&mut self, at: u64, len: u64) {
        let end = at + len;
        let first = self.contested.range(..=at).next_back().map_or(at, |(s, _)| *s);
        let others: Vec<(u64, u64)> =
            self.contested.range(first..end.max(first)).map(|(s, c)| (*s, c.0)).collect();
        let mut from = at;
        for (s, e) in others.into_iter().filter(|o| o.1 > at) {
            let (s, e) = (s.max(at), e.min(end));
            self.free(from, s - from);
            self.recount(s, e, |n| n - 1);
            from = e;
        }
        self.free(from, end - from);
    }

    fn free(&mut self, at: u64, len: u64) {
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

    /// Whether a part of this range is claimed more than once.
    pub fn is_contested(&self, at: u64, len: u64) -> bool {
        self.contested.range(..at.saturating_add(len)).next_back().is_some_and(|(_, (end, _))| *end > at)
    }

    /// Whether somebody has a part of this range.
    pub fn is_taken(&self, at: u64, len: u64) -> bool {
        !self.is_free(at, len)
    }

    /// What is free: start and length.
    pub fn holes(&self) -> impl Iterator<Item = (u64, u64)> {
        self.free.iter().map(|(start, len)| (*start, *len))
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
        let mut last = 0;
        for (&start, &(end, count)) in &self.contested {
            if start >= end || start < last || count == 0 {
                return Err("contested ranges overlap, are empty or have one claim");
            }
            if self.free.range(..end).next_back().is_some_and(|(s, l)| s + l > start) {
                return Err("a contested range is free");
            }
            last = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_free_when_its_last_claim_goes() {
        let windows = Windows { high: (0x10_0000, 0x11_0000), low: (0, 0) };
        let mut space = AddressSpace::new(&windows);
        let mut claims = [0u32; 16];
        let mut held: Vec<(u64, u64)> = Vec::new();
        let mut seed = 3u64;
        for _ in 0..3000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let (first, pages) = ((seed >> 33) % 16, (seed >> 50) % 5 + 1);
            let (first, pages) = (first, pages.min(16 - first));
            if held.len() < 12 && seed >> 63 == 0 {
                space.claim(0x10_0000 + first * 4096, pages * 4096);
                held.push((first, pages));
                (first..first + pages).for_each(|p| claims[p as usize] += 1);
            } else if !held.is_empty() {
                let (first, pages) = held.swap_remove((seed >> 20) as usize % held.len());
                space.give(0x10_0000 + first * 4096, pages * 4096);
                (first..first + pages).for_each(|p| claims[p as usize] -= 1);
            }
            space.validate().unwrap();
            for (page, count) in (0..).zip(claims) {
                assert_eq!(space.is_free(0x10_0000 + page * 4096, 4096), count == 0, "page {page}");
            }
        }
    }

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
