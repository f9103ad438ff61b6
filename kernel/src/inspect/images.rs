//! The ELF files in memory: what exec mapped, and the libraries that the guest's own loader mapped.

use crate::exec::elf::Elf;
use crate::kernel::Kernel;
use crate::mm::{Backing, Image, Mm, PAGE};
use crate::task::Pid;
use crate::wait::Tid;
use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use llano_machine::overlay::View;
use llano_machine::space::EXEC;

/// The most of a file's beginning that is looked at for program headers.
const HEAD: u64 = 4096;

impl Kernel {
    /// Every image of every process, by process; processes that share memory (vfork) are listed once.
    pub fn images(&self) -> Vec<(Pid, Image)> {
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for task in self.tables.tasks() {
            if !seen.insert(Rc::as_ptr(&task.mm) as usize) {
                continue;
            }
            // Of a process that was changing its memory when the kernel crashed nothing is known.
            let Ok(mm) = task.mm.try_borrow() else { continue };
            out.extend(mm.images.iter().map(|i| (task.pid, i.clone())));
            out.extend(self.libraries(&mm).into_iter().map(|i| (task.pid, i)));
        }
        out
    }

    /// Every image in a task's memory.
    pub fn images_of(&self, tid: Tid) -> Vec<Image> {
        let Some(task) = self.tables.task(tid) else { return Vec::new() };
        let Ok(mm) = task.mm.try_borrow() else { return Vec::new() };
        mm.images.iter().cloned().chain(self.libraries(&mm)).collect()
    }

    /// Images that the guest mapped by itself: files with an ELF header at their mapped beginning and code behind it.
    fn libraries(&self, mm: &Mm) -> Vec<Image> {
        let mut out = Vec::new();
        for vma in mm.vmas.values() {
            let Backing::File(file, 0) = &vma.backing else { continue };
            let Some(path) = &file.path else { continue };
            let Some((elf, bias)) = self.elf_at(mm.view, vma.start, vma.end - vma.start) else { continue };
            if mm.images.iter().any(|i| i.bias == bias) {
                continue;
            }
            let (first, last) = elf.span();
            let range = first.wrapping_add(bias)..last.wrapping_add(bias);
            let has_code = mm.vmas.range(range).any(|(_, v)| {
                v.prot & EXEC != 0 && matches!(&v.backing, Backing::File(f, _) if f.path.as_ref().is_some_and(|p| p.same(path)))
            });
            if has_code {
                let dynamic = elf.dynamic.map_or(0, |d| d.wrapping_add(bias));
                out.push(Image {
                    path: path.to_bytes(&self.mounts.root()),
                    bias,
                    dynamic,
                    span: elf.placed(bias),
                });
            }
        }
        out
    }

    /// The headers of an ELF file whose beginning is mapped at `start`, and what was added to its addresses.
    fn elf_at(&self, view: View, start: u64, len: u64) -> Option<(Elf, u64)> {
        let mut head = vec![0; len.min(HEAD) as usize];
        self.peek_in(view, start, &mut head).ok()?;
        let header = Elf::header(&head).ok()?;
        let at = usize::try_from(header.phoff).ok()?;
        let table = head.get(at..at + usize::from(header.phnum) * crate::exec::elf::PHENT)?;
        let elf = Elf::parse(header, table).ok()?;
        let bias = start.wrapping_sub(elf.span().0 & !(PAGE - 1));
        Some((elf, bias))
    }

    /// `[start, end)` of a task's memory is about to go: code in it is an image that goes.
    pub(crate) fn code_goes(&mut self, mm: &Mm, start: u64, end: u64) {
        self.debug.breakpoints.leave(mm.view, start, end);
        if self.debug.attached && mm.vmas.range(..end).any(|(_, v)| v.end > start && v.prot & EXEC != 0) {
            self.images_changed();
        }
    }
}
