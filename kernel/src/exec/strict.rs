//! Loading a program under `--strict-nommu`, as Linux without an MMU does (`fs/binfmt_elf_fdpic.c`): position-independent
//! images only, each read into one block of memory; a stack of fixed size; no heap.

use super::elf::Elf;
use super::{Image, Plan, Program, stack};
use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::fs::file::File;
use crate::mm::space::AddressSpace;
use crate::mm::strict::{self, RAM, Request};
use crate::mm::{self, Mm, PAGE};
use llano_machine::space::{EXEC, READ, WRITE};

/// What argument and environment strings may take together (MAX_ARG_PAGES).
const MAX_STRINGS: u64 = 32 * PAGE;
/// What else is on a new stack beside strings and their pointers: auxiliary vector, random bytes, platform, alignment.
const STACK_HEAD: u64 = 1024;

impl Plan {
    /// Refuses what Linux has no loader for.
    ///
    /// # Errors
    /// `ENOEXEC` under `--strict-nommu`: linked to fixed addresses.
    pub(super) fn loadable(self, space: &mut AddressSpace) -> Result<Plan> {
        let Some(strict) = space.strict.as_mut().filter(|_| self.elf.fixed) else { return Ok(self) };
        strict.refused_programs += 1;
        Err(Errno::ENOEXEC)
    }

    /// Loads it all into `mm`; returns entry point and stack pointer.
    pub(super) fn load_strict(
        &self,
        mm: &mut Mm,
        space: &mut AddressSpace,
        program: &Program,
        cred: &Cred,
    ) -> Result<(u64, u64)> {
        let image = read_image(&self.elf, &program.file, space, mm, &self.name)?;
        let (first, last) = self.elf.span();
        mm.code = (first.wrapping_add(image.bias), last.wrapping_add(image.bias));
        let interp = match &self.interp {
            Some((elf, file, name)) => Some(read_image(elf, file, space, mm, name)?),
            None => None,
        };
        self.make_stack(mm, space, program)?;
        let strings =
            stack::Strings { argv: &program.argv, envp: &program.envp, filename: &program.filename };
        let sp = stack::fill(mm, &strings, &image, interp.as_ref(), cred)?;
        Ok((interp.as_ref().unwrap_or(&image).entry, sp))
    }

    /// The stack: as large as the program or its interpreter says (PT_GNU_STACK), else as `--stack` does. Below it there is
    /// no guard page, but whatever lies there. The heap is empty and stays so: brk begins and ends at the stack's bottom.
    fn make_stack(&self, mm: &mut Mm, space: &mut AddressSpace, program: &Program) -> Result<()> {
        let default = space.strict.as_ref().map_or(strict::STACK, |s| s.stack);
        let named = [Some(&self.elf), self.interp.as_ref().map(|i| &i.0)];
        let elf = named.into_iter().flatten().find(|elf| elf.stack_size > 0).unwrap_or(&self.elf);
        let size = if elf.stack_size > 0 { elf.stack_size } else { default };
        let size = size.checked_next_multiple_of(PAGE).ok_or(Errno::ENOMEM)?.max(2 * PAGE);
        let all = || program.argv.iter().chain(&program.envp);
        let strings: u64 = all().map(|s| s.len() as u64 + 1).sum();
        let pointers = 8 * (all().count() as u64 + 3);
        let head = STACK_HEAD + program.filename.len() as u64;
        if strings > MAX_STRINGS || strings + pointers + head > size {
            return Err(Errno::E2BIG);
        }
        let prot = READ | WRITE | if elf.exec_stack { EXEC } else { 0 };
        let at = strict::map(space, mm, &Request::anonymous(size, prot), false)?;
        if let Some(vma) = mm.vmas.get_mut(&at) {
            vma.label = "[stack]";
        }
        mm.stack = (at, at + size);
        mm.brk = (at, at, at);
        Ok(())
    }
}

/// Reads all segments into one block (`elf_fdpic_map_file_constdisp_on_uclinux`).
fn read_image(elf: &Elf, file: &File, space: &mut AddressSpace, mm: &mut Mm, path: &[u8]) -> Result<Image> {
    let (first, last) = elf.span();
    let at = strict::map(space, mm, &Request::anonymous(last - first, RAM), false)?;
    let bias = at.wrapping_sub(first);
    for s in elf.loads.iter().filter(|s| s.filesz > 0) {
        strict::read(file, s.vaddr.wrapping_add(bias), s.filesz, s.offset)?;
    }
    let dynamic = elf.dynamic.map_or(0, |d| d.wrapping_add(bias));
    mm.images.push(mm::Image { path: path.to_vec(), bias, dynamic, span: elf.placed(bias) });
    Ok(Image::new(elf, bias))
}
