//! The file: headers, notes, and memory as it streams by.

use super::{Core, notes};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const EHDR: usize = 64;
const PHDR: usize = 56;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const PAGE: usize = 4096;
/// Memory is read and written in such pieces.
const PIECE: usize = 256 << 10;

/// Reads memory into the buffer, as much as there is; returns the count.
pub type Read<'a> = &'a mut dyn FnMut(u64, &mut [u8]) -> usize;

/// Writes a core into an empty file; returns its length. `xcr0`: the features in the threads' XSAVE areas.
///
/// # Errors
/// As writing fails; the file is of no use then.
pub fn write(file: &File, core: &Core, xcr0: u64, read: Read<'_>) -> io::Result<u64> {
    let notes = notes::all(core, xcr0);
    let count = core.segments.len() + 1;
    let notes_at = EHDR + PHDR * count;
    let mut data_at = ((notes_at + notes.len()) as u64).next_multiple_of(PAGE as u64);
    let mut head = header(count);
    program_header(&mut head, PT_NOTE, 0, notes_at as u64, 0, (notes.len() as u64, 0), 4);
    for s in &core.segments {
        program_header(&mut head, PT_LOAD, s.flags, data_at, s.start, (s.stored, s.len), PAGE as u64);
        data_at += s.stored;
    }
    file.write_all_at(&head, 0)?;
    file.write_all_at(&notes, notes_at as u64)?;
    let mut at = ((notes_at + notes.len()) as u64).next_multiple_of(PAGE as u64);
    let mut piece = vec![0; PIECE];
    for s in core.segments.iter().filter(|s| s.stored > 0) {
        let mut done = 0;
        while done < s.stored {
            let len = (s.stored - done).min(PIECE as u64) as usize;
            let n = read(s.start + done, &mut piece[..len]).min(len);
            piece[n..len].fill(0);
            filled(file, &piece[..len], at + done)?;
            // A page that cannot be read (of a file that became shorter) is a hole.
            done += if n == len { len } else { (n + 1).next_multiple_of(PAGE).min(len) } as u64;
        }
        at += s.stored;
    }
    file.set_len(at)?;
    Ok(at)
}

/// Writes the pages that are not all zeroes.
fn filled(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    const ZEROES: [u8; PAGE] = [0; PAGE];
    let empty = |page: &[u8]| *page == ZEROES[..page.len()];
    let mut pages =
        bytes.chunks(PAGE).enumerate().filter(|(_, page)| !empty(page)).map(|(i, _)| i).peekable();
    while let Some(first) = pages.next() {
        let mut last = first;
        while pages.next_if_eq(&(last + 1)).is_some() {
            last += 1;
        }
        let end = ((last + 1) * PAGE).min(bytes.len());
        file.write_all_at(&bytes[first * PAGE..end], at + (first * PAGE) as u64)?;
    }
    Ok(())
}

fn header(count: usize) -> Vec<u8> {
    const ET_CORE: u16 = 4;
    const EM_X86_64: u16 = 62;
    let mut out = Vec::with_capacity(EHDR + PHDR * count);
    out.extend(b"\x7fELF\x02\x01\x01");
    out.resize(16, 0);
    out.extend(ET_CORE.to_le_bytes());
    out.extend(EM_X86_64.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    for word in [0, EHDR as u64, 0] {
        out.extend(word.to_le_bytes());
    }
    out.extend(0u32.to_le_bytes());
    for half in [EHDR as u16, PHDR as u16, count as u16, 0, 0, 0] {
        out.extend(half.to_le_bytes());
    }
    out
}

fn program_header(
    out: &mut Vec<u8>,
    kind: u32,
    flags: u32,
    at: u64,
    address: u64,
    size: (u64, u64),
    align: u64,
) {
    out.extend(kind.to_le_bytes());
    out.extend(flags.to_le_bytes());
    for word in [at, address, 0, size.0, size.1, align] {
        out.extend(word.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::Segment;
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn zeroes_are_holes_and_what_cannot_be_read_is_zero() {
        let path = std::env::temp_dir().join(format!("llano-core-{}", std::process::id()));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        let segment = |start, len| Segment { start, len, stored: len, flags: 6 };
        let core = Core {
            segments: vec![segment(0x10_0000, 8 << 20), segment(0x4000_0000, 0x3000)],
            ..Core::default()
        };
        let mut read = |at: u64, buf: &mut [u8]| match at {
            0x4000_0000 => {
                buf[..PAGE].fill(7);
                PAGE
            }
            0x4000_1000 => 0,
            0x4000_2000 => {
                buf.fill(9);
                buf.len()
            }
            _ => {
                buf.fill(0);
                buf.len()
            }
        };
        let len = write(&file, &core, 0, &mut read).unwrap();
        let meta = file.metadata().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(meta.len(), len);
        assert!(meta.blocks() * 512 < 64 << 10, "{} blocks", meta.blocks());
        let mut tail = vec![0; 0x3000];
        file.read_exact_at(&mut tail, len - 0x3000).unwrap();
        assert_eq!((tail[0], tail[0x1000], tail[0x2fff]), (7, 0, 9));
    }
}
