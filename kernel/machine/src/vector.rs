//! The vector registers above xmm0-15, by plain moves: what a switch between two tasks costs.
//!
//! `xsave` and `xrstor` of everything take several times as long. The format is theirs, so that whoever asks a context
//! for its XSAVE area finds the registers there. Moves serve while x87, AMX and what else has state are unused, which
//! `xgetbv` tells; protection keys are not offered to guests and not looked at.

use core::arch::{asm, x86_64::__cpuid_count};
use core::sync::atomic::{AtomicU8, AtomicU16, Ordering};

const X87: u64 = 1;
const SSE: u64 = 2;
const AVX: u64 = 4;
const AVX512: u64 = 0xe0;
const PKRU: u64 = 1 << 9;

/// The widest registers that moves can save here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Widest {
    /// It is not known when moves are enough: always `xsave`.
    None,
    Ymm,
    Zmm,
}

static WIDEST: AtomicU8 = AtomicU8::new(Widest::None as u8);
/// Where the area has k0-7, the upper halves of zmm0-15, and zmm16-31; it depends on the CPU's maker.
static MASKS: AtomicU16 = AtomicU16::new(0);
static UPPER: AtomicU16 = AtomicU16::new(0);
static HIGH: AtomicU16 = AtomicU16::new(0);

/// Asks the CPU what it has. `features` is XCR0.
pub(crate) fn init(features: u64) {
    const XGETBV_1: u32 = 4;
    if __cpuid_count(0xd, 1).eax & XGETBV_1 == 0 || features & (SSE | AVX) != SSE | AVX {
        return;
    }
    let place = |component| __cpuid_count(0xd, component).ebx as u16;
    let widest = if features & AVX512 == AVX512 { Widest::Zmm } else { Widest::Ymm };
    if widest == Widest::Zmm {
        MASKS.store(place(5), Ordering::Relaxed);
        UPPER.store(place(6), Ordering::Relaxed);
        HIGH.store(place(7), Ordering::Relaxed);
    }
    WIDEST.store(widest as u8, Ordering::Relaxed);
}

/// The components that moves save and load; 0: moves cannot be used here.
pub(crate) fn components() -> u64 {
    match WIDEST.load(Ordering::Relaxed) {
        widest if widest == Widest::Zmm as u8 => SSE | AVX | AVX512,
        widest if widest == Widest::Ymm as u8 => SSE | AVX,
        _ => 0,
    }
}

/// Whether moves can load an area that holds these components.
pub(crate) fn by_moves(held: u64) -> bool {
    held & !PKRU == components() && held != 0
}

/// Saves all but xmm0-15 into an area and returns which components (XSTATE_BV) it holds now, xmm0-15 included; `None` if it
/// takes an `xsave`, and nothing is saved.
///
/// # Safety
/// `area` is an XSAVE area of full size.
#[inline(never)]
pub(crate) unsafe fn save(area: *mut u8) -> Option<u64> {
    let widest = WIDEST.load(Ordering::Relaxed);
    if widest == Widest::None as u8 || in_use() & !(SSE | AVX | AVX512 | PKRU) != 0 {
        return None;
    }
    if widest == Widest::Ymm as u8 {
        // SAFETY: the CPU has AVX; the area has room for the upper halves at 576 (SDM volume 1, 13.4.2).
        unsafe {
            asm!(
            "vextractf128 [{area} + 576 + 0], ymm0, 1",
            "vextractf128 [{area} + 576 + 16], ymm1, 1",
            "vextractf128 [{area} + 576 + 32], ymm2, 1",
            "vextractf128 [{area} + 576 + 48], ymm3, 1",
            "vextractf128 [{area} + 576 + 64], ymm4, 1",
            "vextractf128 [{area} + 576 + 80], ymm5, 1",
            "vextractf128 [{area} + 576 + 96], ymm6, 1",
            "vextractf128 [{area} + 576 + 112], ymm7, 1",
            "vextractf128 [{area} + 576 + 128], ymm8, 1",
            "vextractf128 [{area} + 576 + 144], ymm9, 1",
            "vextractf128 [{area} + 576 + 160], ymm10, 1",
            "vextractf128 [{area} + 576 + 176], ymm11, 1",
            "vextractf128 [{area} + 576 + 192], ymm12, 1",
            "vextractf128 [{area} + 576 + 208], ymm13, 1",
            "vextractf128 [{area} + 576 + 224], ymm14, 1",
            "vextractf128 [{area} + 576 + 240], ymm15, 1",
                area = in(reg) area, options(nostack, preserves_flags));
        }
        return Some(SSE | AVX);
    }
    let [masks, upper, high] = places(area);
    // SAFETY: the CPU has AVX-512 with all three of its components, whose places in the area it told.
    unsafe {
        asm!(
            "vextractf128 [{area} + 576 + 0], ymm0, 1",
            "vextractf128 [{area} + 576 + 16], ymm1, 1",
            "vextractf128 [{area} + 576 + 32], ymm2, 1",
            "vextractf128 [{area} + 576 + 48], ymm3, 1",
            "vextractf128 [{area} + 576 + 64], ymm4, 1",
            "vextractf128 [{area} + 576 + 80], ymm5, 1",
            "vextractf128 [{area} + 576 + 96], ymm6, 1",
            "vextractf128 [{area} + 576 + 112], ymm7, 1",
            "vextractf128 [{area} + 576 + 128], ymm8, 1",
            "vextractf128 [{area} + 576 + 144], ymm9, 1",
            "vextractf128 [{area} + 576 + 160], ymm10, 1",
            "vextractf128 [{area} + 576 + 176], ymm11, 1",
            "vextractf128 [{area} + 576 + 192], ymm12, 1",
            "vextractf128 [{area} + 576 + 208], ymm13, 1",
            "vextractf128 [{area} + 576 + 224], ymm14, 1",
            "vextractf128 [{area} + 576 + 240], ymm15, 1",
            "vextractf64x4 [{upper} + 0], zmm0, 1",
            "vextractf64x4 [{upper} + 32], zmm1, 1",
            "vextractf64x4 [{upper} + 64], zmm2, 1",
            "vextractf64x4 [{upper} + 96], zmm3, 1",
            "vextractf64x4 [{upper} + 128], zmm4, 1",
            "vextractf64x4 [{upper} + 160], zmm5, 1",
            "vextractf64x4 [{upper} + 192], zmm6, 1",
            "vextractf64x4 [{upper} + 224], zmm7, 1",
            "vextractf64x4 [{upper} + 256], zmm8, 1",
            "vextractf64x4 [{upper} + 288], zmm9, 1",
            "vextractf64x4 [{upper} + 320], zmm10, 1",
            "vextractf64x4 [{upper} + 352], zmm11, 1",
            "vextractf64x4 [{upper} + 384], zmm12, 1",
            "vextractf64x4 [{upper} + 416], zmm13, 1",
            "vextractf64x4 [{upper} + 448], zmm14, 1",
            "vextractf64x4 [{upper} + 480], zmm15, 1",
            "vmovups [{high} + 0], zmm16",
            "vmovups [{high} + 64], zmm17",
            "vmovups [{high} + 128], zmm18",
            "vmovups [{high} + 192], zmm19",
            "vmovups [{high} + 256], zmm20",
            "vmovups [{high} + 320], zmm21",
            "vmovups [{high} + 384], zmm22",
            "vmovups [{high} + 448], zmm23",
            "vmovups [{high} + 512], zmm24",
            "vmovups [{high} + 576], zmm25",
            "vmovups [{high} + 640], zmm26",
            "vmovups [{high} + 704], zmm27",
            "vmovups [{high} + 768], zmm28",
            "vmovups [{high} + 832], zmm29",
            "vmovups [{high} + 896], zmm30",
            "vmovups [{high} + 960], zmm31",
            "kmovq [{masks} + 0], k0",
            "kmovq [{masks} + 8], k1",
            "kmovq [{masks} + 16], k2",
            "kmovq [{masks} + 24], k3",
            "kmovq [{masks} + 32], k4",
            "kmovq [{masks} + 40], k5",
            "kmovq [{masks} + 48], k6",
            "kmovq [{masks} + 56], k7",
            area = in(reg) area, upper = in(reg) upper, high = in(reg) high, masks = in(reg) masks,
            options(nostack, preserves_flags));
    }
    Some(SSE | AVX | AVX512)
}

/// Loads what [`save`] saved into some area; the CPU's x87 and other state must be unused.
///
/// # Safety
/// `save` filled this area, and it was not changed since.
#[inline(never)]
pub(crate) unsafe fn load(area: *const u8) {
    if WIDEST.load(Ordering::Relaxed) == Widest::Ymm as u8 {
        // SAFETY: as in `save`. Lower halves stay what they are; entry loads them last.
        unsafe {
            asm!(
            "vinsertf128 ymm0, ymm0, [{area} + 576 + 0], 1",
            "vinsertf128 ymm1, ymm1, [{area} + 576 + 16], 1",
            "vinsertf128 ymm2, ymm2, [{area} + 576 + 32], 1",
            "vinsertf128 ymm3, ymm3, [{area} + 576 + 48], 1",
            "vinsertf128 ymm4, ymm4, [{area} + 576 + 64], 1",
            "vinsertf128 ymm5, ymm5, [{area} + 576 + 80], 1",
            "vinsertf128 ymm6, ymm6, [{area} + 576 + 96], 1",
            "vinsertf128 ymm7, ymm7, [{area} + 576 + 112], 1",
            "vinsertf128 ymm8, ymm8, [{area} + 576 + 128], 1",
            "vinsertf128 ymm9, ymm9, [{area} + 576 + 144], 1",
            "vinsertf128 ymm10, ymm10, [{area} + 576 + 160], 1",
            "vinsertf128 ymm11, ymm11, [{area} + 576 + 176], 1",
            "vinsertf128 ymm12, ymm12, [{area} + 576 + 192], 1",
            "vinsertf128 ymm13, ymm13, [{area} + 576 + 208], 1",
            "vinsertf128 ymm14, ymm14, [{area} + 576 + 224], 1",
            "vinsertf128 ymm15, ymm15, [{area} + 576 + 240], 1",
                area = in(reg) area, options(nostack, preserves_flags, readonly));
        }
        return;
    }
    let [masks, upper, high] = places(area.cast_mut());
    // SAFETY: as above.
    unsafe {
        asm!(
            "vinsertf128 ymm0, ymm0, [{area} + 576 + 0], 1",
            "vinsertf64x4 zmm0, zmm0, [{upper} + 0], 1",
            "vinsertf128 ymm1, ymm1, [{area} + 576 + 16], 1",
            "vinsertf64x4 zmm1, zmm1, [{upper} + 32], 1",
            "vinsertf128 ymm2, ymm2, [{area} + 576 + 32], 1",
            "vinsertf64x4 zmm2, zmm2, [{upper} + 64], 1",
            "vinsertf128 ymm3, ymm3, [{area} + 576 + 48], 1",
            "vinsertf64x4 zmm3, zmm3, [{upper} + 96], 1",
            "vinsertf128 ymm4, ymm4, [{area} + 576 + 64], 1",
            "vinsertf64x4 zmm4, zmm4, [{upper} + 128], 1",
            "vinsertf128 ymm5, ymm5, [{area} + 576 + 80], 1",
            "vinsertf64x4 zmm5, zmm5, [{upper} + 160], 1",
            "vinsertf128 ymm6, ymm6, [{area} + 576 + 96], 1",
            "vinsertf64x4 zmm6, zmm6, [{upper} + 192], 1",
            "vinsertf128 ymm7, ymm7, [{area} + 576 + 112], 1",
            "vinsertf64x4 zmm7, zmm7, [{upper} + 224], 1",
            "vinsertf128 ymm8, ymm8, [{area} + 576 + 128], 1",
            "vinsertf64x4 zmm8, zmm8, [{upper} + 256], 1",
            "vinsertf128 ymm9, ymm9, [{area} + 576 + 144], 1",
            "vinsertf64x4 zmm9, zmm9, [{upper} + 288], 1",
            "vinsertf128 ymm10, ymm10, [{area} + 576 + 160], 1",
            "vinsertf64x4 zmm10, zmm10, [{upper} + 320], 1",
            "vinsertf128 ymm11, ymm11, [{area} + 576 + 176], 1",
            "vinsertf64x4 zmm11, zmm11, [{upper} + 352], 1",
            "vinsertf128 ymm12, ymm12, [{area} + 576 + 192], 1",
            "vinsertf64x4 zmm12, zmm12, [{upper} + 384], 1",
            "vinsertf128 ymm13, ymm13, [{area} + 576 + 208], 1",
            "vinsertf64x4 zmm13, zmm13, [{upper} + 416], 1",
            "vinsertf128 ymm14, ymm14, [{area} + 576 + 224], 1",
            "vinsertf64x4 zmm14, zmm14, [{upper} + 448], 1",
            "vinsertf128 ymm15, ymm15, [{area} + 576 + 240], 1",
            "vinsertf64x4 zmm15, zmm15, [{upper} + 480], 1",
            "vmovups zmm16, [{high} + 0]",
            "vmovups zmm17, [{high} + 64]",
            "vmovups zmm18, [{high} + 128]",
            "vmovups zmm19, [{high} + 192]",
            "vmovups zmm20, [{high} + 256]",
            "vmovups zmm21, [{high} + 320]",
            "vmovups zmm22, [{high} + 384]",
            "vmovups zmm23, [{high} + 448]",
            "vmovups zmm24, [{high} + 512]",
            "vmovups zmm25, [{high} + 576]",
            "vmovups zmm26, [{high} + 640]",
            "vmovups zmm27, [{high} + 704]",
            "vmovups zmm28, [{high} + 768]",
            "vmovups zmm29, [{high} + 832]",
            "vmovups zmm30, [{high} + 896]",
            "vmovups zmm31, [{high} + 960]",
            "kmovq k0, [{masks} + 0]",
            "kmovq k1, [{masks} + 8]",
            "kmovq k2, [{masks} + 16]",
            "kmovq k3, [{masks} + 24]",
            "kmovq k4, [{masks} + 32]",
            "kmovq k5, [{masks} + 40]",
            "kmovq k6, [{masks} + 48]",
            "kmovq k7, [{masks} + 56]",
            area = in(reg) area, upper = in(reg) upper, high = in(reg) high, masks = in(reg) masks,
            options(nostack, preserves_flags, readonly));
    }
}

fn places(area: *mut u8) -> [*mut u8; 3] {
    [&MASKS, &UPPER, &HIGH].map(|place| area.wrapping_add(place.load(Ordering::Relaxed).into()))
}

/// The components that are not as after reset: XINUSE.
fn in_use() -> u64 {
    let (lo, hi): (u32, u32);
    // SAFETY: `init` found that the CPU answers this.
    unsafe { asm!("xgetbv", in("ecx") 1, out("eax") lo, out("edx") hi, options(nomem, nostack)) };
    u64::from(hi) << 32 | u64::from(lo)
}

/// Makes the x87 part of an area what it is after reset; its components word says so already.
pub(crate) fn reset_x87(area: &mut [u8]) {
    area[0..24].fill(0);
    area[0..2].copy_from_slice(&0x37fu16.to_le_bytes());
    area[32..160].fill(0);
}

/// Whether the components word says that x87 state is there.
pub(crate) fn has_x87(components: u64) -> bool {
    components & X87 != 0
}
