//! Which `syscall` sites of guests are patched: those that trap, where it can be done. How is the machine's business
//! ([`llano_machine::patch`]).

use crate::kernel::Kernel;
use crate::mm::{Backing, Vma};
use crate::wait::Tid;
use llano_machine::patch::{self, Before, Reason, area};
use llano_machine::space::{Sharing, WRITE};

/// Why a view's sites are never patched.
fn obstacle(k: &Kernel, vma: &Vma) -> Option<Reason> {
    if vma.prot & WRITE != 0 || k.space.strict.is_some() {
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
    patch_in(k, &vma, addr);
}

fn patch_in(k: &mut Kernel, vma: &Vma, addr: u64) {
    if let Some(reason) = obstacle(k, vma) {
        return patch::refuse(addr, reason);
    }
    if patch::needs_area(addr) {
        let taken = k.space.take_near(addr, area::AREA, |at| area::in_reach(at, addr));
        if taken.is_none_or(|at| patch::add_area(at).is_err()) {
            return patch::refuse(addr, Reason::NoPlace);
        }
    }
    let before = if matches!(vma.backing, Backing::File(..)) { Before::Code } else { Before::Unknown };
    // Where it stays a trap, the machine remembers why.
    let _ = patch::patch(addr, vma.start, vma.end, before);
}

impl Kernel {
    /// Whether a breakpoint may lie among what a patch at `addr` would take.
    fn breakpoint_near(&self, addr: u64) -> bool {
        const NEAR: u64 = 128;
        self.debug.breakpoints.range(addr.saturating_sub(NEAR)..addr.saturating_add(NEAR)).next().is_some()
    }
}
