//! `qGetTLSAddr`: where a thread's own copy of a `__thread` variable is (`print errno`).
//!
//! A library keeps the number of each image's thread-local storage in its list of images, and a thread a vector of addresses
//! by that number (ELF Handling For Thread-Local Storage, section 3). Nothing of the library's private layout is known here
//! but the order of a few fields: in glibc and musl alike the image's address and size stand side by side, and the number soon
//! after. A program that was linked statically has one image, number 1.

use super::{INVALID, NO_MEMORY, NO_TASK};
use crate::filter::{number, thread};
use crate::gdb::Target;
use llano_kernel::mm::Image;

const PT_TLS: u64 = 7;
const DT_DEBUG: u64 = 21;

/// As many bytes of a library's record of an image are looked at, ...
const RECORD: usize = 2048;
/// ... and as many records.
const RECORDS: usize = 4096;

pub(super) fn answer(target: &mut Target, packet: &[u8]) -> Option<Vec<u8>> {
    let rest = packet.strip_prefix(b"qGetTLSAddr:")?;
    let mut parts = rest.split(|b| *b == b',');
    let tid = parts.next().and_then(thread).flatten();
    let (offset, map) = (parts.next().and_then(number), parts.next().and_then(number));
    let (Some(tid), Some(offset), Some(map)) = (tid, offset, map) else { return Some(INVALID.to_vec()) };
    Some(match address(target, tid, map) {
        Ok(base) => format!("{:x}", base.wrapping_add(offset)).into_bytes(),
        Err(reply) => reply.to_vec(),
    })
}

/// What an ELF file says of its thread-local storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    vaddr: u64,
    file_size: u64,
    align: u64,
}

/// Whose records they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Library {
    Glibc,
    Musl,
}

/// What a library says of an image's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Module {
    id: u64,
    /// How far below the thread's pointer it is, if it is at the same place for all threads.
    offset: Option<u64>,
}

/// Where the thread has the storage of an image: that of its own process, if gdb named another's.
fn address(target: &mut Target, tid: i32, map: u64) -> Result<u64, &'static [u8]> {
    let at = usize::try_from(map / 16).ok().and_then(|n| n.checked_sub(1)).ok_or(INVALID)?;
    let named = target.listed.borrow().get(at).cloned().ok_or(INVALID)?;
    let task = target.ask(move |k| {
        let task = k.tables.task_mut(tid)?;
        Some((task.pid, task.ctx.fs_base()))
    });
    let (pid, thread) = task.ok().flatten().ok_or(NO_TASK)?;
    let images = target.ask(move |k| k.images()).map_err(|_| NO_TASK)?;
    // Processes that share their memory are listed as one.
    let is_named = |i: &Image| i.path == named.path && i.bias == named.bias;
    let lister = || images.iter().find(|(_, i)| is_named(i)).map(|(p, _)| *p);
    let listed = images.iter().any(|(p, _)| *p == pid);
    let owner = if listed { pid } else { lister().ok_or(INVALID)? };
    let own: Vec<Image> = images.into_iter().filter(|(p, _)| *p == owner).map(|(_, i)| i).collect();
    let same = || own.iter().find(|i| i.path == named.path);
    let image = own.iter().find(|i| is_named(i)).or_else(same).ok_or(INVALID)?;
    let program = own.first().ok_or(INVALID)?;
    let segment = segment(target, &image.path).ok_or(INVALID)?;
    let record = record(target, tid, program, image);
    let library = library(target, tid, thread).ok_or(NO_MEMORY)?;
    let module = match record.and_then(|at| target.read(tid, at, RECORD)) {
        Some(record) => module(&record, library, image, segment).ok_or(NO_MEMORY)?,
        None => Module { id: 1, offset: None },
    };
    slot(target, tid, thread, library, module).ok_or(NO_MEMORY)
}

/// Looks at an image's program headers.
fn segment(target: &Target, path: &[u8]) -> Option<Segment> {
    let path = path.to_vec();
    let read = target.ask(move |k| {
        let (file, _) = k.tool_open(&path).ok()?;
        let head = k.tool_read(file, 0, 64).ok().and_then(|head| {
            let (phoff, count) = (word(&head, 32)?, u16::from_le_bytes([*head.get(56)?, *head.get(57)?]));
            k.tool_read(file, phoff, 56 * usize::from(count)).ok()
        });
        let _ = k.tool_close(file);
        head
    });
    let headers = read.ok().flatten()?;
    let header = headers.chunks_exact(56).find(|h| word(h, 0).is_some_and(|w| w & 0xffff_ffff == PT_TLS))?;
    Some(Segment { vaddr: word(header, 16)?, file_size: word(header, 32)?, align: word(header, 48)? })
}

/// The loader's record of an image: `struct link_map` (<link.h>), found by the address of its dynamic section.
fn record(target: &mut Target, tid: i32, program: &Image, image: &Image) -> Option<u64> {
    let debug = (0..256).find_map(|n| {
        let entry = target.read(tid, program.dynamic.checked_add(16 * n)?, 16)?;
        (word(&entry, 0)? == DT_DEBUG).then(|| word(&entry, 8))?
    });
    let mut at = fetch(target, tid, debug.filter(|d| *d != 0)?.checked_add(8)?)?;
    for _ in 0..RECORDS {
        if at == 0 {
            return None;
        }
        let entry = target.read(tid, at, 32)?;
        if word(&entry, 16)? == image.dynamic {
            return Some(at);
        }
        at = word(&entry, 24)?;
    }
    None
}

/// Finds what a record says of the image's storage.
fn module(record: &[u8], library: Library, image: &Image, segment: Segment) -> Option<Module> {
    let words: Vec<u64> = (0..record.len() / 8).filter_map(|n| word(record, 8 * n)).collect();
    let start = image.bias.wrapping_add(segment.vaddr);
    let fits = |w: &[u64]| w[0] == start && w[1] == segment.file_size && w[3] == segment.align.max(1);
    let found = words.windows(7).find(|w| fits(w))?;
    // Behind address, size, size in memory and alignment musl has the distance and the number; glibc the offset of the first
    // byte, the distance (0 or -1: there is none), the number.
    Some(match library {
        Library::Musl => Module { id: found[5], offset: Some(found[4]) },
        Library::Glibc => {
            Module { id: found[6], offset: Some(found[5]).filter(|o| ![0, u64::MAX].contains(o)) }
        }
    })
}

/// Whose thread it is: musl keeps its threads in a ring, whose links stand where glibc has small numbers.
fn library(target: &mut Target, tid: i32, thread: u64) -> Option<Library> {
    let next = fetch(target, tid, thread.checked_add(24)?)?;
    let ring = next != 0 && fetch(target, tid, next) == Some(next);
    Some(if ring { Library::Musl } else { Library::Glibc })
}

/// The thread's copy, by its vector of addresses. Its entries have one word in musl and two in glibc; how many there are
/// stands in the first, and before it.
fn slot(target: &mut Target, tid: i32, thread: u64, library: Library, module: Module) -> Option<u64> {
    let vector = fetch(target, tid, thread.checked_add(8)?)?;
    let (size, count) = match library {
        Library::Musl => (8, vector),
        Library::Glibc => (16, vector.checked_sub(16)?),
    };
    let static_copy = module.offset.map(|offset| thread.wrapping_sub(offset));
    if module.id > fetch(target, tid, count)? {
        return static_copy;
    }
    // -1: this thread has not used it yet.
    match fetch(target, tid, vector.checked_add(module.id.checked_mul(size)?)?)? {
        0 | u64::MAX => static_copy,
        copy => Some(copy),
    }
}

fn fetch(target: &mut Target, tid: i32, addr: u64) -> Option<u64> {
    word(&target.read(tid, addr, 8)?, 0)
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_both_libraries_are_understood() {
        let image = Image { path: Vec::new(), bias: 0x10000, dynamic: 0, span: (0, 0) };
        let segment = Segment { vaddr: 0x3000, file_size: 4, align: 8 };
        let record = |words: &[u64]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
        let glibc = record(&[7, 0x13000, 4, 12, 8, 0, 16, 1, 9]);
        assert_eq!(module(&glibc, Library::Glibc, &image, segment), Some(Module { id: 1, offset: Some(16) }));
        let late = record(&[7, 0x13000, 4, 12, 8, 0, u64::MAX, 3, 9]);
        assert_eq!(module(&late, Library::Glibc, &image, segment), Some(Module { id: 3, offset: None }));
        let musl = record(&[7, 0x13000, 4, 16, 8, 48, 2, 0x7000_0000, 9]);
        assert_eq!(module(&musl, Library::Musl, &image, segment), Some(Module { id: 2, offset: Some(48) }));
        assert_eq!(module(&record(&[0; 40]), Library::Glibc, &image, segment), None);
    }
}
