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
    /// No free slot lies below this one.
    hint: usize,
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
        let start = self.hint.max(min as usize);
        let free = (start..self.slots.len()).find(|i| self.slots[*i].is_none());
        let free = free.unwrap_or(self.slots.len().max(start));
        if (free as u64) < limit { Ok(free as i32) } else { Err(Errno::EMFILE) }
    }

    /// Puts a file at the lowest free number that is at least `min`.
    ///
    /// # Errors
    /// `EMFILE` if that is not below `limit` (RLIMIT_NOFILE).
    pub fn insert(&mut self, file: Rc<File>, cloexec: bool, min: i32, limit: u64) -> Result<i32> {
        let free = self.free(min, limit)?;
        if min as usize <= self.hint {
            self.hint = free as usize + 1;
        }
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
        }
        self.slots[at].replace(fd)
    }

    /// Closes a number, returning what it referred to.
    pub fn remove(&mut self, fd: i32) -> Result<Rc<File>> {
        let slot = self.slots.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::EBADF)?;
        self.hint = self.hint.min(fd as usize);
        Ok(slot.file)
    }

    /// Closes everything that execve closes, returning the files.
    pub fn take_cloexec(&mut self) -> Vec<Rc<File>> {
        let doomed: Vec<i32> = self.iter().filter(|(_, fd)| fd.cloexec).map(|(n, _)| n).collect();
        doomed.into_iter().filter_map(|n| self.remove(n).ok()).collect()
    }

    /// Closes everything (exit), returning the files.
    pub fn take_all(&mut self) -> Vec<Rc<File>> {
        self.hint = 0;
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
