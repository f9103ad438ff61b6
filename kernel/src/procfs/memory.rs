//! A process's memory: maps and smaps, statm's numbers, and the bytes themselves.

use super::{put, task};
use crate::error::{Errno, Result};
use crate::fs::procfs::Who;
use crate::kernel::Kernel;
use crate::mm::strict::shareable;
use crate::mm::{Backing, Mm, PAGE, Vma, seen_by};
use crate::oom::resident;
use crate::wait::Tid;
use alloc::vec;
use alloc::vec::Vec;
use llano_abi::stat::{major, minor};
use llano_machine::space::{self, Sharing};
use llano_machine::usermem;

/// Sizes in bytes.
#[derive(Default)]
pub(super) struct Sizes {
    pub(super) size: u64,
    pub(super) resident: u64,
    pub(super) shared: u64,
    pub(super) text: u64,
    pub(super) data: u64,
    pub(super) stack: u64,
}

/// What a process's memory amounts to; all zero for a zombie.
pub(super) fn sizes(k: &Kernel, who: Who) -> Sizes {
    let Ok(task) = task(k, who) else { return Sizes::default() };
    let mm = task.mm.borrow();
    let sum =
        |wanted: &dyn Fn(&Vma) -> bool| mm.vmas.values().filter(|v| wanted(v)).map(|v| v.end - v.start).sum();
    let size = mm.size();
    let resident = resident(&mm).min(size);
    let files: u64 = sum(&|v| matches!(v.backing, Backing::File(..)) && v.prot & space::WRITE == 0);
    Sizes {
        size,
        resident,
        shared: files.min(resident),
        text: sum(&|v| v.prot & space::EXEC != 0),
        data: sum(&|v| v.prot & space::WRITE != 0 && v.sharing == Sharing::Private),
        stack: mm.stack.1.saturating_sub(mm.stack.0),
    }
}

fn head(k: &Kernel, caller: Tid, out: &mut Vec<u8>, vma: &Vma) {
    let bit = |bit, c| if vma.prot & bit != 0 { c } else { '-' };
    let shared = k.space.sharing_letter(vma);
    let start = out.len();
    let (r, w, x) = (bit(space::READ, 'r'), bit(space::WRITE, 'w'), bit(space::EXEC, 'x'));
    let (mut offset, mut dev, mut ino, mut name) = (0, 0, 0, vma.label.as_bytes().to_vec());
    if let Backing::File(file, at) = &vma.backing {
        offset = *at;
        let attr = match &file.path {
            Some(path) => {
                name = path.to_bytes(&k.task(caller).fs.borrow().root);
                path.inode().attr().unwrap_or_default()
            }
            None => {
                name = file.ops().label().into_bytes();
                file.ops().attr()
            }
        };
        (dev, ino) = (attr.dev, attr.ino);
    }
    put!(out, "{:08x}-{:08x} {r}{w}{x}{shared} {offset:08x} ", vma.start, vma.end);
    put!(out, "{:02x}:{:02x} {ino} ", major(dev), minor(dev));
    if !name.is_empty() {
        // Names stand below each other.
        let width = out.len() - start;
        out.extend(core::iter::repeat_n(b' ', 73usize.saturating_sub(width)));
        out.extend_from_slice(&name);
    }
    out.push(b'\n');
}

/// maps.
pub(super) fn maps(k: &Kernel, caller: Tid, who: Who) -> Vec<u8> {
    let mut out = Vec::new();
    if let Ok(task) = task(k, who) {
        for vma in task.mm.borrow().vmas.values() {
            head(k, caller, &mut out, vma);
        }
    }
    out
}

/// What status tells of memory without an MMU: bytes of regions that are the process's own and of others, and how much
/// the last one could grow (`task_mem`).
pub(super) fn without_mmu(k: &Kernel, who: Who, out: &mut Vec<u8>) {
    let (Ok(task), Some(strict)) = (task(k, who), &k.space.strict) else { return };
    let (mut own, mut slack, mut shared) = (0, 0, 0);
    for vma in task.mm.borrow().vmas.values() {
        let Some(region) = strict.region(vma.start) else { continue };
        let size = region.made.end - region.made.start;
        if shareable(vma) {
            shared += size;
        } else {
            own += size;
            slack = region.made.end - vma.end;
        }
    }
    put!(out, "Mem:\t{own:8} bytes\nSlack:\t{slack:8} bytes\nShared:\t{shared:8} bytes\n");
}

/// /proc/maps of a system without an MMU: all regions, whoever has a view of them.
pub(super) fn regions(k: &Kernel, caller: Tid) -> Vec<u8> {
    let mut out = Vec::new();
    for region in k.space.strict.iter().flat_map(|s| s.regions()) {
        head(k, caller, &mut out, &region.made);
    }
    out
}

/// smaps: size and residency of each map.
pub(super) fn smaps(k: &Kernel, caller: Tid, who: Who) -> Vec<u8> {
    let mut out = Vec::new();
    let Ok(task) = task(k, who) else { return out };
    for vma in task.mm.borrow().vmas.values() {
        head(k, caller, &mut out, vma);
        let size = (vma.end - vma.start) / 1024;
        let mut one = Mm::default();
        one.vmas.insert(vma.start, vma.clone());
        let rss = resident(&one) / 1024;
        put!(out, "Size:           {size:8} kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n");
        put!(out, "Rss:            {rss:8} kB\nPss:            {rss:8} kB\n");
    }
    out
}

/// Reads from memory; `EIO` where there is none.
pub(super) fn read(k: &Kernel, who: Who, at: u64, len: usize) -> Result<Vec<u8>> {
    let len = part(k, who, at, len)?;
    let mut buf = vec![0; len];
    let view = task(k, who)?.view;
    let copied = seen_by(view, || {
        let n = usermem::copy_in_some(at, &mut buf);
        k.show_original(view, at, &mut buf);
        n
    });
    match copied {
        Ok(n) if n > 0 => {
            buf.truncate(n);
            Ok(buf)
        }
        _ => Err(Errno::EIO),
    }
}

/// Writes to memory, also where the program itself may not; `EIO` where there is none.
pub(super) fn write(k: &Kernel, who: Who, at: u64, bytes: &[u8]) -> Result<usize> {
    let len = part(k, who, at, bytes.len())?;
    let vma = task(k, who)?.mm.borrow().find(at).cloned().ok_or(Errno::EIO)?;
    seen_by(task(k, who)?.view, || store(&vma, at, &bytes[..len]))
}

/// Writes to the memory in place, which `vma` describes.
fn store(vma: &Vma, at: u64, bytes: &[u8]) -> Result<usize> {
    match usermem::copy_out_some(at, bytes) {
        Ok(n) if n > 0 => return Ok(n),
        _ => {}
    }
    if vma.sharing == Sharing::Shared {
        return Err(Errno::EIO);
    }
    // One page: its protection is lifted for the moment.
    let page = at - at % PAGE;
    let len = bytes.len().min((page + PAGE - at) as usize);
    let protect = |prot| space::protect(page, PAGE, prot).map_err(|_| Errno::EIO);
    protect(space::READ | space::WRITE)?;
    let written = usermem::copy_out_some(at, &bytes[..len]);
    protect(vma.prot)?;
    written.map_err(|_| Errno::EIO)
}

/// How many bytes at `at` are this process's, up to `len`.
fn part(k: &Kernel, who: Who, at: u64, len: usize) -> Result<usize> {
    let mm = task(k, who)?.mm.clone();
    let mm = mm.borrow();
    let vma = mm.find(at).ok_or(Errno::EIO)?;
    Ok(len.min((vma.end - at) as usize))
}
