//! Guest `syscall` instructions rewritten to jumps, so that a call costs no host signal.
//!
//! A site that trapped is a proven `syscall`. Its neighbours move to a stub near it, and a jump takes their place: `plan`
//! says how, `area` where, `stub` holds the code, `image` keeps the result for the next exec. Guests, debuggers and the trace only ever see original addresses:
//! `enter` translates both ways (`Patches::entry_address`, `settle`), so between two entries no register, no
//! signal frame and no saved context holds an address of a stub, and a patch can be taken back at any time.
//!
//! Whoever changes guest pages says so first: [`restore`] puts the original bytes back, [`forget`] is for pages that go.

pub mod area;
mod image;
mod plan;
mod site;
mod stub;
mod table;
mod text;

pub use image::{File, Text};
pub use plan::Reason;
pub use site::{Info, Kind};

use crate::cpu::{Fault, Frame, Trap, reg};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};
use table::{Bytes, Patches};

/// Whether sites are patched at all.
static ON: AtomicBool = AtomicBool::new(false);

struct Cell(UnsafeCell<Patches>);

// SAFETY: touched by the vCPU thread only, outside of signal handlers, and each of this module's functions ends its borrow
// before it returns; `ON` is false in processes that have no vCPU (unit tests of other modules).
unsafe impl Sync for Cell {}

static PATCHES: Cell = Cell(UnsafeCell::new(Patches::new()));

/// Runs `f` on the table if patching is on.
fn with<R>(f: impl FnOnce(&mut Patches) -> R) -> Option<R> {
    // SAFETY: see `Cell`: one thread, and `f` calls nothing that comes back here.
    ON.load(Ordering::Relaxed).then(|| f(unsafe { &mut *PATCHES.0.get() }))
}

/// Turns patching on, on the vCPU thread.
pub fn start() {
    ON.store(true, Ordering::Relaxed);
}

/// Whether sites are patched.
#[inline]
pub fn on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Whether a trapped `syscall` at `addr` is to be patched: not if it was tried and stays a trap. Counts the trap.
pub fn trapped(addr: u64) -> bool {
    with(|p| p.trapped(addr)).unwrap_or(false)
}

/// Whether no area is in reach of `addr`: [`add_area`] is needed before [`patch`].
pub fn needs_area(addr: u64) -> bool {
    with(|p| p.needs_area(addr)).unwrap_or(false)
}

/// Makes [`area::AREA`] bytes of guest addresses at `start` a place for stubs; nobody else may use them from now on.
///
/// # Errors
/// What the host said.
pub fn add_area(start: u64) -> Result<(), crate::HostError> {
    // Not within `with`: mapping reports to this module.
    let area = area::Area::new(start, crate::fast::entry())?;
    with(|p| p.add_area(area));
    Ok(())
}

/// What is known of the code in front of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// A compiler's text: it can be read backwards.
    Code,
    /// Anything.
    Unknown,
}

/// Patches the `syscall` at `addr`, which lies in `[start, end)`: code that is mapped privately and not writable.
///
/// # Errors
/// Why it stays a trap; it is remembered.
pub fn patch(addr: u64, start: u64, end: u64, before: Before) -> Result<(), Reason> {
    crate::on_host(); // the decoder makes its tables when it is first used
    with(|p| p.patch(addr, start, end, before)).unwrap_or(Err(Reason::NoPlace))
}

/// Maps a text from its image, if there is one: `true`.
///
/// # Errors
/// What the host said.
pub fn map_text(text: &Text, prot: i32) -> Result<bool, crate::HostError> {
    let Some(fd) = with(|p| p.image(text)).flatten() else { return Ok(false) };
    // Not within `with`: mapping reports to this module.
    crate::space::map_image(text.start, text.len, prot, fd)?;
    with(|p| p.text_mapped(*text, true));
    Ok(true)
}

/// A text was mapped from its file.
pub fn note_text(text: &Text) {
    with(|p| p.text_mapped(*text, false));
}

/// Whether the text at `start` is known, and nothing but patches changed it.
pub fn pristine(start: u64, len: u64) -> bool {
    with(|p| p.pristine(start, len)).unwrap_or(false)
}

/// The contents of pages in a range are about to be dropped. Returns whether [`refreshed`] is to be called then.
pub fn dropping(addr: u64, len: u64) -> bool {
    let text = with(|p| p.has_text(addr, addr.saturating_add(len))).unwrap_or(false);
    restore(addr, len);
    text
}

/// They were dropped; what was behind them shows again.
pub fn refreshed(addr: u64, len: u64) {
    with(|p| p.refreshed(addr, addr.saturating_add(len)));
}

/// Remembers that a site stays a trap.
pub fn refuse(addr: u64, reason: Reason) {
    with(|p| p.refuse(addr, reason));
}

/// Puts the original bytes back in a range whose pages will be written, moved or read by the host.
pub fn restore(addr: u64, len: u64) {
    with(|p| p.remove(addr, len, Bytes::Restore));
}

/// Forgets the sites in a range whose pages are gone.
pub fn forget(addr: u64, len: u64) {
    with(|p| p.remove(addr, len, Bytes::Gone));
}

/// Pages moved, with their contents, to where they wait until they come back.
pub fn moved(from: u64, to: u64, len: u64) {
    with(|p| p.moved(from, to, len));
}

/// The protection of a range is about to become `prot`: where guests may write nothing is patched, and what could not be
/// patched before may be now.
pub fn reprotect(addr: u64, len: u64, prot: i32) {
    with(|p| {
        p.reconsider(addr, addr.saturating_add(len));
        if prot & crate::space::WRITE != 0 || prot & crate::space::EXEC == 0 {
            p.remove(addr, len, Bytes::Restore);
        }
    });
}

/// Says whether a debugger changes the byte at `addr`: what lies near it is not patched meanwhile.
pub fn keep_off(addr: u64, off: bool) {
    with(|p| if off { p.kept_off.insert(addr) } else { p.kept_off.remove(&addr) });
}

/// Puts the original bytes of patched sites into `buf`, which was read from `addr`.
pub fn show_original(addr: u64, buf: &mut [u8]) {
    with(|p| p.show_original(addr, buf));
}

/// All sites that trapped or are patched, by address.
pub fn sites() -> Vec<Info> {
    with(|p| p.list()).unwrap_or_default()
}

/// Calls that came through patched sites, and by traps.
pub fn counts() -> (u64, u64) {
    with(|p| p.counts()).unwrap_or_default()
}

/// Where the guest goes on that shall go on at `rip`.
#[inline]
pub(crate) fn entry_address(rip: u64) -> u64 {
    with(|p| p.entry_address(rip)).unwrap_or(rip)
}

/// What became of a trap whose rip may lie in a stub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It is what it was; rip is an original address now.
    Trap,
    /// The guest was on its way into the kernel: it made its call.
    Syscall,
    /// The guest ran into bytes that a patch took: it goes on in their copy.
    Again,
}

/// Makes the frame of a guest that was interrupted by a signal one that knows no stubs.
pub(crate) fn settle(frame: &mut Frame, trap: &mut Trap) -> Settled {
    with(|p| {
        if let Some((site, offset)) = p.stub_at(frame.rip) {
            if offset == site.stub.jump {
                // Its `syscall` began with rcx; what is left of it is done here.
                frame.rip = site.next();
                frame.regs[reg::RCX] = site.next();
                frame.regs[reg::R11] = frame.rflags;
                return Settled::Syscall;
            }
            let stub_rip = core::mem::replace(&mut frame.rip, site.original(offset));
            if let Trap::Fault(fault) = trap
                && fault.addr == stub_rip
            {
                fault.addr = frame.rip;
            }
            return Settled::Trap;
        }
        match trap {
            Trap::Fault(fault) if arrived(fault) && p.taken_at(frame.rip) => Settled::Again,
            _ => Settled::Trap,
        }
    })
    .unwrap_or(Settled::Trap)
}

/// Whether a fault is one that a guest gets who arrives in the bytes of a jump.
fn arrived(fault: &Fault) -> bool {
    const INVALID_OPCODE: u64 = 6;
    const GENERAL_PROTECTION: u64 = 13;
    matches!(fault.trapno, INVALID_OPCODE | GENERAL_PROTECTION)
}
