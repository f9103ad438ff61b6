//! Memory as Linux has it on a machine without an MMU (`mm/nommu.c`): what `--strict-nommu` puts in place of
//! [`super::map`].
//!
//! RAM is one window: readable, writable and executable throughout, whoever owns what, and nothing else is there. A
//! [`Region`] is a run of it that was allocated: aligned and rounded to a power of two as the buddy allocator does it, then
//! trimmed. A vma is one mm's view of a region or of a part of it; a view of a file is a copy that was read when it was
//! mapped, but for files of ramfs and tmpfs, whose own pages can be seen ([`Region::direct`]).
//!
//! One thing is finer than on a board: where Linux caps a block at CONFIG_ARCH_FORCE_MAX_ORDER, here RAM itself is the cap.

use super::map::page_up;
use super::space::{AddressSpace, Place};
use super::{Backing, Mm, PAGE, Vma};
use crate::error::{Errno, Result, host};
use crate::fs::file::{File, MapRequest, Seek};
use crate::fs::inode::mode;
use crate::fs::mount::flag;
use crate::fs::path::same_file;
use crate::user::{Dst, UserIov};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use llano_machine::overlay::{self, View};
use llano_machine::space::{self as pages, EXEC, READ, Sharing, WRITE, Windows};

/// What nothing protects: any byte of RAM.
pub const RAM: i32 = READ | WRITE | EXEC;
/// The stack of a program that names no size and without `--stack`, bytes (`binfmt_elf_fdpic.c`).
pub const STACK: u64 = 128 << 10;
/// Device number of /dev/zero.
const ZERO: u64 = 0x105;

/// A run of RAM that was allocated.
#[derive(Debug)]
pub struct Region {
    /// What it was made for; a later vma may be a part of it.
    pub made: Vma,
    /// One past the last byte that was allocated: behind `made.end` lies what rounding cost.
    pub top: u64,
    /// The pages are the file's own, not a copy.
    pub direct: bool,
    /// Its vmas: whose, and where they start.
    users: Vec<(View, u64)>,
}

/// The state of `--strict-nommu`.
#[derive(Debug)]
pub struct Strict {
    /// `vm.nr_trim_pages`: so many pages more than asked for, or more, go back; 0: none do.
    pub trim_pages: u64,
    /// Bytes of stack for programs that name no size.
    pub stack: u64,
    /// Calls of mmap with MAP_FIXED.
    pub refused_fixed: u64,
    /// Programs linked to fixed addresses that were to be executed.
    pub refused_programs: u64,
    regions: BTreeMap<u64, Region>,
}

/// A wish for memory.
#[derive(Debug)]
pub struct Request {
    /// Bytes, whole pages.
    pub len: u64,
    /// What /proc/PID/maps shows of it; it protects nothing.
    pub prot: i32,
    /// Shared maps of files need pages of the file's own.
    pub sharing: Sharing,
    /// The file to read, and from where (page-aligned).
    pub file: Option<(Rc<File>, u64)>,
}

impl Request {
    /// Memory of its own.
    pub fn anonymous(len: u64, prot: i32) -> Request {
        Request { len, prot, sharing: Sharing::Private, file: None }
    }

    fn vma(&self, at: u64) -> Vma {
        let (sharing, backing) = match &self.file {
            Some((file, offset)) => (self.sharing, Backing::File(file.clone(), *offset)),
            // There is nobody to share it with.
            None => (Sharing::Private, Backing::Anonymous),
        };
        Vma::new(at, at + self.len, self.prot, sharing, backing)
    }
}

impl Strict {
    /// Makes the high window RAM and takes the low one away.
    ///
    /// # Errors
    /// What the host said to memory that is writable and executable.
    pub fn new(windows: &mut Windows, stack: u64) -> Result<Box<Strict>> {
        let (start, end) = windows.high;
        windows.low = (0, 0);
        pages::map_anon(start, end - start, RAM).map_err(host)?;
        Ok(Box::new(Strict {
            trim_pages: 1,
            stack,
            refused_fixed: 0,
            refused_programs: 0,
            regions: BTreeMap::new(),
        }))
    }

    /// The region that holds `addr`.
    pub fn region(&self, addr: u64) -> Option<&Region> {
        self.regions.range(..=addr).next_back().map(|(_, r)| r).filter(|r| addr < r.top)
    }

    /// All regions, by address (/proc/maps).
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.values()
    }
}

/// Whether the file's own pages may be seen (NOMMU_MAP_DIRECT), if it can be mapped this way at all
/// (`validate_mmap_request`).
///
/// # Errors
/// `ENODEV`: not mappable, or a shared map of what does not live in RAM; `EACCES`; `EPERM`: executable, on a noexec mount.
pub fn capability(file: &File, sharing: Sharing, prot: i32) -> Result<bool> {
    let path = file.path.as_ref().ok_or(Errno::ENODEV)?;
    let attr = path.inode().attr()?;
    let in_ram = matches!(path.mount.fs_type, "tmpfs" | "ramfs");
    let mappable = match attr.kind() {
        mode::REG => !matches!(path.mount.fs_type, "proc" | "sysfs"),
        mode::CHR => attr.rdev == ZERO,
        _ => false,
    };
    if !mappable {
        return Err(Errno::ENODEV);
    }
    let direct = in_ram && attr.kind() == mode::REG;
    if !file.readable() || sharing == Sharing::Shared && prot & WRITE != 0 && !file.writable() {
        return Err(Errno::EACCES);
    }
    if sharing == Sharing::Shared && !direct {
        return Err(Errno::ENODEV);
    }
    if prot & EXEC != 0 && path.mount.flags.get() & flag::NOEXEC != 0 {
        return Err(Errno::EPERM);
    }
    Ok(direct && (sharing == Sharing::Shared || prot & WRITE == 0))
}

/// Whether other mms may see the same pages (`is_nommu_shared_mapping`: VM_MAYSHARE, VM_MAYOVERLAY).
pub fn shareable(vma: &Vma) -> bool {
    matches!(vma.backing, Backing::File(..)) && (vma.sharing == Sharing::Shared || vma.prot & WRITE == 0)
}

fn same(a: &File, b: &File) -> bool {
    matches!((&a.path, &b.path), (Some(a), Some(b)) if same_file(a.inode(), b.inode()))
}

/// Bytes of the block that holds `len`: a power of two of pages.
fn block(len: u64) -> Option<u64> {
    len.checked_next_power_of_two().map(|b| b.max(PAGE))
}

impl AddressSpace {
    /// Who sees stores through a view, as /proc/PID/maps tells: a kernel without an MMU has its own letter.
    pub fn sharing_letter(&self, vma: &Vma) -> char {
        match vma.sharing {
            Sharing::Private => 'p',
            Sharing::Shared if self.strict.is_some() => 'S',
            Sharing::Shared => 's',
        }
    }

    fn strict(&mut self) -> &mut Strict {
        self.strict.as_mut().expect("only called under --strict-nommu")
    }

    /// Allocates zeroed memory; returns its start and its end, which may lie behind `len`.
    ///
    /// # Errors
    /// `ENOMEM`: there is no free block of that size.
    fn allocate(&mut self, len: u64, trim_pages: u64) -> Result<(u64, u64)> {
        let block = block(len).ok_or(Errno::ENOMEM)?;
        let at = self.alloc(block, block, Place::High).ok_or(Errno::ENOMEM)?;
        let excess = (block - len) / PAGE;
        let mut top = at + block;
        if trim_pages != 0 && excess >= trim_pages {
            top = at + len;
            self.give(top, block - len);
        }
        pages::map_anon(at, top - at, RAM).inspect_err(|_| self.give(at, top - at)).map_err(host)?;
        Ok((at, top))
    }

    /// Gives memory back: still RAM, but nobody's.
    fn vacate(&mut self, from: u64, to: u64) {
        if from < to {
            let _ = pages::map_anon(from, to - from, RAM);
            self.give(from, to - from);
        }
    }

    fn add_region(&mut self, user: (View, u64), made: Vma, top: u64, direct: bool) {
        self.strict().regions.insert(made.start, Region { made, top, direct, users: alloc::vec![user] });
    }

    /// Some vmas less in the region at `start`; without any it is freed.
    fn leave_region(&mut self, start: u64, leave: impl FnOnce(&mut Vec<(View, u64)>)) {
        let regions = &mut self.strict().regions;
        let Some(region) = regions.get_mut(&start) else { return };
        leave(&mut region.users);
        if region.users.is_empty() {
            let top = region.top;
            regions.remove(&start);
            self.vacate(start, top);
        }
    }

    /// The start of the region that holds `addr`.
    fn region_of(&mut self, addr: u64) -> Option<u64> {
        self.strict().region(addr).map(|r| r.made.start)
    }

    /// How many free blocks of each order there are, as /proc/buddyinfo tells: fragmentation.
    pub fn free_blocks(&self) -> Vec<u64> {
        let mut orders = alloc::vec![0; 11];
        for (mut at, len) in self.holes() {
            let end = at + len;
            while at < end {
                let fits = (end - at).ilog2();
                let order = (at.trailing_zeros().min(fits) - PAGE.ilog2()) as usize;
                if order >= orders.len() {
                    orders.resize(order + 1, 0);
                }
                orders[order] += 1;
                at += PAGE << order;
            }
        }
        orders
    }
}

/// mmap (`do_mmap`). `direct`: what [`capability`] said. Hints play no part.
///
/// # Errors
/// `ENOMEM`: no hole is large enough; `EINVAL`: a part of the range, but not all of it, is in somebody's read-only copy;
/// `ENODEV`: a shared map beyond the end of the file. Those of reading the file.
pub fn map(space: &mut AddressSpace, mm: &mut Mm, want: &Request, direct: bool) -> Result<u64> {
    let at = match &want.file {
        Some((file, offset)) if shareable(&want.vma(0)) => {
            let direct = direct && offset + want.len <= whole(file);
            match share(space, mm.view, want, file, *offset, direct)? {
                Some(at) => at,
                None if direct && !seen(space, file) => map_direct(space, mm.view, want, file, *offset)?,
                None if want.sharing == Sharing::Shared => return Err(Errno::ENODEV),
                None => copy(space, mm.view, want)?,
            }
        }
        _ => copy(space, mm.view, want)?,
    };
    let vma = want.vma(at);
    // A second view of the same place is the same view, or a part of it.
    if mm.vmas.get(&at).is_none_or(|old| old.end < vma.end) {
        mm.vmas.insert(at, vma);
    }
    Ok(at)
}

/// A region that holds what is wanted, whoever made it.
fn share(
    space: &mut AddressSpace,
    view: View,
    want: &Request,
    file: &File,
    offset: u64,
    direct: bool,
) -> Result<Option<u64>> {
    for region in space.strict().regions.values_mut() {
        let Backing::File(other, from) = &region.made.backing else { continue };
        let to = from + (region.made.end - region.made.start);
        if !shareable(&region.made) || *from >= offset + want.len || offset >= to || !same(other, file) {
            continue;
        }
        if offset >= *from && offset + want.len <= to && direct == region.direct {
            let at = region.made.start + (offset - from);
            region.users.push((view, at));
            return Ok(Some(at));
        }
        if !direct && !region.direct {
            return Err(Errno::EINVAL);
        }
    }
    Ok(None)
}

/// How much of a file in RAM has pages.
fn whole(file: &File) -> u64 {
    match file.ops().seek() {
        Seek::Bytes(size) => page_up(size).unwrap_or(0),
        _ => 0,
    }
}

/// Whether pages of the file are seen already: those that it got later do not lie behind them.
fn seen(space: &mut AddressSpace, file: &File) -> bool {
    let of_it = |r: &Region| r.direct && matches!(&r.made.backing, Backing::File(f, _) if same(f, file));
    space.strict().regions().any(of_it)
}

/// The file's own pages, all of them, in one run (`ramfs_nommu_get_unmapped_area`).
fn map_direct(
    space: &mut AddressSpace,
    view: View,
    want: &Request,
    file: &Rc<File>,
    offset: u64,
) -> Result<u64> {
    let len = whole(file);
    let (at, top) = space.allocate(len, 1)?;
    let request = MapRequest { addr: at, len, prot: RAM, sharing: Sharing::Shared, offset: 0 };
    match file.ops().map(file, &request) {
        Ok(backed) if backed == len => {}
        other => {
            space.vacate(at, top);
            return Err(other.err().unwrap_or(Errno::ENODEV));
        }
    }
    let mut made = want.vma(at);
    (made.end, made.backing) = (top, Backing::File(file.clone(), 0));
    space.add_region((view, at + offset), made, top, true);
    Ok(at + offset)
}

/// Memory of its own, with what the file holds now (`do_mmap_private`).
fn copy(space: &mut AddressSpace, view: View, want: &Request) -> Result<u64> {
    let trim = space.strict().trim_pages;
    let (at, top) = space.allocate(want.len, trim)?;
    if let Some((file, offset)) = &want.file
        && let Err(e) = read(file, at, want.len, *offset)
    {
        space.vacate(at, top);
        return Err(e);
    }
    space.add_region((view, at), want.vma(at), top, false);
    Ok(at)
}

/// Reads a file into memory; what lies behind its end stays zero.
pub fn read(file: &File, mut to: u64, len: u64, offset: u64) -> Result<()> {
    let (start, end) = (to, to + len);
    while to < end {
        let mut iov = UserIov::single(to, (end - to) as usize)?;
        match file.ops().read(file, &mut Dst::User(&mut iov), offset + (to - start))? {
            0 => break,
            n => to += n as u64,
        }
    }
    Ok(())
}

/// munmap (`do_munmap`): of a file only whole views, of anonymous memory any part of one.
///
/// # Errors
/// `EINVAL`: nothing is there, or not one view holds it all.
pub fn unmap(space: &mut AddressSpace, mm: &mut Mm, start: u64, end: u64) -> Result<()> {
    if mm.vmas.get(&start).is_some_and(|v| v.end == end) {
        erase(space, mm, start);
        return Ok(());
    }
    let mut hit = mm.vmas.range(..end).map(|(_, v)| v).filter(|v| v.end > start);
    let vma = hit.next().ok_or(Errno::EINVAL)?.clone();
    if matches!(vma.backing, Backing::File(..)) {
        let whole = core::iter::once(&vma).chain(hit).take_while(|v| start <= v.start).find(|v| v.end == end);
        let whole = whole.ok_or(Errno::EINVAL)?.start;
        erase(space, mm, whole);
    } else if start < vma.start || end > vma.end || !start.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL);
    } else {
        cut(space, mm, &vma, start, end);
    }
    Ok(())
}

fn erase(space: &mut AddressSpace, mm: &mut Mm, start: u64) {
    let Some(region) = space.region_of(start) else { return };
    let (mine, mut last) = ((mm.view, start), true);
    space.leave_region(region, |users| {
        if let Some(one) = users.iter().position(|u| *u == mine) {
            users.swap_remove(one);
        }
        last = !users.contains(&mine);
    });
    if last {
        mm.vmas.remove(&start);
    }
}

/// Takes a part out of an anonymous view, which has its region alone; what is left are regions of their own.
fn cut(space: &mut AddressSpace, mm: &mut Mm, vma: &Vma, start: u64, end: u64) {
    let Some(region) = space.strict().regions.remove(&vma.start) else { return };
    mm.vmas.remove(&vma.start);
    if start > vma.start {
        let left = vma.slice(vma.start, start);
        mm.vmas.insert(left.start, left.clone());
        space.add_region((mm.view, left.start), left, start, false);
    }
    let mut free_to = region.top;
    if end < vma.end {
        let right = vma.slice(end, vma.end);
        mm.vmas.insert(right.start, right);
        space.add_region((mm.view, end), region.made.slice(end, region.made.end), region.top, false);
        free_to = end;
    }
    space.vacate(start, free_to);
}

/// mremap (`do_mremap`): a whole view gets another size within its region; it never moves.
///
/// # Errors
/// `EINVAL`: not exactly one view; `EPERM`: a view that others may share; `ENOMEM`: larger than its region.
pub fn remap(space: &mut AddressSpace, mm: &mut Mm, old: u64, old_len: u64, new_len: u64) -> Result<u64> {
    let region = space.region_of(old).ok_or(Errno::EINVAL)?;
    let vma = mm.vmas.get_mut(&old).filter(|v| v.end - v.start == old_len).ok_or(Errno::EINVAL)?;
    if shareable(vma) {
        return Err(Errno::EPERM);
    }
    let made = &space.strict().regions[&region].made;
    if new_len > made.end - made.start {
        return Err(Errno::ENOMEM);
    }
    vma.end = old + new_len;
    Ok(old)
}

/// The mm ends (`exit_mmap`).
pub fn release(space: &mut AddressSpace, mm: &mut Mm) {
    let starts: Vec<u64> = space.strict().regions.keys().copied().collect();
    for start in starts {
        space.leave_region(start, |users| users.retain(|u| u.0 != mm.view));
    }
    let _ = overlay::drop_view(mm.view);
    *mm = Mm::default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_powers_of_two() {
        assert_eq!(block(PAGE), Some(PAGE));
        assert_eq!(block(3 * PAGE), Some(4 * PAGE));
        assert_eq!(block(1 << 63), Some(1 << 63));
        assert_eq!(block((1 << 63) + PAGE), None);
    }

    #[test]
    fn holes_are_counted_as_aligned_blocks() {
        let mut space = AddressSpace::new(&Windows { high: (0x10_0000, 0x11_0000), low: (0, 0) });
        let orders = |space: &AddressSpace| {
            let all = space.free_blocks();
            assert_eq!(all.len(), 11);
            (0..).zip(all).filter(|(_, n)| *n > 0).collect::<Vec<(u32, u64)>>()
        };
        assert_eq!(orders(&space), [(4, 1)]);
        assert!(space.take(0x10_3000, PAGE));
        // Pages 0-2, then 4-15: 2 + 1, then 4 + 8.
        assert_eq!(orders(&space), [(0, 1), (1, 1), (2, 1), (3, 1)]);
        assert!(space.take(0x10_f000, PAGE));
        assert_eq!(orders(&space), [(0, 2), (1, 2), (2, 2)]);
    }
}
