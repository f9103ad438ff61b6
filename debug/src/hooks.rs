//! Functions of llano's own in which gdb keeps breakpoints for itself.
//!
//! gdb watches every program for libraries being loaded, jumps out of functions and exceptions by breakpoints at functions
//! of the C library. llano is linked with them and never calls them, so there is nothing to insert; but to refuse would make
//! gdb refuse to run on.

use std::collections::BTreeSet;

const NAMES: [&[u8]; 7] = [
    b"_dl_debug_state",
    b"_Unwind_DebugHook",
    b"longjmp",
    b"_longjmp",
    b"siglongjmp",
    b"_siglongjmp",
    b"__longjmp",
];

const AT_PHDR: u64 = 3;
const SHT_SYMTAB: u32 = 2;

/// Their addresses; none if llano was stripped, and then gdb does not know them either.
pub fn addresses() -> BTreeSet<u64> {
    find().unwrap_or_default()
}

fn find() -> Option<BTreeSet<u64>> {
    let elf = std::fs::read("/proc/self/exe").ok()?;
    let auxv = std::fs::read("/proc/self/auxv").ok()?;
    let pair = |p: &[u8]| (u64_at(p, 0), u64_at(p, 8));
    let phdr = auxv.chunks_exact(16).map(pair).find(|(k, _)| *k == Some(AT_PHDR))?.1?;
    let bias = phdr - u64_at(&elf, 32)?;
    let (shoff, count) = (u64_at(&elf, 40)? as usize, u16_at(&elf, 60)?);
    let section = |i: usize| elf.get(shoff + 64 * i..shoff + 64 * (i + 1));
    let contents = |header: &[u8]| {
        let (at, size) = (u64_at(header, 24)? as usize, u64_at(header, 32)? as usize);
        elf.get(at..at.checked_add(size)?)
    };
    let table = (0..usize::from(count)).filter_map(section).find(|s| u32_at(s, 4) == Some(SHT_SYMTAB))?;
    let names = contents(section(u32_at(table, 40)? as usize)?)?;
    let mut found = BTreeSet::new();
    for symbol in contents(table)?.chunks_exact(24) {
        let name = names.get(u32_at(symbol, 0)? as usize..)?;
        let name = name.split(|b| *b == 0).next()?;
        if NAMES.contains(&name) {
            found.insert(bias.wrapping_add(u64_at(symbol, 8)?));
        }
    }
    Some(found)
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
    fn finds_its_own() {
        // Only what the linker kept can be found; addresses must lie in this program's code.
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        for at in addresses() {
            let inside = maps.lines().filter(|l| l.contains(" r-xp ")).any(|l| {
                let mut ends = l.split([' ', '-']).map(|s| u64::from_str_radix(s, 16).unwrap_or(0));
                let (start, end) = (ends.next().unwrap(), ends.next().unwrap());
                (start..end).contains(&at)
            });
            assert!(inside, "{at:#x}");
        }
    }
}
