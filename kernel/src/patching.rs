//! Which `syscall` sites of guests are patched: those that trap, where it can be done. How is the machine's business
//! ([`llano_machine::patch`]).

use crate::error::Result;
use crate::exec::{elf, load};
use crate::kernel::{Kernel, log};
use crate::mm::{Backing, Vma};
use crate::user;
use crate::wait::Tid;
use llano_machine::clock;
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
    let patched = patch_in(k, &vma, addr);
    if let Err(reason) = patched {
        patch::refuse(addr, reason);
        log!(k, DEBUG, "patch", "the call at {addr:#x} stays a trap: {}", reason.text());
    }
    if k.trace.on() {
        k.trace.patch(clock::tsc(), tid as u32, addr, patched.is_ok());
    }
}

fn patch_in(k: &mut Kernel, vma: &Vma, addr: u64) -> Result<(), Reason> {
    if let Some(reason) = obstacle(k, vma) {
        return Err(reason);
    }
    if is_sigreturn(addr) && !described(vma, addr) {
        return Err(Reason::Unwinder);
    }
    if patch::needs_area(addr) {
        let taken = k.space.take_near(addr, area::AREA, |at| area::in_reach(at, addr));
        if taken.is_none_or(|at| patch::add_area(at).is_err()) {
            return Err(Reason::NoPlace);
        }
    }
    let before = if matches!(vma.backing, Backing::File(..)) { Before::Code } else { Before::Unknown };
    patch::patch(addr, vma.start, vma.end, before)
}

impl Kernel {
    /// Whether a breakpoint may lie among what a patch at `addr` would take.
    fn breakpoint_near(&self, addr: u64) -> bool {
        const NEAR: u64 = 128;
        self.debug.breakpoints.any_in(addr.saturating_sub(NEAR)..addr.saturating_add(NEAR))
    }
}

/// `mov rax, 15; syscall`.
const SIGRETURN: [u8; 9] = [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05];

/// Whether the `syscall` at `addr` is the return of signal handlers as unwinders recognize it.
fn is_sigreturn(addr: u64) -> bool {
    user::get::<[u8; 9]>(addr.wrapping_sub(7)).is_ok_and(|code| code == SIGRETURN)
}

/// Whether the unwind tables of the file that is mapped around `addr` tell about it, so that nobody looks at its bytes.
fn described(vma: &Vma, addr: u64) -> bool {
    let Backing::File(file, offset) = &vma.backing else { return false };
    let mut head = alloc::vec![0; size_of::<elf::Header>()];
    let read = load::read_some(file, 0, &mut head);
    let Ok(elf) = read.and_then(|_| load::headers(file, &head)) else { return false };
    let at = addr - vma.start + offset;
    let Some(segment) = elf.loads.iter().find(|s| (s.offset..s.offset + s.filesz).contains(&at)) else {
        return false;
    };
    let bias = addr.wrapping_sub(segment.vaddr + (at - segment.offset));
    elf.unwind.is_some_and(|index| in_tables(index.wrapping_add(bias), addr).unwrap_or(false))
}

/// Looks `addr` up in the index of unwind tables at `index` (Linux Standard Base, `.eh_frame_hdr`), in the encodings that
/// linkers use.
fn in_tables(index: u64, addr: u64) -> Result<bool> {
    /// Version 1; a relative pointer, a count, and pairs relative to the index, of four bytes each.
    const USUAL: [u8; 4] = [1, 0x1b, 0x03, 0x3b];
    if user::get::<[u8; 4]>(index)? != USUAL {
        return Ok(false);
    }
    let count = user::get::<u32>(index + 8)?;
    let entry = |i: u32| user::get::<[i32; 2]>(index + 12 + 8 * u64::from(i));
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if index.wrapping_add_signed(entry(middle)?[0].into()) <= addr {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let Some(last) = low.checked_sub(1) else { return Ok(false) };
    let [start, table] = entry(last)?;
    let start = index.wrapping_add_signed(start.into());
    // Length, pointer to what is common, start, length of the code.
    let words = user::get::<[u32; 4]>(index.wrapping_add_signed(table.into()))?;
    Ok(addr < start + u64::from(words[3]))
}
