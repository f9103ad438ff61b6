//! llano's own code, as far as gdb's breakpoints are concerned.
//!
//! gdb puts breakpoints into it without being told to. It watches every program for libraries being loaded, jumps out of
//! functions and exceptions by breakpoints at functions of the C library, which llano is linked with and never calls; and
//! `break main` means every `main`, llano's too, which has run already. To refuse any of them would make gdb refuse to run on.

use std::collections::BTreeSet;
use std::ops::Range;

/// Functions that do not run (again) while a debugger is there. `_ZN5llano4main` is the `main` of Rust.
const NAMES: [&[u8]; 8] = [
    b"main",
    b"_dl_debug_state",
    b"_Unwind_DebugHook",
    b"longjmp",
    b"_longjmp",
    b"siglongjmp",
    b"_siglongjmp",
    b"__longjmp",
];
const RUST_MAIN: &[u8] = b"_ZN5llano4main";

const AT_PHDR: u64 = 3;
const SHT_SYMTAB: u32 = 2;
const PT_LOAD: u32 = 1;
const PF_X: u32 = 1;

/// llano's code in memory.
#[derive(Debug, Default)]
pub struct Own {
    /// All of it.
    pub code: Range<u64>,
    /// The functions that do not run; none if llano was stripped, and then gdb does not know them either.
    silent: Vec<Range<u64>>,
}

impl Own {
    /// Looks at llano's own file.
    pub fn find() -> Own {
        find().unwrap_or_default()
    }

    /// Whether a breakpoint here can never be hit.
    pub fn is_silent(&self, addr: u64) -> bool {
        self.silent.iter().any(|f| f.contains(&addr))
    }
}

fn find() -> Option<Own> {
    let elf = std::fs::read("/proc/self/exe").ok()?;
    let auxv = std::fs::read("/proc/self/auxv").ok()?;
    let pair = |p: &[u8]| (u64_at(p, 0), u64_at(p, 8));
    let phdr = auxv.chunks_exact(16).map(pair).find(|(k, _)| *k == Some(AT_PHDR))?.1?;
    let (phoff, shoff) = (u64_at(&elf, 32)?, u64_at(&elf, 40)? as usize);
    let bias = phdr - phoff;
    let header = |i: u16| elf.get(phoff as usize + 56 * usize::from(i)..).and_then(|h| h.get(..56));
    let code = (0..u16_at(&elf, 56)?)
        .filter_map(header)
        .find(|h| u32_at(h, 0) == Some(PT_LOAD) && u32_at(h, 4).is_some_and(|f| f & PF_X != 0))?;
    let start = bias + u64_at(code, 16)?;
    let own = Own { code: start..start + u64_at(code, 40)?, silent: Vec::new() };

    let section = |i: usize| elf.get(shoff + 64 * i..shoff + 64 * (i + 1));
    let contents = |header: &[u8]| {
        let (at, size) = (u64_at(header, 24)? as usize, u64_at(header, 32)? as usize);
        elf.get(at..at.checked_add(size)?)
    };
    let sections = usize::from(u16_at(&elf, 60)?);
    let Some(table) = (0..sections).filter_map(section).find(|s| u32_at(s, 4) == Some(SHT_SYMTAB)) else {
        return Some(own);
    };
    let names = contents(section(u32_at(table, 40)? as usize)?)?;
    let mut silent = BTreeSet::new();
    for symbol in contents(table)?.chunks_exact(24) {
        let name = names.get(u32_at(symbol, 0)? as usize..)?.split(|b| *b == 0).next()?;
        if NAMES.contains(&name) || name.starts_with(RUST_MAIN) {
            let start = bias.wrapping_add(u64_at(symbol, 8)?);
            silent.insert((start, start + u64_at(symbol, 16)?.max(1)));
        }
    }
    Some(Own { silent: silent.into_iter().map(|(a, b)| a..b).collect(), ..own })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_itself() {
        let own = Own::find();
        let here = finds_itself as fn() as usize as u64;
        assert!(own.code.contains(&here), "{here:#x} {:?}", own.code);
        assert!(own.silent.iter().all(|f| own.code.contains(&f.start)));
        // Every program has a `main`, and a test's function is not it.
        assert!(!own.silent.is_empty());
        assert!(!own.is_silent(here));
    }
}
