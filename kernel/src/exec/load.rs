//! Putting an ELF image into an address space: files mapped, bss zeroed.

use super::elf::{Elf, PHENT, Segment, pf};
use crate::error::{Errno, Result};
use crate::fs::file::File;
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

/// Claims the addresses for an image; returns the bias (what to add to link addresses). Those of a program linked to
/// fixed ones may be another's too.
///
/// # Errors
/// `ENOMEM`: there is no room.
pub fn place(elf: &Elf, space: &mut AddressSpace, mm: &mut Mm) -> Result<u64> {
    let (first, last) = elf.span();
    let len = last - first;
    let at = if elf.fixed {
        if !pages::contains(first, len) {
            return Err(Errno::ENOMEM);
        }
        space.claim(first, len);
        first
    } else {
        space.alloc(len, elf.align(), Place::High).ok_or(Errno::ENOMEM)?
    };
    mm.reserves.push((at, len));
    Ok(at.wrapping_sub(first))
}

fn prot_of(s: &Segment) -> i32 {
    let bit = |flag, prot| if s.flags & flag != 0 { prot } else { 0 };
    bit(pf::R, pages::READ) | bit(pf::W, pages::WRITE) | bit(pf::X, pages::EXEC)
}

/// Maps all segments of an image that [`place`] made room for.
pub fn map(elf: &Elf, file: &Rc<File>, bias: u64, space: &mut AddressSpace, mm: &mut Mm) -> Result<()> {
    for s in &elf.loads {
        let prot = prot_of(s);
        let start = s.vaddr.wrapping_add(bias) & !(PAGE - 1);
        let file_end = s.vaddr.wrapping_add(bias) + s.filesz;
        let end = (s.vaddr.wrapping_add(bias) + s.memsz).next_multiple_of(PAGE);
        let mapped_end = if s.filesz > 0 { file_end.next_multiple_of(PAGE) } else { start };
        let vma = |start, end, backing| Vma::new(start, end, prot, Sharing::Private, backing);
        if s.filesz > 0 {
            let offset = s.offset & !(PAGE - 1);
            mm.map_fixed(space, vma(start, mapped_end, Backing::File(file.clone(), offset)))?;
        }
        if s.memsz > s.filesz {
            // The bss starts in the last page of the file's part, whose rest must be zero. Linux leaves it as it is
            // where the segment is read-only. A page behind the end of a truncated program file cannot be touched.
            if mapped_end > file_end && s.filesz > 0 && prot & pages::WRITE != 0 {
                usermem::zero(file_end, (mapped_end - file_end) as usize).map_err(|_| Errno::ENOEXEC)?;
            }
            if end > mapped_end {
                mm.map_fixed(space, vma(mapped_end, end, Backing::Anonymous))?;
            }
        }
    }
    Ok(())
}
