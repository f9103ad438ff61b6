//! x86-64 as gdb knows it on Linux: core and SSE registers, `orig_rax`, the segment bases, and AVX's upper halves.
//!
//! Without `orig_rax` and the ABI's name gdb would not restart calls nor know names of calls (gdb's
//! features/i386/64bit-*.xml).

use gdbstub::arch::{Arch, Registers};
use std::fmt::Write;

/// Bytes up to and including mxcsr.
const SSE_END: usize = 0x218;
/// ... and with `orig_rax`, `fs_base`, `gs_base`.
const BASES_END: usize = SSE_END + 24;
/// ... and the upper halves of 16 ymm registers.
const AVX_END: usize = BASES_END + 16 * 16;
/// Where the XSAVE area has the upper halves in the standard format (SDM volume 1, 13.4.2).
const XSAVE_YMM: usize = 576;
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

impl Regs {
    fn u64_at(&self, at: usize) -> u64 {
        self.0.get(at..at + 8).map_or(0, |b| u64::from_le_bytes(b.try_into().expect("eight bytes")))
    }

    fn u32_at(&self, at: usize) -> u32 {
        self.0.get(at..at + 4).map_or(0, |b| u32::from_le_bytes(b.try_into().expect("four bytes")))
    }

    /// Packs a task's registers. `xsave` is its XSAVE area in the standard format, 576 bytes at least.
    pub fn pack(g: &General, xsave: &[u8]) -> Regs {
        let mut out = Vec::with_capacity(AVX_END);
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
        if has_avx() && xsave.len() >= XSAVE_YMM + 256 {
            out.extend(&xsave[XSAVE_YMM..XSAVE_YMM + 256]);
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
        let mut components = 3;
        if self.0.len() >= AVX_END && xsave.len() >= XSAVE_YMM + 256 {
            xsave[XSAVE_YMM..XSAVE_YMM + 256].copy_from_slice(&self.0[BASES_END..AVX_END]);
            components |= 4;
        }
        xsave[512] |= components;
    }
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

/// The description that gdb asks for as `target.xml`.
pub fn description() -> String {
    let mut x = String::from(concat!(
        "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>",
        "<architecture>i386:x86-64</architecture><osabi>GNU/Linux</osabi>",
        "<feature name=\"org.gnu.gdb.i386.core\"><flags id=\"i386_eflags\" size=\"4\">"
    ));
    let flags = [
        ("CF", 0),
        ("", 1),
        ("PF", 2),
        ("AF", 4),
        ("ZF", 6),
        ("SF", 7),
        ("TF", 8),
        ("IF", 9),
        ("DF", 10),
        ("OF", 11),
        ("NT", 14),
        ("RF", 16),
        ("VM", 17),
        ("AC", 18),
        ("VIF", 19),
        ("VIP", 20),
        ("ID", 21),
    ];
    fields(&mut x, &flags);
    for r in "rax rbx rcx rdx rsi rdi".split(' ') {
        reg(&mut x, r, 64, "int64");
    }
    reg(&mut x, "rbp", 64, "data_ptr");
    reg(&mut x, "rsp", 64, "data_ptr");
    (8..16).for_each(|i| reg(&mut x, &format!("r{i}"), 64, "int64"));
    reg(&mut x, "rip", 64, "code_ptr");
    reg(&mut x, "eflags", 32, "i386_eflags");
    "cs ss ds es fs gs".split(' ').for_each(|r| reg(&mut x, r, 32, "int32"));
    (0..8).for_each(|i| reg(&mut x, &format!("st{i}"), 80, "i387_ext"));
    for r in "fctrl fstat ftag fiseg fioff foseg fooff fop".split(' ') {
        let _ = write!(x, "<reg name=\"{r}\" bitsize=\"32\" type=\"int\" group=\"float\"/>");
    }
    x.push_str("</feature><feature name=\"org.gnu.gdb.i386.sse\">");
    let vectors = [
        ("v4f", "ieee_single", 4),
        ("v2d", "ieee_double", 2),
        ("v16i8", "int8", 16),
        ("v8i16", "int16", 8),
        ("v4i32", "int32", 4),
        ("v2i64", "int64", 2),
    ];
    for (id, kind, count) in vectors {
        let _ = write!(x, "<vector id=\"{id}\" type=\"{kind}\" count=\"{count}\"/>");
    }
    x.push_str("<union id=\"vec128\">");
    for (name, kind) in [
        ("v4_float", "v4f"),
        ("v2_double", "v2d"),
        ("v16_int8", "v16i8"),
        ("v8_int16", "v8i16"),
        ("v4_int32", "v4i32"),
        ("v2_int64", "v2i64"),
        ("uint128", "uint128"),
    ] {
        let _ = write!(x, "<field name=\"{name}\" type=\"{kind}\"/>");
    }
    x.push_str("</union><flags id=\"i386_mxcsr\" size=\"4\">");
    let mxcsr = [
        ("IE", 0),
        ("DE", 1),
        ("ZE", 2),
        ("OE", 3),
        ("UE", 4),
        ("PE", 5),
        ("DAZ", 6),
        ("IM", 7),
        ("DM", 8),
        ("ZM", 9),
        ("OM", 10),
        ("UM", 11),
        ("PM", 12),
        ("FZ", 15),
    ];
    fields(&mut x, &mxcsr);
    (0..16).for_each(|i| reg(&mut x, &format!("xmm{i}"), 128, "vec128"));
    x.push_str("<reg name=\"mxcsr\" bitsize=\"32\" type=\"i386_mxcsr\" group=\"vector\"/></feature>");
    x.push_str("<feature name=\"org.gnu.gdb.i386.linux\">");
    reg(&mut x, "orig_rax", 64, "int");
    x.push_str("</feature><feature name=\"org.gnu.gdb.i386.segments\">");
    reg(&mut x, "fs_base", 64, "int");
    reg(&mut x, "gs_base", 64, "int");
    x.push_str("</feature>");
    if has_avx() {
        x.push_str("<feature name=\"org.gnu.gdb.i386.avx\">");
        (0..16).for_each(|i| reg(&mut x, &format!("ymm{i}h"), 128, "uint128"));
        x.push_str("</feature>");
    }
    x.push_str("</target>");
    x
}

fn reg(x: &mut String, name: &str, bits: u32, kind: &str) {
    let _ = write!(x, "<reg name=\"{name}\" bitsize=\"{bits}\" type=\"{kind}\"/>");
}

fn fields(x: &mut String, names: &[(&str, u32)]) {
    for (name, bit) in names {
        let _ = write!(x, "<field name=\"{name}\" start=\"{bit}\" end=\"{bit}\"/>");
    }
    x.push_str("</flags>");
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
        let mut area: Vec<u8> = (0..1024).map(|i| (i % 251) as u8).collect();
        area[24..28].copy_from_slice(&0x1f80u32.to_le_bytes());
        let regs = Regs::pack(&g, &area);
        assert_eq!(regs.0.len(), if has_avx() { AVX_END } else { BASES_END });
        assert_eq!(regs.general(), g);
        assert_eq!(regs.pc(), 0x2000);
        let mut back = area.clone();
        regs.unpack_vector(&mut back);
        // x87 control words lose reserved bits; st, xmm, ymm do not.
        for i in 0..8 {
            assert_eq!(back[32 + 16 * i..][..10], area[32 + 16 * i..][..10]);
        }
        assert_eq!(back[160..416], area[160..416]);
        assert_eq!(back[576..832], area[576..832]);
        assert_eq!(back[4], area[4], "tags");
    }
}
