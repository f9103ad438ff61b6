//! Any memory, and breakpoints in it.
//!
//! A breakpoint is an `int3` in guest memory. It never shows: reads give the byte it replaced, writes change that byte.
//! Memory that goes away takes its breakpoints with it: an entry counts only while the instruction is really there.

use crate::error::{Errno, Result, host};
use crate::kernel::Kernel;
use alloc::vec::Vec;
use llano_machine::{patch, peek, space};

const INT3: u8 = 0xcc;

fn byte_at(addr: u64) -> Option<u8> {
    let mut byte = [0];
    peek::read(addr, &mut byte).ok().map(|_| byte[0])
}

impl Kernel {
    /// Reads as much memory at `addr` as there is, whatever its protection; returns the count.
    ///
    /// # Errors
    /// `EIO`: there is none.
    pub fn peek(&self, addr: u64, buf: &mut [u8]) -> Result<usize> {
        let n = peek::read(addr, buf).map_err(host)?;
        patch::show_original(addr, &mut buf[..n]);
        for (at, byte) in self.debug.breakpoints.range(addr..addr.saturating_add(n as u64)) {
            let seen = &mut buf[(at - addr) as usize];
            if *seen == INT3 {
                *seen = *byte;
            }
        }
        Ok(n)
    }

    /// Writes memory, whatever its protection.
    ///
    /// # Errors
    /// `EIO`: there is none, or it is a file's that others share.
    pub fn poke(&mut self, addr: u64, bytes: &[u8]) -> Result<()> {
        patch::restore(addr, bytes.len() as u64);
        let mut bytes = bytes.to_vec();
        let end = addr.saturating_add(bytes.len() as u64);
        for (at, byte) in self.debug.breakpoints.range_mut(addr..end) {
            if byte_at(*at) == Some(INT3) {
                *byte = core::mem::replace(&mut bytes[(at - addr) as usize], INT3);
            }
        }
        peek::write(addr, &bytes).map_err(host)
    }

    /// Puts a breakpoint into guest code.
    ///
    /// # Errors
    /// `EFAULT`: not guest memory. `EIO`: nothing is mapped there, or it is a file's that others share.
    pub fn insert_breakpoint(&mut self, addr: u64) -> Result<()> {
        if !space::contains(addr, 1) {
            return Err(Errno::EFAULT);
        }
        // A patched site would run its copy.
        patch::restore(addr, 1);
        let byte = byte_at(addr).ok_or(Errno::EIO)?;
        if byte == INT3 && self.debug.breakpoints.contains_key(&addr) {
            return Ok(());
        }
        peek::write(addr, &[INT3]).map_err(host)?;
        self.debug.breakpoints.insert(addr, byte);
        Ok(())
    }

    /// Takes a breakpoint away; one that is not there is no error.
    pub fn remove_breakpoint(&mut self, addr: u64) -> Result<()> {
        match self.debug.breakpoints.remove(&addr) {
            Some(byte) if byte_at(addr) == Some(INT3) => peek::write(addr, &[byte]).map_err(host),
            _ => Ok(()),
        }
    }

    /// Forgets breakpoints whose memory went away.
    pub(super) fn prune_breakpoints(&mut self) {
        self.debug.breakpoints.retain(|at, _| byte_at(*at) == Some(INT3));
    }

    /// Takes all breakpoints away.
    pub(super) fn remove_all_breakpoints(&mut self) {
        let all: Vec<u64> = self.debug.breakpoints.keys().copied().collect();
        for addr in all {
            let _ = self.remove_breakpoint(addr);
        }
    }
}
