//! x86-64 as gdb knows it on Linux: core and SSE registers, `orig_rax`, the segment bases, AVX's upper halves and AVX-512's
//! registers.
//!
//! Without `orig_rax` and the ABI's name gdb would not restart calls nor know names of calls.

mod description;

pub use description::description;
use gdbstub::arch::{Arch, Registers};
use std::arch::x86_64::__cpuid_count;
use std::ops::Range;

/// Bytes up to and including mxcsr.
const SSE_END: usize = 0x218;
/// ... and with `orig_rax`, `fs_base`, `gs_base`.
const BASES_END: usize = SSE_END + 24;
/// ... and the upper halves of 16 ymm registers.
const AVX_END: usize = BASES_END + 16 * 16;
/// ... and xmm16-31, the upper halves of ymm16-31, k0-7, the upper halves of zmm0-31.
const AVX512_END: usize = AVX_END + 2 * 256 + 64 + 32 * 32;
/// Where the XSAVE area says which of its components it holds (XSTATE_BV; SDM volume 1, 13.4.2).
const HELD: usize = 512;
/// Its components: x87, SSE, the upper halves of ymm0-15, k0-7, the upper halves of zmm0-15, zmm16-31.
const X87: u32 = 0;
const SSE: u32 = 1;
const YMM: u32 = 2;
const MASKS: u32 = 5;
const UPPER: u32 = 6;
const HIGH: u32 = 7;
/// The first address that is not user space's.
const TASK_SIZE: u64 = 0x7fff_ffff_f000;
/// Linux's user segments: cs, ss, and four that are 0.
const SEGMENTS: [u32; 6] = [0x33, 0x2b, 0, 0, 0, 0];

/// The architecture, for `gdbstub`.
pub enum Amd64 {}

impl Arch for Amd64 {
    type Usize = u64;
    type Registers = Regs;
    type BreakpointKind = usize;
    type RegId = ();
}

/// All registers as bytes in the order of gdb's `g` packet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Regs(pub Vec<u8>);

impl Registers for Regs {
    type ProgramCounter = u64;

    fn pc(&self) -> u64 {
        self.u64_at(16 * 8)
    }

    fn gdb_serialize(&self, mut write_byte: impl FnMut(Option<u8>)) {
        self.0.iter().for_each(|b| write_byte(Some(*b)));
    }

    fn gdb_deserialize(&mut self, bytes: &[u8]) -> Result<(), ()> {
        if bytes.len() < BASES_END {
            return Err(());
        }
        self.0 = bytes.to_vec();
        Ok(())
    }
}

/// General registers beside the sixteen: as the kernel's frame has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct General {
    /// rax rbx rcx rdx rsi rdi rbp rsp r8..r15: gdb's order.
    pub regs: [u64; 16],
    /// Instruction pointer.
    pub rip: u64,
    /// Flags.
    pub rflags: u64,
    /// Number of the call in progress, else -1.
    pub orig_rax: u64,
    /// Base of FS.
    pub fs_base: u64,
    /// Base of GS.
    pub gs_base: u64,
}

/// Whether the CPU has AVX.
pub fn has_avx() -> bool {
    std::is_x86_feature_detected!("avx")
}

/// Whether the CPU has AVX-512.
pub fn has_avx512() -> bool {
    std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512bw")
}

/// A component's bytes in an XSAVE area of the standard format; `None`: this CPU's, or this area, has it not.
fn component(xsave: &[u8], number: u32) -> Option<Range<usize>> {
    let found = __cpuid_count(0xd, number);
    let (start, size) = (found.ebx as usize, found.eax as usize);
    (size > 0 && xsave.len() >= start + size).then_some(start..start + size)
}

/// Whether the area holds a component, which else is as after reset.
fn holds(xsave: &[u8], number: u32) -> bool {
    xsave.get(HELD).is_some_and(|held| held >> number & 1 != 0)
}

impl Regs {
    fn u64_at(&self, at: usize) -> u64 {
        self.0.get(at..at + 8).map_or(0, |b| u64::from_le_bytes(b.try_into().expect("eight bytes")))
    }

    fn u32_at(&self, at: usize) -> u32 {
        self.0.get(at..at + 4).map_or(0, |b| u32::from_le_bytes(b.try_into().expect("four bytes")))
    }

    /// Packs a task's registers. `xsave` is its XSAVE area in the standard format, 576 bytes at least.
    pub fn pack(g: &General, xsave: &[u8]) -> Regs {
        let xsave = &whole(xsave)[..];
        let mut out = Vec::with_capacity(AVX512_END);
        for r in g.regs.iter().chain([&g.rip]) {
            out.extend(r.to_le_bytes());
        }
        out.extend((g.rflags as u32).to_le_bytes());
        out.extend(SEGMENTS.iter().flat_map(|s| s.to_le_bytes()));
        for st in 0..8 {
            out.extend(&xsave[32 + 16 * st..][..10]);
        }
        let word = |at: usize| u32::from(u16::from_le_bytes([xsave[at], xsave[at + 1]]));
        let long = |at: usize| u32::from_le_bytes([xsave[at], xsave[at + 1], xsave[at + 2], xsave[at + 3]]);
        let control =
            [word(0), word(2), full_tags(xsave), word(12), long(8), word(20), long(16), word(6) & 0x7ff];
        out.extend(control.iter().flat_map(|v| v.to_le_bytes()));
        out.extend(&xsave[160..160 + 256]);
        out.extend(&xsave[24..28]);
        for v in [g.orig_rax, g.fs_base, g.gs_base] {
            out.extend(v.to_le_bytes());
        }
        if let Some(ymm) = component(xsave, YMM).filter(|_| has_avx()) {
            out.extend(&xsave[ymm]);
        }
        if let Some([masks, upper, high]) = avx512(xsave) {
            let high = &xsave[high];
            high.chunks_exact(64).for_each(|zmm| out.extend(&zmm[..16]));
            high.chunks_exact(64).for_each(|zmm| out.extend(&zmm[16..32]));
            out.extend(&xsave[masks]);
            out.extend(&xsave[upper]);
            high.chunks_exact(64).for_each(|zmm| out.extend(&zmm[32..]));
        }
        Regs(out)
    }

    /// The general registers in it; segments are Linux's own business.
    pub fn general(&self) -> General {
        General {
            regs: std::array::from_fn(|i| self.u64_at(8 * i)),
            rip: self.u64_at(128),
            rflags: self.u32_at(136).into(),
            orig_rax: self.u64_at(SSE_END),
            fs_base: self.u64_at(SSE_END + 8),
            gs_base: self.u64_at(SSE_END + 16),
        }
    }

    /// Whether the CPU takes the bases of FS and GS; ptrace(2) refuses others too.
    pub fn bases_fit(&self) -> bool {
        self.u64_at(SSE_END + 8) < TASK_SIZE && self.u64_at(SSE_END + 16) < TASK_SIZE
    }

    /// Puts the vector and x87 registers into an XSAVE area.
    pub fn unpack_vector(&self, xsave: &mut [u8]) {
        let st = 164;
        for i in 0..8 {
            xsave[32 + 16 * i..][..10].copy_from_slice(&self.0[st + 10 * i..][..10]);
        }
        let control = |i: usize| self.u32_at(244 + 4 * i);
        xsave[0..2].copy_from_slice(&(control(0) as u16).to_le_bytes());
        xsave[2..4].copy_from_slice(&(control(1) as u16).to_le_bytes());
        xsave[4] = (0..8).filter(|i| control(2) >> (2 * i) & 3 != 3).fold(0, |m, i| m | 1 << i);
        xsave[6..8].copy_from_slice(&(control(7) as u16).to_le_bytes());
        xsave[8..12].copy_from_slice(&control(4).to_le_bytes());
        xsave[12..16].copy_from_slice(&(control(3) & 0xffff).to_le_bytes());
        xsave[16..20].copy_from_slice(&control(6).to_le_bytes());
        xsave[20..24].copy_from_slice(&(control(5) & 0xffff).to_le_bytes());
        xsave[160..160 + 256].copy_from_slice(&self.0[0x114..0x114 + 256]);
        // Reserved bits of MXCSR would make the CPU refuse the whole area.
        let mxcsr = self.u32_at(0x214) & 0xffff;
        xsave[24..28].copy_from_slice(&mxcsr.to_le_bytes());
        let mut held = 1 << X87 | 1 << SSE;
        if let Some(ymm) = component(xsave, YMM).filter(|_| has_avx() && self.0.len() >= AVX_END) {
            xsave[ymm].copy_from_slice(&self.0[BASES_END..AVX_END]);
            held |= 1 << YMM;
        }
        if let Some([masks, upper, high]) = avx512(xsave).filter(|_| self.0.len() >= AVX512_END) {
            let (low, rest) = self.0[AVX_END..AVX512_END].split_at(256);
            let (middle, rest) = rest.split_at(256);
            let (k, rest) = rest.split_at(64);
            let (below, above) = rest.split_at(16 * 32);
            xsave[masks].copy_from_slice(k);
            xsave[upper].copy_from_slice(below);
            for (i, zmm) in xsave[high].chunks_exact_mut(64).enumerate() {
                zmm[..16].copy_from_slice(&low[16 * i..][..16]);
                zmm[16..32].copy_from_slice(&middle[16 * i..][..16]);
                zmm[32..].copy_from_slice(&above[32 * i..][..32]);
            }
            held |= 1 << MASKS | 1 << UPPER | 1 << HIGH;
        }
        xsave[HELD] |= held;
    }
}

/// Where an area has AVX-512's registers: masks, upper halves of zmm0-15, zmm16-31.
fn avx512(xsave: &[u8]) -> Option<[Range<usize>; 3]> {
    let [masks, upper, high] = [MASKS, UPPER, HIGH].map(|number| component(xsave, number));
    has_avx512().then_some([masks?, upper?, high?])
}

/// An area in which components that are not held are as after reset.
fn whole(xsave: &[u8]) -> Vec<u8> {
    let mut out = xsave.to_vec();
    if !holds(xsave, X87) {
        out[..24].fill(0);
        out[..2].copy_from_slice(&0x37fu16.to_le_bytes());
        out[32..160].fill(0);
    }
    if !holds(xsave, SSE) {
        out[160..416].fill(0);
    }
    for number in [YMM, MASKS, UPPER, HIGH] {
        if let Some(range) = component(xsave, number).filter(|_| !holds(xsave, number)) {
            out[range].fill(0);
        }
    }
    out
}

/// The x87 tag word from its abridged form: 3 empty, 0 valid, 1 zero, 2 special.
fn full_tags(xsave: &[u8]) -> u32 {
    let top = usize::from(xsave[3] >> 3 & 7);
    let tag = |physical: usize| {
        if xsave[4] >> physical & 1 == 0 {
            return 3;
        }
        let st = &xsave[32 + 16 * ((physical + 8 - top) % 8)..][..10];
        let exponent = u16::from_le_bytes([st[8], st[9]]) & 0x7fff;
        let zero = st[..8].iter().all(|b| *b == 0);
        match exponent {
            0x7fff => 2,
            0 if zero => 1,
            0 => 2,
            _ if st[7] & 0x80 != 0 => 0,
            _ => 2,
        }
    };
    (0..8).fold(0, |word, i| word | tag(i) << (2 * i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_survive_packing() {
        let g = General {
            regs: std::array::from_fn(|i| 0x1111 * i as u64),
            rip: 0x2000,
            rflags: 0x246,
            orig_rax: u64::MAX,
            fs_base: 7,
            gs_base: 8,
        };
        let mut area: Vec<u8> = (0..4096).map(|i| (i % 251) as u8).collect();
        area[24..28].copy_from_slice(&0x1f80u32.to_le_bytes());
        area[HELD] = 0xff;
        let regs = Regs::pack(&g, &area);
        let expected = match (has_avx(), avx512(&area)) {
            (_, Some(_)) => AVX512_END,
            (true, None) => AVX_END,
            _ => BASES_END,
        };
        assert_eq!(regs.0.len(), expected);
        assert_eq!(regs.general(), g);
        assert_eq!(regs.pc(), 0x2000);
        let mut back = area.clone();
        regs.unpack_vector(&mut back);
        // x87 control words lose reserved bits; st, xmm, ymm do not.
        for i in 0..8 {
            assert_eq!(back[32 + 16 * i..][..10], area[32 + 16 * i..][..10]);
        }
        assert_eq!(back[160..416], area[160..416]);
        for range in [YMM, MASKS, UPPER, HIGH].into_iter().filter_map(|number| component(&area, number)) {
            assert_eq!(back[range.clone()], area[range]);
        }
        assert_eq!(back[4], area[4], "tags");
    }

    #[test]
    fn what_is_not_held_is_as_after_reset() {
        let area = [&[0xab; HELD][..], &[0; 4096]].concat();
        let regs = Regs::pack(&GENERAL, &area);
        assert_eq!(regs.u32_at(244), 0x37f, "control word");
        assert!(regs.0[0x114..0x214].iter().all(|b| *b == 0), "xmm");
    }

    const GENERAL: General =
        General { regs: [0; 16], rip: 0, rflags: 0, orig_rax: 0, fs_base: 0, gs_base: 0 };
}
