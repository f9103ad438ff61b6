//! Free ranges of something that is handed out by the page: the RAM pool, the place where displaced pages wait.

use std::collections::BTreeMap;

/// Free ranges: start to length, in bytes, never adjacent.
#[derive(Debug, Default)]
pub(crate) struct Extents(BTreeMap<u64, u64>);

impl Extents {
    /// One free range.
    pub(crate) fn new(start: u64, len: u64) -> Extents {
        Extents(BTreeMap::from([(start, len)]))
    }

    /// Takes `len` bytes: the first hole that fits.
    pub(crate) fn take(&mut self, len: u64) -> Option<u64> {
        let (&at, &hole) = self.0.iter().find(|(_, hole)| **hole >= len)?;
        self.0.remove(&at);
        if hole > len {
            self.0.insert(at + len, hole - len);
        }
        Some(at)
    }

    /// Gives a range back, or a part of one.
    pub(crate) fn give(&mut self, at: u64, len: u64) {
        let (mut start, mut end) = (at, at + len);
        if let Some((&a, &l)) = self.0.range(..at).next_back()
            && a + l == start
        {
            self.0.remove(&a);
            start = a;
        }
        if let Some(l) = self.0.remove(&end) {
            end += l;
        }
        self.0.insert(start, end - start);
    }
}
