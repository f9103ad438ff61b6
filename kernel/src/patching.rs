//! Which `syscall` sites of guests are patched, and which files are known to have them.
//!
//! How is the machine's business ([`llano_machine::patch`]). A site is patched when it traps; where it lies in its file is
//! remembered, so that the file's next map finds all its sites patched before they run.

use crate::kernel::Kernel;
use crate::mm::{Backing, Mm, Vma};
use crate::wait::Tid;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use llano_machine::patch::{self, Before, Reason, area};
use llano_machine::space::{EXEC, Sharing, WRITE};

/// A file's contents at one time: device, inode, size and time of the last change.
type FileKey = (u64, u64, u64, i64);

/// Files whose sites are remembered at most.
const MAX_FILES: usize = 1024;

/// Sites of files, by offset of the `syscall`.
#[derive(Debug, Default)]
pub struct Patching {
    known: BTreeMap<FileKey, BTreeSet<u64>>,
}

fn key(vma: &Vma) -> Option<FileKey> {
    let Backing::File(file, _) = &vma.backing else { return None };
    let attr = file.path.as_ref()?.inode().attr().ok()?;
    Some((attr.dev, attr.ino, attr.size, attr.mtime))
}

/// Why a view's sites are never patched.
fn obstacle(vma: &Vma) -> Option<Reason> {
    if vma.prot & WRITE != 0 {
        Some(Reason::Writable)
    } else if vma.sharing == Sharing::Shared {
        Some(Reason::Shared)
    } else {
        None
    }
}

/// A `syscall` of the task trapped: the next one there shall not.
pub fn site_trapped(k: &mut Kernel, tid: Tid) {
    if !patch::on() {
        return;
    }
    let addr = k.task(tid).ctx.regs().rip.wrapping_sub(2);
    if !patch::trapped(addr) || k.breakpoint_near(addr) {
        return;
    }
    let mm = k.task(tid).mm.clone();
    let Some(vma) = mm.borrow().find(addr).cloned() else { return };
    if patch_in(k, &vma, addr).is_ok()
        && let Backing::File(_, offset) = &vma.backing
        && let Some(key) = key(&vma)
        && (k.patching.known.len() < MAX_FILES || k.patching.known.contains_key(&key))
    {
        k.patching.known.entry(key).or_default().insert(addr - vma.start + offset);
    }
}

fn patch_in(k: &mut Kernel, vma: &Vma, addr: u64) -> Result<(), Reason> {
    if let Some(reason) = obstacle(vma) {
        patch::refuse(addr, reason);
        return Err(reason);
    }
    if patch::needs_area(addr) {
        let taken = k.space.take_near(addr, area::AREA, |at| area::in_reach(at, addr));
        if taken.is_none_or(|at| patch::add_area(at).is_err()) {
            patch::refuse(addr, Reason::NoPlace);
            return Err(Reason::NoPlace);
        }
    }
    let before = if matches!(vma.backing, Backing::File(..)) { Before::Code } else { Before::Unknown };
    patch::patch(addr, vma.start, vma.end, before)
}

/// Patches the remembered sites in the code of `mm` that lies in `[start, end)`.
pub fn code_mapped(k: &mut Kernel, mm: &Mm, start: u64, end: u64) {
    if k.patching.known.is_empty() {
        return;
    }
    let code: Vec<Vma> = mm
        .vmas
        .range(..end)
        .map(|(_, v)| v)
        .filter(|v| v.end > start && v.prot & EXEC != 0 && obstacle(v).is_none())
        .cloned()
        .collect();
    for vma in code {
        let Backing::File(_, offset) = vma.backing else { continue };
        let Some(sites) = key(&vma).and_then(|key| k.patching.known.get(&key)) else { continue };
        let offsets: Vec<u64> = sites.range(offset..offset + (vma.end - vma.start)).copied().collect();
        for at in offsets {
            // What cannot be patched this time traps.
            let _ = patch_in(k, &vma, at - offset + vma.start);
        }
    }
}

impl Kernel {
    /// Whether a breakpoint may lie among what a patch at `addr` would take.
    fn breakpoint_near(&self, addr: u64) -> bool {
        const NEAR: u64 = 128;
        self.debug.breakpoints.range(addr.saturating_sub(NEAR)..addr.saturating_add(NEAR)).next().is_some()
    }
}
