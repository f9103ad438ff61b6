//! ELF files: the headers, checked (elf(5)). Pure: bytes in, numbers out.

use crate::error::{Errno, Result};
use alloc::vec::Vec;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
pub(super) const EM_X86_64: u16 = 62;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const PT_PHDR: u32 = 6;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
const PT_GNU_STACK: u32 = 0x6474_e551;

/// Segment flags.
#[allow(missing_docs)]
pub mod pf {
    pub const X: u32 = 1;
    pub const W: u32 = 2;
    pub const R: u32 = 4;
}

/// `Elf64_Ehdr`.
#[repr(C)]
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Header {
    ident: [u8; 16],
    kind: u16,
    machine: u16,
    version: u32,
    /// Entry point.
    pub entry: u64,
    /// Offset of the program headers.
    pub phoff: u64,
    shoff: u64,
    flags: u32,
    ehsize: u16,
    phentsize: u16,
    /// Number of program headers.
    pub phnum: u16,
    shentsize: u16,
    shnum: u16,
    shstrndx: u16,
}

/// `Elf64_Phdr`.
#[repr(C)]
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Segment {
    kind: u32,
    /// `PF_*`.
    pub flags: u32,
    /// Offset in the file.
    pub offset: u64,
    /// Link address.
    pub vaddr: u64,
    paddr: u64,
    /// Bytes in the file.
    pub filesz: u64,
    /// Bytes in memory.
    pub memsz: u64,
    /// Alignment.
    pub align: u64,
}

/// Size of a program header.
pub const PHENT: usize = size_of::<Segment>();

/// A program, as far as the headers tell.
#[derive(Debug, Clone)]
pub struct Elf {
    /// The file header.
    pub header: Header,
    /// What to load, ascending.
    pub loads: Vec<Segment>,
    /// Offset and length of the interpreter's name.
    pub interp: Option<(u64, u64)>,
    /// Link address of the dynamic section.
    pub dynamic: Option<u64>,
    /// Link address of the program headers in memory.
    pub phdr: Option<u64>,
    /// Link address of the index of unwind tables (`.eh_frame_hdr`).
    pub unwind: Option<u64>,
    /// The stack shall be executable.
    pub exec_stack: bool,
    /// Bytes of stack it asks for; 0: it does not say.
    pub stack_size: u64,
    /// Linked to fixed addresses.
    pub fixed: bool,
}

impl Elf {
    /// Checks the file header. `ENOEXEC`: not an ELF program for x86-64.
    pub fn header(bytes: &[u8]) -> Result<Header> {
        let (h, _) = Header::read_from_prefix(bytes).map_err(|_| Errno::ENOEXEC)?;
        // Of the identification Linux looks at the magic alone.
        let ok = h.ident[..4] == *b"\x7fELF"
            && h.machine == EM_X86_64
            && (h.kind == ET_EXEC || h.kind == ET_DYN)
            && usize::from(h.phentsize) == PHENT
            && h.phnum > 0
            && usize::from(h.phnum) * PHENT <= 65536;
        if ok { Ok(h) } else { Err(Errno::ENOEXEC) }
    }

    /// Reads the program headers (`table` holds all of them).
    ///
    /// # Errors
    /// `ENOEXEC` for anything inconsistent.
    pub fn parse(header: Header, table: &[u8]) -> Result<Elf> {
        let mut elf = Elf {
            header,
            loads: Vec::new(),
            interp: None,
            dynamic: None,
            phdr: None,
            unwind: None,
            exec_stack: false,
            stack_size: 0,
            fixed: header.kind == ET_EXEC,
        };
        for raw in table.chunks_exact(PHENT).take(header.phnum.into()) {
            let s = Segment::read_from_bytes(raw).map_err(|_| Errno::ENOEXEC)?;
            match s.kind {
                PT_LOAD if s.memsz > 0 => elf.add_load(s)?,
                PT_INTERP => elf.interp = Some((s.offset, s.filesz)),
                PT_DYNAMIC => elf.dynamic = Some(s.vaddr),
                PT_PHDR => elf.phdr = Some(s.vaddr),
                PT_GNU_EH_FRAME => elf.unwind = Some(s.vaddr),
                PT_GNU_STACK => {
                    (elf.exec_stack, elf.stack_size) = (s.flags & pf::X != 0, s.memsz);
                }
                _ => {}
            }
        }
        if elf.loads.is_empty() {
            return Err(Errno::ENOEXEC);
        }
        Ok(elf)
    }

    fn add_load(&mut self, s: Segment) -> Result<()> {
        const LIMIT: u64 = 1 << 46;
        let sane = s.filesz <= s.memsz
            && s.vaddr < LIMIT
            && s.memsz < LIMIT
            && s.offset < LIMIT
            && s.vaddr % 4096 == s.offset % 4096
            && self.loads.last().is_none_or(|prev| s.vaddr >= prev.vaddr + prev.memsz);
        if !sane {
            return Err(Errno::ENOEXEC);
        }
        self.loads.push(s);
        Ok(())
    }

    /// First and last byte (page-aligned) of what is loaded, in link addresses.
    pub fn span(&self) -> (u64, u64) {
        let first = self.loads[0].vaddr & !4095;
        let last = self.loads[self.loads.len() - 1];
        (first, (last.vaddr + last.memsz).next_multiple_of(4096))
    }

    /// The same where it is loaded.
    pub fn placed(&self, bias: u64) -> (u64, u64) {
        let (first, last) = self.span();
        (first.wrapping_add(bias), last.wrapping_add(bias))
    }

    /// The largest alignment that a segment asks for, a page at least. As Linux does, alignments that are no power
    /// of two count for nothing; nor do those that no room could satisfy.
    pub fn align(&self) -> u64 {
        let valid = |align: &u64| align.is_power_of_two() && *align <= 1 << 30;
        self.loads.iter().map(|s| s.align).filter(valid).max().unwrap_or(0).max(4096)
    }

    /// Link address of the program headers: PT_PHDR, or where the first segment that contains them puts them.
    pub fn phdr_vaddr(&self) -> u64 {
        let at = self.header.phoff;
        self.phdr.unwrap_or_else(|| {
            let holds = |s: &&Segment| at >= s.offset && at < s.offset + s.filesz;
            self.loads.iter().find(holds).map_or(0, |s| s.vaddr + (at - s.offset))
        })
    }
}
