//! A process's descriptors: an array, lowest free number first.

use super::file::File;
use crate::error::{Errno, Result};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// One descriptor.
#[derive(Debug, Clone)]
pub struct Fd {
    /// What it refers to.
    pub file: Rc<File>,
    /// Closed by execve.
    pub cloexec: bool,
}

/// The descriptors of a process (shared by its threads).
#[derive(Debug, Clone, Default)]
pub struct FdTable {
    slots: Vec<Option<Fd>>,
    /// A bit for each slot: taken.
    taken: Vec<u64>,
    /// All bits of the words below this one are set.
    full: usize,
}

impl FdTable {
    /// The file behind `fd`, also one opened with O_PATH.
    #[inline]
    pub fn get(&self, fd: i32) -> Result<&Rc<File>> {
        match self.slots.get(fd as usize) {
            Some(Some(slot)) => Ok(&slot.file),
            _ => Err(Errno::EBADF),
        }
    }

    /// The descriptor itself, to look at or change its flags.
    pub fn fd_mut(&mut self, fd: i32) -> Result<&mut Fd> {
        self.slots.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::EBADF)
    }

    /// Whether `fd` is closed by execve.
    pub fn cloexec(&self, fd: i32) -> Result<bool> {
        self.slots.get(fd as usize).and_then(Option::as_ref).map(|s| s.cloexec).ok_or(Errno::EBADF)
    }

    /// The lowest free number that is at least `min`.
    ///
    /// # Errors
    /// `EMFILE` if that is not below `limit` (RLIMIT_NOFILE).
    pub fn free(&self, min: i32, limit: u64) -> Result<i32> {
        let min = min as usize;
        let first = self.full.max(min / 64);
        // Below `min` everything counts as taken.
        let below = |word: usize| if word == min / 64 { (1 << (min % 64)) - 1 } else { 0 };
        let free = (first..self.taken.len())
            .map(|word| (word, !(self.taken[word] | below(word))))
            .find(|(_, free)| *free != 0)
            .map(|(word, free)| word * 64 + free.trailing_zeros() as usize);
        let free = free.unwrap_or(min.max(self.taken.len() * 64));
        if (free as u64) < limit { Ok(free as i32) } else { Err(Errno::EMFILE) }
    }

    /// Puts a file at the lowest free number that is at least `min`.
    ///
    /// # Errors
    /// `EMFILE` if that is not below `limit` (RLIMIT_NOFILE).
    pub fn insert(&mut self, file: Rc<File>, cloexec: bool, min: i32, limit: u64) -> Result<i32> {
        let free = self.free(min, limit)?;
        self.put(free as usize, Fd { file, cloexec });
        Ok(free)
    }

    /// Puts a file at `fd`, returning what was there (dup2).
    pub fn replace(&mut self, fd: i32, file: Rc<File>, cloexec: bool) -> Option<Rc<File>> {
        self.put(fd as usize, Fd { file, cloexec }).map(|old| old.file)
    }

    fn put(&mut self, at: usize, fd: Fd) -> Option<Fd> {
        if at >= self.slots.len() {
            self.slots.resize(at + 1, None);
            self.taken.resize(at / 64 + 1, 0);
        }
        self.taken[at / 64] |= 1 << (at % 64);
        while self.taken.get(self.full) == Some(&u64::MAX) {
            self.full += 1;
        }
        self.slots[at].replace(fd)
    }

    /// Closes a number, returning what it referred to.
    pub fn remove(&mut self, fd: i32) -> Result<Rc<File>> {
        let slot = self.slots.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::EBADF)?;
        let word = fd as usize / 64;
        self.taken[word] &= !(1 << (fd % 64));
        self.full = self.full.min(word);
        Ok(slot.file)
    }

    /// Closes everything that execve closes, returning the files.
    pub fn take_cloexec(&mut self) -> Vec<Rc<File>> {
        let doomed: Vec<i32> = self.iter().filter(|(_, fd)| fd.cloexec).map(|(n, _)| n).collect();
        doomed.into_iter().filter_map(|n| self.remove(n).ok()).collect()
    }

    /// Closes everything (exit), returning the files.
    pub fn take_all(&mut self) -> Vec<Rc<File>> {
        (self.taken, self.full) = (Vec::new(), 0);
        core::mem::take(&mut self.slots).into_iter().flatten().map(|fd| fd.file).collect()
    }

    /// All open numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (i32, &Fd)> {
        self.slots.iter().enumerate().filter_map(|(i, s)| s.as_ref().map(|fd| (i as i32, fd)))
    }

    /// One more than the highest number that was ever open.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nothing was ever opened.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::file::Directory;
    use alloc::boxed::Box;
    use alloc::collections::BTreeSet;

    #[test]
    fn the_lowest_free_number_is_found_whatever_is_taken() {
        let file = File::new(Box::new(Directory), 0, None);
        let (mut table, mut taken) = (FdTable::default(), BTreeSet::new());
        let mut random = 1u64;
        for _ in 0..5000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let n = (random >> 40) as i32 % 300;
            match random >> 60 {
                0..=8 => {
                    let min = if n % 2 == 0 { 0 } else { n };
                    let lowest = (min..).find(|fd| !taken.contains(fd)).filter(|fd| *fd < 280);
                    let got = table.insert(file.clone(), false, min, 280);
                    assert_eq!(got.ok(), lowest);
                    taken.extend(lowest);
                }
                9 => {
                    table.replace(n, file.clone(), false);
                    taken.insert(n);
                }
                _ => assert_eq!(table.remove(n).is_ok(), taken.remove(&n)),
            }
        }
        assert!(table.iter().map(|(n, _)| n).eq(taken));
    }
}
