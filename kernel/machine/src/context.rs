//! A task's CPU state: general registers, and the *rest* - vector, mask and x87 registers, MXCSR, FS and GS.
//!
//! Kernel code uses general registers and xmm0-15 only. So after an entry that took no signal ([`crate::fast`]) the rest
//! stays where it is, in the CPU, and is *live*: it is saved when another task is to run, or when someone asks. Which context
//! is live is one word of [`Cpu`](crate::cpu), and the accessors here are the only way to the rest, so nobody reads
//! what was true once.
//!
//! | | not live | live, `Side::Guest` | live, another side |
//! |---|---|---|---|
//! | general registers | frame | frame | frame |
//! | xmm0-15 | area | area | area |
//! | ymm, zmm, masks, x87 | area | CPU | CPU |
//! | MXCSR | area | CPU | area |
//! | FS | `fs_base` | CPU | `fs_base` |
//! | GS | `gs_base` | CPU | CPU |

use crate::cpu::{CPU, Frame, Side, read_fs, read_gs};
use core::arch::asm;

/// A task's whole CPU state: general registers and the vector state in XSAVE standard format.
#[repr(C)]
pub struct Context {
    pub(crate) frame: Frame,
    /// The vector state's area, [`XBlock`]s; freed by `drop`.
    pub(crate) area: *mut XBlock,
    /// Base of FS: thread-local storage; while it is not in the CPU.
    pub(crate) fs_base: u64,
    /// Base of GS: belongs to the guest entirely; while not live.
    pub(crate) gs_base: u64,
    /// The address behind the patched site that the last fast entry came from...
    pub(crate) next: u64,
    /// ... and where the guest goes on if it is to go on there.
    pub(crate) resume: u64,
    /// The area came from moves: [`crate::vector::load`] can load it.
    moved: bool,
    /// Of which generation of stubs that is.
    pub(crate) generation: u64,
}

#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub(crate) struct XBlock([u8; 64]);

/// MXCSR after reset: all exceptions masked.
const MXCSR_INIT: u32 = 0x1f80;
/// Where the area has MXCSR (SDM volume 1, table 10-2).
pub(crate) const MXCSR_AT: usize = 24;
/// Where the area has xmm0-15.
pub(crate) const XMM: core::ops::Range<usize> = 160..416;
/// Where the area says which components it holds: XSTATE_BV.
const HEADER: usize = 512;
/// The bit of xmm0-15 in XSTATE_BV and XCR0.
const SSE: u64 = 2;

/// Bytes of an XSAVE area with every feature the host has enabled (CPUID 0xd, leaf 0, EBX).
pub fn xsave_size() -> usize {
    // SAFETY: a plain word, written once by `init`.
    match unsafe { (*CPU.get()).xsize } {
        0 => core::arch::x86_64::__cpuid_count(0xd, 0).ebx as usize,
        known => known as usize,
    }
}

/// The features the host has enabled (XCR0).
pub fn xsave_features() -> u64 {
    let (lo, hi): (u32, u32);
    // SAFETY: `xgetbv` with ecx = 0 reads XCR0; llano's start-up checked that the CPU has OSXSAVE.
    unsafe { asm!("xgetbv", in("ecx") 0, out("eax") lo, out("edx") hi, options(nomem, nostack)) };
    u64::from(hi) << 32 | u64::from(lo)
}

fn new_area() -> *mut XBlock {
    let blocks = vec![XBlock([0; 64]); xsave_size().div_ceil(64)].into_boxed_slice();
    Box::into_raw(blocks).cast()
}

impl Context {
    /// A context with all registers zero and the vector state as after reset.
    pub fn new() -> Box<Context> {
        let mut ctx = Box::new(Context {
            frame: Frame::cleared(),
            area: new_area(),
            fs_base: 0,
            gs_base: 0,
            next: 0,
            resume: 0,
            moved: false,
            generation: 0,
        });
        ctx.reset_vector();
        ctx
    }

    /// Everything as `execve` leaves it: all registers zero, the vector state as after reset.
    pub fn reset(&mut self) {
        self.reset_vector();
        self.frame = Frame::cleared();
        (self.fs_base, self.gs_base) = (0, 0);
    }

    /// The vector state as after reset; a signal handler starts with it.
    pub fn reset_vector(&mut self) {
        self.save(); // of use even so: what moves saved, moves can replace
        let area = self.area_mut();
        area.fill(0);
        area[0..2].copy_from_slice(&0x37fu16.to_le_bytes());
        area[MXCSR_AT..MXCSR_AT + 4].copy_from_slice(&MXCSR_INIT.to_le_bytes());
        let components = crate::vector::components();
        area[HEADER..HEADER + 8].copy_from_slice(&components.to_le_bytes());
        self.moved = components != 0;
    }

    /// To be called when the area was changed as a whole: it may be one that moves can load.
    pub fn area_replaced(&mut self) {
        let components: [u8; 8] = core::array::from_fn(|i| self.area_mut()[HEADER + i]);
        self.moved = crate::vector::by_moves(u64::from_le_bytes(components));
    }

    /// The general registers.
    #[inline]
    pub fn regs(&self) -> &Frame {
        &self.frame
    }

    /// The general registers, to change.
    #[inline]
    pub fn regs_mut(&mut self) -> &mut Frame {
        &mut self.frame
    }

    /// Base of FS: the guest's thread-local storage.
    pub fn fs_base(&self) -> u64 {
        if self.live() && side() == Side::Guest { read_fs() } else { self.fs_base }
    }

    /// Sets the base of FS. An address that the CPU refuses makes the next [`enter`](crate::enter) return a fault.
    pub fn set_fs_base(&mut self, base: u64) {
        self.save();
        (self.fs_base, self.moved) = (base, false);
    }

    /// Base of GS.
    pub fn gs_base(&self) -> u64 {
        if self.live() { read_gs() } else { self.gs_base }
    }

    /// Sets the base of GS, as [`Context::set_fs_base`].
    pub fn set_gs_base(&mut self, base: u64) {
        self.save();
        (self.gs_base, self.moved) = (base, false);
    }

    /// The XSAVE area, standard format, [`xsave_size`] bytes (rounded up to 64).
    pub fn xsave(&mut self) -> &[u8] {
        self.save();
        self.area_mut()
    }

    /// The XSAVE area, to change. Contents that the CPU refuses make the next [`enter`](crate::enter) return a fault.
    pub fn xsave_mut(&mut self) -> &mut [u8] {
        self.save();
        self.moved = false;
        self.area_mut()
    }

    /// A copy for a new task (clone): same registers, same vector state.
    pub fn duplicate(&mut self) -> Box<Context> {
        self.save();
        let mut ctx = Box::new(Context {
            frame: self.frame.clone(),
            area: new_area(),
            fs_base: self.fs_base,
            gs_base: self.gs_base,
            next: self.next,
            resume: self.resume,
            moved: self.moved,
            generation: self.generation,
        });
        ctx.area_mut().copy_from_slice(self.area_mut());
        ctx
    }

    fn area_mut(&mut self) -> &mut [u8] {
        // SAFETY: `new_area` made so many blocks of plain bytes without padding or invalid values; they are this context's
        // alone until `drop`, and borrowed for as long as `self` is.
        unsafe { core::slice::from_raw_parts_mut(self.area.cast(), xsave_size().next_multiple_of(64)) }
    }

    /// Whether the rest of the state is in the CPU.
    #[inline]
    fn live(&self) -> bool {
        // SAFETY: a plain word of the vCPU's own cell; contexts are used on its thread only.
        core::ptr::eq(unsafe { (*CPU.get()).owner }, self)
    }

    /// Not live any more; what the CPU holds of this context is forgotten.
    pub(crate) fn disown(&mut self) {
        if !self.live() {
            return;
        }
        // SAFETY: as in `live`.
        let cpu = unsafe { &mut *CPU.get() };
        cpu.owner = core::ptr::null_mut();
        if cpu.side == Side::Guest {
            cpu.side = Side::Adrift;
        }
    }

    fn save_bases(&mut self) {
        (self.fs_base, self.gs_base) = (self.fs_base(), self.gs_base());
    }

    /// Hands the CPU over from `from`, which is live, to this context, which then is; `false` if that takes an `xrstor`.
    pub(crate) fn take_over(&mut self, from: &mut Context) -> bool {
        from.save();
        self.load()
    }

    /// Makes this context live, if moves can do that: they saved what was in the CPU, and this one's area suits them.
    pub(crate) fn load(&mut self) -> bool {
        // SAFETY: as in `live`.
        if !self.moved || !unsafe { (*CPU.get()).clean } {
            return false;
        }
        // SAFETY: `moved` says that the area holds what moves load; `clean`, that the CPU has no other state, nor had it
        // since the last `save`. The cell is as in `live`.
        unsafe {
            crate::vector::load(self.area.cast());
            (*CPU.get()).owner = self;
            (*CPU.get()).side = match side() {
                Side::Guest => Side::Adrift,
                other => other,
            };
        }
        crate::cpu::write_gs(self.gs_base);
        true
    }

    /// Makes the area and the bases the truth, if they are not. Whether moves were enough.
    pub(crate) fn save(&mut self) -> bool {
        if !self.live() {
            return self.moved;
        }
        self.save_bases();
        if side() == Side::Guest {
            self.save_mxcsr();
        }
        // SAFETY: the area is one, of full size.
        let components = unsafe { crate::vector::save(self.area.cast()) };
        self.moved = components.is_some();
        // SAFETY: as in `live`.
        unsafe { (*CPU.get()).clean = self.moved };
        match components {
            Some(components) => self.note_components(components),
            None => self.xsave_rest(),
        }
        self.disown();
        self.moved
    }

    fn note_components(&mut self, components: u64) {
        let area = self.area_mut();
        if crate::vector::has_x87(area[HEADER].into()) {
            crate::vector::reset_x87(area);
        }
        area[HEADER..HEADER + 8].copy_from_slice(&components.to_le_bytes());
    }

    fn xsave_rest(&mut self) {
        let mxcsr: [u8; 4] = core::array::from_fn(|i| self.area_mut()[MXCSR_AT + i]);
        // SAFETY: as in `live`.
        let without_xmm = unsafe { (*CPU.get()).xmask } & !SSE;
        // SAFETY: the area is 64-byte aligned, large enough for every feature in `xmask`, and its header's reserved
        // bytes are zero. xmm0-15 are not stored: the entry did that.
        unsafe {
            asm!("xsave64 [{}]", in(reg) self.area, in("eax") without_xmm as u32, in("edx") (without_xmm >> 32) as u32,
                options(nostack));
        }
        let area = self.area_mut();
        area[HEADER] |= SSE as u8;
        area[MXCSR_AT..MXCSR_AT + 4].copy_from_slice(&mxcsr);
    }

    pub(crate) fn save_mxcsr(&mut self) {
        // SAFETY: stores four bytes inside the area.
        unsafe { asm!("stmxcsr [{}]", in(reg) self.area.cast::<u8>().add(MXCSR_AT), options(nostack)) };
    }

    /// Takes the state over from a host signal frame's XSAVE image, which caught the guest itself. A half-done entry
    /// (`entering`) had loaded xmm0-15 perhaps; MXCSR and FS if they are `side`'s: then the area's are the true ones.
    ///
    /// # Safety
    /// `image` points to the `fpregs` of a signal frame.
    pub(crate) unsafe fn take(&mut self, image: *const u8, entering: bool) {
        // `sw_reserved` of the FXSAVE image says how much extended state follows (asm/sigcontext.h).
        const SW_XSTATE_SIZE: usize = 464 + 16;
        if image.is_null() {
            return;
        }
        // SAFETY: as in `live`.
        self.moved = false;
        let keep_mxcsr = entering && side() != Side::Guest;
        let area = self.area_mut();
        let mut xmm = [0; XMM.end - XMM.start];
        xmm.copy_from_slice(&area[XMM]);
        let mxcsr: [u8; 4] = core::array::from_fn(|i| area[MXCSR_AT + i]);
        // SAFETY: the host wrote an XSAVE image of `xstate_size` bytes there, 512 at least; the copy is bounded by
        // both sizes, and the alternate stack does not overlap the context.
        unsafe {
            let size = image.add(SW_XSTATE_SIZE).cast::<u32>().read_unaligned() as usize;
            core::ptr::copy_nonoverlapping(image, area.as_mut_ptr(), size.clamp(512, area.len()));
        }
        if entering {
            area[XMM].copy_from_slice(&xmm);
            area[HEADER] |= SSE as u8;
        }
        if keep_mxcsr {
            area[MXCSR_AT..MXCSR_AT + 4].copy_from_slice(&mxcsr);
        }
    }
}

fn side() -> Side {
    // SAFETY: a plain word of the vCPU's own cell; contexts are used on its thread only.
    unsafe { (*CPU.get()).side }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.disown();
        let blocks = core::ptr::slice_from_raw_parts_mut(self.area, xsave_size().div_ceil(64));
        // SAFETY: `new_area` made it, with this length, and nobody else has it.
        drop(unsafe { Box::from_raw(blocks) });
    }
}
