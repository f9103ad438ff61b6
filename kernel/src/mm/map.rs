//! mmap, munmap, mprotect and mremap on an [`Mm`]: the bookkeeping, and the host's pages behind it.

use super::space::{AddressSpace, Place};
use super::vma::{AtFork, Backing, Vma};
use super::{Mm, PAGE};
use crate::error::{Errno, Result, fault, host};
use crate::fs::file::{File, MapRequest};
use alloc::vec::Vec;
use llano_machine::space as pages;
use llano_machine::space::Sharing;
use llano_machine::{clock, overlay, patch, usermem};

/// Rounds up to whole pages; `None` on overflow.
pub fn page_up(len: u64) -> Option<u64> {
    len.checked_next_multiple_of(PAGE)
}

/// Puts pages for `vma` in place; the range is the caller's.
fn populate(vma: &Vma) -> Result<()> {
    let len = vma.end - vma.start;
    match &vma.backing {
        Backing::Anonymous => pages::map_anon(vma.start, len, vma.prot).map_err(host),
        Backing::File(file, offset) => {
            let text = text(vma, *offset);
            if let Some(text) = &text
                && patch::map_text(text, vma.prot).map_err(host)?
            {
                return Ok(());
            }
            let request =
                MapRequest { addr: vma.start, len, prot: vma.prot, sharing: vma.sharing, offset: *offset };
            let backed = file.ops().map(file, &request)?;
            if backed < len {
                // Beyond the end of the file: a fault there is SIGBUS, see `Mm::extend_file`.
                pages::unmap(vma.start + backed, len - backed).map_err(host)?;
            } else if let Some(text) = &text {
                patch::note_text(text);
            }
            Ok(())
        }
    }
}

const CLOCK_REALTIME: i32 = 0;
/// A file that changed so recently may change again within the same tick of its clock, and nobody could tell.
const SETTLED_NS: i64 = 2_000_000_000;

/// What a view is for patching: code of a file that nobody may write.
fn text(vma: &Vma, offset: u64) -> Option<patch::Text> {
    let code = vma.prot & (pages::EXEC | pages::WRITE) == pages::EXEC && vma.sharing == Sharing::Private;
    let Backing::File(file, _) = &vma.backing else { return None };
    if !patch::on() || !code {
        return None;
    }
    Some(patch::Text { file: contents(file)?, offset, start: vma.start, len: vma.end - vma.start })
}

/// What a file contains now, if that can be told from what it will contain next.
pub(super) fn contents(file: &File) -> Option<patch::File> {
    let attr = file.path.as_ref()?.inode().attr().ok()?;
    let now = clock::read(CLOCK_REALTIME)? as i64;
    let settled = now.saturating_sub(attr.ctime) >= SETTLED_NS;
    settled.then_some(patch::File { id: (attr.dev, attr.ino), size: attr.size, ctime: attr.ctime })
}

/// Makes `moved` what a view at `old` is: that one's pages are seen by others too, so what was written is copied.
fn copy_pages(moved: &Vma, old: u64) -> Result<()> {
    patch::restore(old, moved.end - moved.start);
    populate(&Vma { prot: pages::READ | pages::WRITE, ..moved.clone() })?;
    if moved.sharing == Sharing::Private {
        for part in overlay::written(old, old + (moved.end - moved.start)) {
            let (to, len) = (moved.start + (part.start - old), (part.end - part.start) as usize);
            usermem::copy_within(to, part.start, len).map_err(fault)?;
        }
    }
    pages::protect(moved.start, moved.end - moved.start, moved.prot).map_err(host)
}

impl Mm {
    /// Maps at a place of the kernel's choice.
    pub fn map(
        &mut self,
        space: &mut AddressSpace,
        len: u64,
        place: Place,
        make: impl Fn(u64) -> Vma,
    ) -> Result<u64> {
        if place == Place::High
            && let Some(at) = space.kept_block(&make(0))
        {
            self.insert(make(at));
            return Ok(at);
        }
        let at = space.alloc(len, PAGE, place).ok_or(Errno::ENOMEM)?;
        let vma = make(at);
        if let Err(e) = populate(&vma) {
            let _ = pages::unmap(at, len);
            space.give(at, len);
            return Err(e);
        }
        self.insert(vma);
        Ok(at)
    }

    /// Whether this mm has a view in `[start, end)`.
    pub fn overlaps(&self, start: u64, end: u64) -> bool {
        self.vmas.range(..end).next_back().is_some_and(|(_, v)| v.end > start)
    }

    /// The parts of `[start, end)` that this mm has no claim on.
    pub fn unclaimed(&self, start: u64, end: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut at = start;
        for v in self.vmas.range(..end).map(|(_, v)| v).filter(|v| v.end > start) {
            if v.start > at {
                gaps.push((at, v.start));
            }
            at = at.max(v.end);
        }
        if at < end {
            gaps.push((at, end));
        }
        gaps.into_iter().flat_map(|(s, e)| self.outside(s, e)).collect()
    }

    /// Maps at exactly `vma.start`, replacing this mm's own views there (`MAP_FIXED`). What others have there must have
    /// been declared contested (`Kernel::contest`).
    pub fn map_fixed(&mut self, space: &mut AddressSpace, vma: Vma) -> Result<()> {
        let (start, end) = (vma.start, vma.end);
        for (s, e) in self.unclaimed(start, end) {
            space.claim(s, e - s);
        }
        populate(&vma)?;
        self.cut(start, end);
        self.insert(vma);
        Ok(())
    }

    /// A view of pages that are in place already, in a range that is reserved for this mm.
    pub fn adopt(&mut self, vma: Vma) {
        self.insert(vma);
    }

    /// Removes views (or parts) in `[start, end)` from the books only; returns the parts.
    fn cut(&mut self, start: u64, end: u64) -> Vec<Vma> {
        let hit: Vec<u64> = self.vmas.range(..end).filter(|(_, v)| v.end > start).map(|(s, _)| *s).collect();
        let mut out = Vec::new();
        for key in hit {
            let Some(v) = self.vmas.remove(&key) else { continue };
            if v.start < start {
                let left = v.slice(v.start, start);
                self.vmas.insert(left.start, left);
            }
            if v.end > end {
                let right = v.slice(end, v.end);
                self.vmas.insert(right.start, right);
            }
            out.push(v.slice(start, end));
        }
        out
    }

    /// Adds a view, joined with its neighbours where they continue each other.
    fn insert(&mut self, mut vma: Vma) {
        if let Some((&s, prev)) = self.vmas.range(..vma.start).next_back()
            && prev.joins(&vma)
        {
            let joined = Vma { end: vma.end, ..prev.clone() };
            self.vmas.remove(&s);
            vma = joined;
        }
        if let Some(next) = self.vmas.get(&vma.end)
            && vma.joins(next)
        {
            let end = next.end;
            self.vmas.remove(&vma.end);
            vma.end = end;
        }
        self.vmas.insert(vma.start, vma);
    }

    /// munmap: gives back what this mm has in `[start, end)`; holes are fine.
    pub fn unmap(&mut self, space: &mut AddressSpace, start: u64, end: u64) -> Result<()> {
        for part in self.cut(start, end) {
            if self.outside(part.start, part.end) == [(part.start, part.end)] && space.keep_block(&part) {
                continue;
            }
            pages::unmap(part.start, part.end - part.start).map_err(host)?;
            for (start, end) in self.outside(part.start, part.end) {
                space.give(start, end - start);
            }
        }
        Ok(())
    }

    /// Whether views cover `[start, end)` without a hole.
    pub fn covers(&self, start: u64, end: u64) -> bool {
        let mut at = start;
        while at < end {
            match self.find(at) {
                Some(v) => at = v.end,
                None => return false,
            }
        }
        true
    }

    /// mprotect: `ENOMEM` for a hole (after what lies before it was changed), `EACCES` for a shared map of a file not
    /// opened for writing.
    pub fn protect(&mut self, start: u64, end: u64, prot: i32) -> Result<()> {
        let parts: Vec<Vma> = self
            .vmas
            .range(..end)
            .map(|(_, v)| v)
            .filter(|v| v.end > start)
            .map(|v| v.slice(start, end))
            .collect();
        let mut at = start;
        for mut part in parts {
            if part.start > at {
                return Err(Errno::ENOMEM);
            }
            at = part.end;
            if let Backing::File(file, _) = &part.backing
                && part.sharing == Sharing::Shared
                && prot & pages::WRITE != 0
                && !file.writable()
            {
                return Err(Errno::EACCES);
            }
            let backed = self.backed(&part);
            if backed > 0 {
                pages::protect(part.start, backed, prot).map_err(host)?;
            }
            self.cut(part.start, part.end);
            part.prot = prot;
            self.insert(part);
        }
        if at < end { Err(Errno::ENOMEM) } else { Ok(()) }
    }

    /// What a child gets of `[start, end)`: of anonymous memory, or `EINVAL`, if it is to be zeroes.
    pub fn set_at_fork(&mut self, start: u64, end: u64, at_fork: AtFork) -> Result<()> {
        let hit = self.vmas.range(..end).map(|(_, v)| v).filter(|v| v.end > start);
        let anonymous = |v: &Vma| matches!(v.backing, Backing::Anonymous) && v.sharing == Sharing::Private;
        if at_fork == AtFork::Wipe && !hit.clone().all(anonymous) {
            return Err(Errno::EINVAL);
        }
        for mut part in self.cut(start, end) {
            part.at_fork = at_fork;
            self.insert(part);
        }
        Ok(())
    }

    /// How much of a view has pages: for files in RAM, what lies beyond the end has none.
    fn backed(&self, vma: &Vma) -> u64 {
        let len = vma.end - vma.start;
        match &vma.backing {
            Backing::Anonymous => len,
            Backing::File(file, offset) => match file.ops().seek() {
                crate::fs::file::Seek::Bytes(size) => {
                    size.saturating_sub(*offset).checked_next_multiple_of(PAGE).map_or(len, |n| n.min(len))
                }
                _ => len,
            },
        }
    }

    /// The file behind a view grew: maps pages that were beyond its end. Returns whether `addr` has a page now.
    pub fn extend_file(&mut self, addr: u64) -> bool {
        let Some(vma) = self.find(addr) else { return false };
        let page = addr & !(PAGE - 1);
        let part = vma.slice(page, page + PAGE);
        matches!(part.backing, Backing::File(..)) && self.backed(&part) == PAGE && populate(&part).is_ok()
    }

    /// Whether a file is mapped.
    pub fn maps(&self, same: impl Fn(&crate::fs::file::File) -> bool) -> bool {
        self.vmas.values().any(|v| matches!(&v.backing, Backing::File(file, _) if same(file)))
    }

    /// Takes pages away from views of `file` that lie beyond `size` bytes (it was truncated): touching them is SIGBUS.
    pub fn cut_file(&mut self, same: impl Fn(&crate::fs::file::File) -> bool, size: u64) {
        let end_of_file = size.next_multiple_of(PAGE);
        for v in self.vmas.values() {
            if let Backing::File(file, offset) = &v.backing
                && same(file)
                && offset + (v.end - v.start) > end_of_file
            {
                let from = v.start + end_of_file.saturating_sub(*offset);
                let _ = pages::unmap(from, v.end - from);
            }
        }
    }

    /// mremap: see the man page. `fixed`: the new address, else the kernel chooses if it may move.
    pub fn remap(
        &mut self,
        space: &mut AddressSpace,
        old: u64,
        old_len: u64,
        new_len: u64,
        may_move: bool,
        fixed: Option<u64>,
    ) -> Result<u64> {
        let vma = self.find(old).cloned().ok_or(Errno::EFAULT)?;
        if old + old_len > vma.end {
            return Err(Errno::EFAULT);
        }
        if let Some(to) = fixed {
            if to < old + old_len && old < to + new_len {
                return Err(Errno::EINVAL);
            }
            return self.move_to(space, &vma, old, old_len, to, new_len, true);
        }
        if new_len <= old_len {
            self.unmap(space, old + new_len, old + old_len)?;
            return Ok(old);
        }
        let grown = Vma { end: old + new_len, ..vma.slice(old, old + old_len) };
        if old + old_len == vma.end && space.take(vma.end, new_len - old_len) {
            let tail = grown.slice(old + old_len, old + new_len);
            if let Err(e) = populate(&tail) {
                space.give(tail.start, tail.end - tail.start);
                return Err(e);
            }
            self.insert(tail);
            return Ok(old);
        }
        if !may_move {
            return Err(Errno::ENOMEM);
        }
        let to = space.alloc(new_len, PAGE, Place::High).ok_or(Errno::ENOMEM)?;
        self.move_to(space, &vma, old, old_len, to, new_len, false).inspect_err(|_| space.give(to, new_len))
    }

    #[allow(clippy::too_many_arguments)]
    fn move_to(
        &mut self,
        space: &mut AddressSpace,
        vma: &Vma,
        old: u64,
        old_len: u64,
        to: u64,
        new_len: u64,
        claim: bool,
    ) -> Result<u64> {
        let mut moved = vma.slice(old, old + old_len);
        (moved.start, moved.end) = (to, to + new_len);
        if claim {
            self.map_fixed(space, Vma { backing: Backing::Anonymous, ..moved.clone() })?;
            self.cut(to, to + new_len);
        }
        let keep = old_len.min(new_len);
        if overlay::common(old, old + keep) {
            copy_pages(&moved.slice(to, to + keep), old)?;
        } else {
            pages::move_pages(old, keep, to, keep).map_err(host)?;
        }
        if new_len > keep {
            populate(&moved.slice(to + keep, to + new_len))?;
        }
        self.unmap(space, old, old + old_len)?;
        self.insert(moved);
        Ok(to)
    }

    /// brk: the new end, or the old one if it cannot be had.
    pub fn set_brk(&mut self, end: u64) -> u64 {
        let (start, old, limit) = self.brk;
        if end < start || end > limit {
            return old;
        }
        let (from, to) = (old.next_multiple_of(PAGE), end.next_multiple_of(PAGE));
        let heap = |start, end| Vma {
            start,
            end,
            prot: pages::READ | pages::WRITE,
            sharing: Sharing::Private,
            backing: Backing::Anonymous,
            label: "[heap]",
            at_fork: AtFork::default(),
        };
        if to > from {
            if self.vmas.range(from..to).next().is_some() || pages::map_anon(from, to - from, 3).is_err() {
                return old;
            }
            self.insert(heap(from, to));
        } else if to < from {
            let _ = pages::unmap(to, from - to);
            self.cut(to, from);
        }
        self.brk.1 = end;
        end
    }
}
