//! llano's own file: where a panic begins.

const AT_PHDR: u64 = 3;
const SHT_SYMTAB: u32 = 2;

/// Part of the mangled name of the function that every panic comes to first.
const PANIC: &[u8] = b"rust_begin_unwind";

/// Its address; `None`: llano was stripped.
pub fn panic() -> Option<u64> {
    let elf = std::fs::read("/proc/self/exe").ok()?;
    let auxv = std::fs::read("/proc/self/auxv").ok()?;
    let pair = |p: &[u8]| (u64_at(p, 0), u64_at(p, 8));
    let phdr = auxv.chunks_exact(16).map(pair).find(|(k, _)| *k == Some(AT_PHDR))?.1?;
    let (phoff, shoff) = (u64_at(&elf, 32)?, u64_at(&elf, 40)? as usize);
    let bias = phdr - phoff;

    let section = |i: usize| elf.get(shoff + 64 * i..shoff + 64 * (i + 1));
    let contents = |header: &[u8]| {
        let (at, size) = (u64_at(header, 24)? as usize, u64_at(header, 32)? as usize);
        elf.get(at..at.checked_add(size)?)
    };
    let sections = usize::from(u16_at(&elf, 60)?);
    let table = (0..sections).filter_map(section).find(|s| u32_at(s, 4) == Some(SHT_SYMTAB))?;
    let names = contents(section(u32_at(table, 40)? as usize)?)?;
    contents(table)?.chunks_exact(24).find_map(|symbol| {
        let name = names.get(u32_at(symbol, 0)? as usize..)?.split(|b| *b == 0).next()?;
        let ours = name.windows(PANIC.len()).any(|part| part == PANIC);
        u64_at(symbol, 8).filter(|at| ours && *at != 0).map(|at| bias.wrapping_add(at))
    })
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
    use llano_kernel::inspect::own::points;

    #[test]
    fn finds_where_panics_begin() {
        assert!(points::contains(super::panic().unwrap()));
    }
}
