//! Watched memory: who writes it stops.
//!
//! The CPU reports a task's stores. What calls wrote on a task's behalf, or the host did, shows by comparing at each turn
//! of the loop, while anything is watched.

use crate::debug::{DebugStop, Watched};
use crate::error::{Errno, Result, host};
use crate::kernel::Kernel;
use llano_machine::space;
use llano_machine::watch::Watch;

impl Kernel {
    /// Watches writes to `len` bytes of guest memory: 1, 2, 4 or 8, aligned.
    ///
    /// # Errors
    /// `EFAULT`: not guest memory. Else what the host says: `ENOSPC` no slot left, `EACCES` not allowed, `EINVAL`.
    pub fn insert_watch(&mut self, addr: u64, len: u64) -> Result<()> {
        if !space::contains(addr, len) {
            return Err(Errno::EFAULT);
        }
        let watch = Watch::new(addr, len).map_err(host)?;
        let value = self.watched_value(addr, len);
        self.debug.watches.push(Watched { addr, len, value, _watch: watch });
        self.debug.note_busy();
        Ok(())
    }

    /// Ends a watch; one that is not there is no error.
    pub fn remove_watch(&mut self, addr: u64, len: u64) {
        self.debug.watches.retain(|w| (w.addr, w.len) != (addr, len));
        self.debug.note_busy();
    }

    fn watched_value(&self, addr: u64, len: u64) -> [u8; 8] {
        let mut value = [0; 8];
        // What cannot be read counts as zeros.
        let _ = self.peek(addr, &mut value[..len.min(8) as usize]);
        value
    }

    /// Watched memory whose contents changed since the last look, if any.
    pub(super) fn watch_changed(&mut self) -> Option<u64> {
        let mut changed = None;
        for at in 0..self.debug.watches.len() {
            let (addr, len) = (self.debug.watches[at].addr, self.debug.watches[at].len);
            let value = self.watched_value(addr, len);
            let old = core::mem::replace(&mut self.debug.watches[at].value, value);
            if old != value {
                changed.get_or_insert(addr);
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
}
