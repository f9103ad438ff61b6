//! The notes of a core, as Linux writes them on x86-64 (linux/elfcore.h, sys/procfs.h).

use super::{Core, MappedFile, Process, Thread};
use crate::arch::General;

const NT_PRSTATUS: u32 = 1;
const NT_PRFPREG: u32 = 2;
const NT_PRPSINFO: u32 = 3;
const NT_AUXV: u32 = 6;
const NT_FILE: u32 = 0x4649_4c45;
const NT_SIGINFO: u32 = 0x5349_4749;
const NT_X86_XSTATE: u32 = 0x202;

/// `struct elf_prstatus`: size, and where what is in it.
const PRSTATUS: usize = 336;
const PR_CURSIG: usize = 12;
const PR_SIGPEND: usize = 16;
const PR_SIGHOLD: usize = 24;
const PR_PID: usize = 32;
const PR_UTIME: usize = 48;
const PR_STIME: usize = 64;
const PR_REG: usize = 112;
const PR_FPVALID: usize = 328;
/// `struct elf_prpsinfo`.
const PRPSINFO: usize = 136;
const PS_UID: usize = 16;
const PS_PID: usize = 24;
const PS_FNAME: usize = 40;
const PS_ARGS: usize = 56;
/// The legacy area of an XSAVE area is the FXSAVE image.
const FXSAVE: usize = 512;
/// Where in it gdb finds which features the rest has (XCR0), as the kernel's signal frames have it.
const XCR0: usize = 464;
/// Where the header says what is in it (XSTATE_BV), and where the header ends.
const XSTATE_BV: usize = 512;
const HEADER_END: usize = 576;
/// x87, SSE, and below the components with their bits, sizes, and the places where Intel's processors have them and debuggers
/// before gdb 14 look for them: upper halves of ymm, masks, upper halves of zmm0-15, zmm16-31, PKRU.
const LEGACY: u64 = 3;
const COMPONENTS: [(u32, usize, usize); 5] =
    [(2, 256, 576), (5, 64, 1088), (6, 512, 1152), (7, 1024, 1664), (9, 8, 2688)];
const PAGE: u64 = 4096;

/// All notes, in the order in which Linux writes them. `xcr0`: the features in the XSAVE areas.
pub fn all(core: &Core, xcr0: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, thread) in core.threads.iter().enumerate() {
        note(&mut out, b"CORE", NT_PRSTATUS, &status(thread));
        if i == 0 {
            note(&mut out, b"CORE", NT_PRPSINFO, &information(&core.process));
        }
        if let Some(siginfo) = &thread.siginfo {
            note(&mut out, b"CORE", NT_SIGINFO, siginfo);
        }
        if i == 0 {
            note(&mut out, b"CORE", NT_AUXV, &core.auxv);
            note(&mut out, b"CORE", NT_FILE, &files(&core.files));
        }
        if let Some(area) = thread.xsave.as_ref().filter(|area| area.len() >= FXSAVE) {
            note(&mut out, b"CORE", NT_PRFPREG, &area[..FXSAVE]);
            if area.len() >= HEADER_END {
                note(&mut out, b"LINUX", NT_X86_XSTATE, &extended(area, xcr0, place_here));
            }
        }
    }
    out
}

/// Where this processor has a component (Intel SDM volume 1, 13.4.2).
fn place_here(bit: u32) -> usize {
    std::arch::x86_64::__cpuid_count(0xd, bit).ebx as usize
}

/// An XSAVE area as debuggers expect it: the components at their usual places, the features in it told.
fn extended(area: &[u8], xcr0: u64, place: impl Fn(u32) -> usize) -> Vec<u8> {
    let known = COMPONENTS.iter().filter(|(bit, ..)| xcr0 >> bit & 1 == 1);
    let features = known.clone().fold(xcr0 & LEGACY, |all, (bit, ..)| all | 1 << bit);
    let mut out = area[..HEADER_END].to_vec();
    out.resize(known.clone().map(|(_, size, at)| at + size).max().unwrap_or(HEADER_END), 0);
    for &(bit, size, at) in known {
        if let Some(bytes) = area.get(place(bit)..place(bit) + size) {
            put(&mut out, at, bytes);
        }
    }
    let held = u64::from_le_bytes(std::array::from_fn(|i| area[XSTATE_BV + i]));
    put(&mut out, XCR0, &features.to_le_bytes());
    put(&mut out, XSTATE_BV, &(held & features).to_le_bytes());
    out
}

fn note(out: &mut Vec<u8>, name: &[u8], kind: u32, desc: &[u8]) {
    for word in [name.len() as u32 + 1, desc.len() as u32, kind] {
        out.extend(word.to_le_bytes());
    }
    for part in [&[name, b"\0"].concat()[..], desc] {
        out.extend(part);
        out.resize(out.len().next_multiple_of(4), 0);
    }
}

fn put(to: &mut [u8], at: usize, bytes: &[u8]) {
    to[at..at + bytes.len()].copy_from_slice(bytes);
}

fn status(t: &Thread) -> [u8; PRSTATUS] {
    let mut out = [0; PRSTATUS];
    put(&mut out, 0, &t.signal.to_le_bytes());
    put(&mut out, PR_CURSIG, &(t.signal as i16).to_le_bytes());
    put(&mut out, PR_SIGPEND, &t.signals.0.to_le_bytes());
    put(&mut out, PR_SIGHOLD, &t.signals.1.to_le_bytes());
    let (parent, group, session) = t.family;
    for (i, number) in [t.tid, parent, group, session].into_iter().enumerate() {
        put(&mut out, PR_PID + 4 * i, &number.to_le_bytes());
    }
    for (at, ns) in [(PR_UTIME, t.times.0), (PR_STIME, t.times.1)] {
        put(&mut out, at, &(ns / 1_000_000_000).to_le_bytes());
        put(&mut out, at + 8, &(ns % 1_000_000_000 / 1000).to_le_bytes());
    }
    for (i, value) in registers(&t.general).into_iter().enumerate() {
        put(&mut out, PR_REG + 8 * i, &value.to_le_bytes());
    }
    put(&mut out, PR_FPVALID, &u32::from(t.xsave.is_some()).to_le_bytes());
    out
}

/// `struct user_regs_struct`, from gdb's order.
fn registers(g: &General) -> [u64; 27] {
    const CS: u64 = 0x33;
    const SS: u64 = 0x2b;
    let [rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15] = g.regs;
    [
        r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, g.orig_rax, g.rip, CS,
        g.rflags, rsp, SS, g.fs_base, g.gs_base, 0, 0, 0, 0,
    ]
}

fn information(p: &Process) -> [u8; PRPSINFO] {
    let mut out = [0; PRPSINFO];
    out[1] = b'R';
    put(&mut out, PS_UID, &p.owner.0.to_le_bytes());
    put(&mut out, PS_UID + 4, &p.owner.1.to_le_bytes());
    for (i, number) in [p.pid, p.family.0, p.family.1, p.family.2].into_iter().enumerate() {
        put(&mut out, PS_PID + 4 * i, &number.to_le_bytes());
    }
    put(&mut out, PS_FNAME, &p.name[..p.name.len().min(15)]);
    put(&mut out, PS_ARGS, &p.arguments[..p.arguments.len().min(PRPSINFO - PS_ARGS - 1)]);
    out
}

/// Count, page size, three numbers for each, and then the names.
fn files(files: &[MappedFile]) -> Vec<u8> {
    let mut out: Vec<u8> = [files.len() as u64, PAGE].iter().flat_map(|n| n.to_le_bytes()).collect();
    for f in files {
        out.extend([f.start, f.end, f.offset / PAGE].iter().flat_map(|n| n.to_le_bytes()));
    }
    for f in files {
        out.extend(&f.path);
        out.push(0);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_stand_where_debuggers_look() {
        let mut area = vec![0; 2432];
        area[XSTATE_BV] = 0xe7;
        (area[576], area[832], area[896], area[1408]) = (2, 5, 6, 7);
        let amd = |bit| [0, 0, 576, 0, 0, 832, 896, 1408, 0, 2432][bit as usize];
        let out = extended(&area, 0xe7, amd);
        assert_eq!((out.len(), out[576], out[1088], out[1152], out[1664]), (2688, 2, 5, 6, 7));
        assert_eq!((out[XCR0], out[XSTATE_BV]), (0xe7, 0xe7));
        assert_eq!(extended(&area, 7, amd).len(), 832);
        assert_eq!(extended(&area, 0x602e7, amd)[XCR0 + 2], 0);
    }

    #[test]
    fn notes_are_padded_and_registers_in_order() {
        let mut out = Vec::new();
        note(&mut out, b"CORE", 1, &[1, 2, 3]);
        assert_eq!(out.len(), 12 + 8 + 4);
        let general = General {
            regs: std::array::from_fn(|i| i as u64),
            rip: 16,
            rflags: 17,
            orig_rax: 18,
            fs_base: 19,
            gs_base: 20,
        };
        let regs = registers(&general);
        assert_eq!((regs[0], regs[10], regs[16], regs[19], regs[21]), (15, 0, 16, 7, 19));
    }
}
