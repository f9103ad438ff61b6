//! Putting an ELF image into an address space: files mapped, bss zeroed.

use super::elf::{Elf, PHENT, Segment, pf};
use crate::error::{Errno, Result};
use crate::fs::file::File;
use crate::mm::kept::{Kept, Piece};
use crate::mm::space::{AddressSpace, Place};
use crate::mm::{Backing, Mm, PAGE, Vma};
use crate::user::Dst;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use llano_machine::space as pages;
use llano_machine::space::Sharing;
use llano_machine::usermem;

/// Reads exactly `len` bytes of a program file.
///
/// # Errors
/// `ENOEXEC` if the file is shorter.
pub fn read_exact(file: &File, offset: u64, len: usize) -> Result<Vec<u8>> {
    let mut buf = vec![0; len];
    let n = read_some(file, offset, &mut buf)?;
    if n == len { Ok(buf) } else { Err(Errno::ENOEXEC) }
}

/// Reads up to `buf.len()` bytes; less only at the end of the file.
pub fn read_some(file: &File, offset: u64, buf: &mut [u8]) -> Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        let n = file.ops().read(file, &mut Dst::Kernel(&mut buf[done..], 0), offset + done as u64)?;
        if n == 0 {
            break;
        }
        done += n;
    }
    Ok(done)
}

/// Reads and checks the headers of a program file that starts with `head`.
pub fn headers(file: &File, head: &[u8]) -> Result<Elf> {
    let header = Elf::header(head)?;
    let table = read_exact(file, header.phoff, usize::from(header.phnum) * PHENT)?;
    Elf::parse(header, &table)
}

/// Puts an image into an address space; returns the bias (what to add to link addresses). The addresses of a program
/// linked to fixed ones may be another's too.
///
/// # Errors
/// `ENOMEM`: there is no room. `ENOEXEC`: the file is shorter than it says.
pub fn image(elf: &Elf, file: &Rc<File>, space: &mut AddressSpace, mm: &mut Mm) -> Result<u64> {
    let (first, last) = elf.span();
    let len = last - first;
    // Those linked to fixed addresses are in each other's way.
    let kept = if elf.fixed { None } else { space.shelf.image(file) };
    let at = match &kept {
        Some(kept) => kept.at,
        None => place(elf, space)?,
    };
    mm.reserves.push((at, len));
    let bias = at.wrapping_sub(first);
    let pieces = pieces(elf, bias);
    for piece in &pieces {
        let backing = piece.offset.map_or(Backing::Anonymous, |offset| Backing::File(file.clone(), offset));
        let vma = Vma::new(piece.start, piece.end, piece.prot, Sharing::Private, backing);
        match &kept {
            Some(kept) if kept.has(piece) => mm.adopt(vma),
            _ => mm.map_fixed(space, vma)?,
        }
    }
    zero_tails(elf, bias)?;
    if !elf.fixed {
        mm.loaded.extend(kept.or_else(|| Kept::image(file, at, len, &pieces)));
    }
    Ok(bias)
}

/// Claims the addresses for an image.
fn place(elf: &Elf, space: &mut AddressSpace) -> Result<u64> {
    let (first, last) = elf.span();
    let len = last - first;
    if !elf.fixed {
        return space.alloc(len, elf.align(), Place::High).ok_or(Errno::ENOMEM);
    }
    if !pages::contains(first, len) {
        return Err(Errno::ENOMEM);
    }
    space.claim(first, len);
    Ok(first)
}

fn prot_of(s: &Segment) -> i32 {
    let bit = |flag, prot| if s.flags & flag != 0 { prot } else { 0 };
    bit(pf::R, pages::READ) | bit(pf::W, pages::WRITE) | bit(pf::X, pages::EXEC)
}

/// The maps that an image consists of.
fn pieces(elf: &Elf, bias: u64) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for s in &elf.loads {
        let prot = prot_of(s);
        let at = s.vaddr.wrapping_add(bias);
        let start = at & !(PAGE - 1);
        let end = (at + s.memsz).next_multiple_of(PAGE);
        let mapped_end = if s.filesz > 0 { (at + s.filesz).next_multiple_of(PAGE) } else { start };
        if s.filesz > 0 {
            pieces.push(Piece { start, end: mapped_end, prot, offset: Some(s.offset & !(PAGE - 1)) });
        }
        if s.memsz > s.filesz && end > mapped_end {
            pieces.push(Piece { start: mapped_end, end, prot, offset: None });
        }
    }
    pieces
}

/// The bss starts in the last page of the file's part, whose rest must be zero. Linux leaves it as it is where the segment is
/// read-only.
fn zero_tails(elf: &Elf, bias: u64) -> Result<()> {
    for s in elf.loads.iter().filter(|s| s.filesz > 0 && s.memsz > s.filesz && s.flags & pf::W != 0) {
        let file_end = s.vaddr.wrapping_add(bias) + s.filesz;
        let rest = file_end.next_multiple_of(PAGE) - file_end;
        // A page behind the end of a truncated program file cannot be touched.
        usermem::zero(file_end, rest as usize).map_err(|_| Errno::ENOEXEC)?;
    }
    Ok(())
}
