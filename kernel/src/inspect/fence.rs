//! Watched memory for which the CPU has no slot: its pages are closed for writing while guest code runs, and open for
//! everybody else, so that nobody but a guest ever meets the fence.
//!
//! A store to such a page faults. The task then makes that one instruction alone, with the pages open, and what it wrote is
//! compared. A `rep` instruction is one, however often it stores.

use crate::debug::Watched;
use crate::kernel::Kernel;
use crate::mm::PAGE;
use crate::mm::strict::RAM;
use crate::sigstate::sig;
use crate::wait::Tid;
use llano_machine::fence::Fence;
use llano_machine::overlay;
use llano_machine::{Fault, Trap, space};

const PAGE_FAULT: u64 = 14;

impl Kernel {
    /// Runs guest code until it traps, with the watched pages closed. `None`: the trap was the fence's.
    pub(crate) fn enter_watched(&mut self, tid: Tid) -> Option<Trap> {
        if !self.debug.fenced() {
            return Some(llano_machine::enter(&mut self.task_mut(tid).ctx));
        }
        if self.debug.crossing == Some(tid) {
            return self.cross(tid);
        }
        let fence = self.fence();
        let trap = llano_machine::enter(&mut self.task_mut(tid).ctx);
        let met = matches!(&trap, Trap::Fault(fault) if is_page_fault(fault) && fence.has(fault.addr));
        drop(fence);
        if met {
            self.debug.crossing = Some(tid);
            return None;
        }
        Some(trap)
    }

    /// A task makes the store that met the fence.
    fn cross(&mut self, tid: Tid) -> Option<Trap> {
        let steps = self.debug.steps(tid);
        let from = self.task(tid).ctx.regs().rip;
        super::resume::trap_flag(self, tid, true);
        let trap = llano_machine::enter(&mut self.task_mut(tid).ctx);
        let over = matches!(&trap, Trap::Fault(fault) if fault.trapno == super::TRAP_DEBUG);
        if !steps {
            super::resume::trap_flag(self, tid, false);
        }
        let there = self.task(tid).ctx.regs().rip == from;
        if over && there && !steps {
            return None; // `rep` is not through
        }
        if there && matches!(&trap, Trap::Tick | Trap::Irq) {
            return Some(trap); // nor is it now
        }
        // Through; or another fault came first, and the store meets the fence again.
        self.debug.crossing = None;
        if over {
            self.compare_watches();
        }
        (!over || steps).then_some(trap)
    }

    /// Closes the pages that only the fence can watch, where they are in place.
    fn fence(&self) -> Fence {
        let mut fence = Fence::default();
        for Watched { view, addr, len, .. } in self.debug.watches.iter().filter(|w| w.by_cpu.is_none()) {
            let first = addr & !(PAGE - 1);
            for page in (first..addr + len).step_by(PAGE as usize) {
                if overlay::locate(*view, page).at != Some(page) {
                    continue;
                }
                let prot = match &self.space.strict {
                    Some(_) => Some(RAM),
                    None => {
                        self.owner(*view, page).filter(|(owner, _)| owner == view).map(|(_, vma)| vma.prot)
                    }
                };
                if let Some(prot) = prot.filter(|p| p & space::WRITE != 0) {
                    fence.close(page, prot);
                }
            }
        }
        fence
    }
}

fn is_page_fault(fault: &Fault) -> bool {
    fault.signal == sig::SEGV && fault.trapno == PAGE_FAULT
}
