//! The blocks of the vCPU's heap: small ones, from size classes of powers of two.
//!
//! The arena is divided into chunks of 64 KiB, each cut into blocks of one class. A chunk knows its free blocks and how many
//! are out, so one that is empty again serves any class, and its pages go back to the host once a few such are at hand.

use crate::border::host;

/// Bytes of address space.
pub(crate) const ARENA: usize = 16 << 30;
const CHUNK: usize = 64 << 10;
const CHUNKS: usize = ARENA / CHUNK;
const CLASSES: usize = 12;
const SMALLEST: usize = 16;
/// The largest block; what is larger is not this heap's business.
pub(crate) const LARGEST: usize = SMALLEST << (CLASSES - 1);
/// Empty chunks that keep their pages, lest the next allocation fault them in again.
const WARM: usize = 16;
const NONE: u32 = u32::MAX;

/// A free block.
struct Free {
    next: *mut Free,
}

/// The book of one chunk, kept apart from it, so that an empty chunk has no page.
struct Chunk {
    /// Blocks that were given back.
    free: *mut Free,
    /// Where the blocks begin that were never out, in bytes from the chunk's start.
    fresh: u32,
    /// Blocks that are out.
    live: u32,
    /// Neighbours in the list of its class's chunks that have room, or (`next` alone) in that of cold ones.
    prev: u32,
    next: u32,
}

impl Chunk {
    fn is_full(&self) -> bool {
        self.free.is_null() && self.fresh == CHUNK as u32
    }
}

/// All chunks. Without an arena (before [`Chunks::init`], or when the host refused it) it has no block to give.
pub(crate) struct Chunks {
    base: *mut u8,
    books: *mut Chunk,
    /// For each class the first chunk with room.
    open: [u32; CLASSES],
    warm: [u32; WARM],
    warm_count: usize,
    /// The first empty chunk without pages.
    cold: u32,
    /// Chunks that were ever used.
    carved: u32,
}

/// The class that serves `size` bytes, at most [`LARGEST`].
#[inline]
pub(crate) fn class_of(size: usize) -> usize {
    (size.max(SMALLEST).next_power_of_two() / SMALLEST).trailing_zeros() as usize
}

impl Chunks {
    pub(crate) const fn new() -> Chunks {
        Chunks {
            base: core::ptr::null_mut(),
            books: core::ptr::null_mut(),
            open: [NONE; CLASSES],
            warm: [NONE; WARM],
            warm_count: 0,
            cold: NONE,
            carved: CHUNKS as u32,
        }
    }

    /// Reserves the arena; returns its start, or `None` if the host refuses.
    pub(crate) fn init(&mut self) -> Option<*mut u8> {
        let reserve = |len: usize| {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            // SAFETY: a fresh map at an address of the host's choice.
            let at = unsafe {
                host!(mmap)(core::ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
            };
            (at != libc::MAP_FAILED).then_some(at)
        };
        let books = reserve(CHUNKS * size_of::<Chunk>())?;
        self.base = reserve(ARENA)?.cast();
        self.books = books.cast();
        self.carved = 0;
        Some(self.base)
    }

    fn book(&mut self, at: u32) -> &mut Chunk {
        debug_assert!((at as usize) < CHUNKS);
        // SAFETY: the table holds a book for each chunk, zero pages at first, which are a valid `Chunk`; `at` is below
        // `CHUNKS`, as it comes from `carved` or from a block's place in the arena. The borrow is `self`'s.
        unsafe { &mut *self.books.add(at as usize) }
    }

    fn start(&self, at: u32) -> *mut u8 {
        self.base.wrapping_add(at as usize * CHUNK)
    }

    /// A block of the class, aligned to its size or to a page; null: the arena is used up.
    #[inline]
    pub(crate) fn take(&mut self, class: usize) -> *mut u8 {
        if self.open[class] == NONE && !self.open_one(class) {
            return core::ptr::null_mut();
        }
        let at = self.open[class];
        let start = self.start(at);
        let chunk = self.book(at);
        let block = if chunk.free.is_null() {
            let fresh = start.wrapping_add(chunk.fresh as usize);
            chunk.fresh += (SMALLEST << class) as u32;
            fresh
        } else {
            let head = chunk.free;
            // SAFETY: blocks on a list are free, aligned and at least 16 bytes; their first word is the link.
            chunk.free = unsafe { (*head).next };
            head.cast()
        };
        chunk.live += 1;
        if chunk.is_full() {
            self.unlink(at, class);
        }
        block
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// [`Chunks::take`] gave it for this class, and nobody uses it any more.
    #[inline]
    pub(crate) unsafe fn give(&mut self, block: *mut u8, class: usize) {
        let at = ((block as usize - self.base as usize) / CHUNK) as u32;
        let chunk = self.book(at);
        let was_full = chunk.is_full();
        let block: *mut Free = block.cast();
        // SAFETY: the block is free now and at least 16 bytes, aligned to 16.
        unsafe { (*block).next = chunk.free };
        chunk.free = block;
        chunk.live -= 1;
        let empty = chunk.live == 0;
        if was_full {
            self.link(at, class);
        }
        if empty {
            self.unlink(at, class);
            self.retire(at);
        }
    }

    #[cold]
    fn open_one(&mut self, class: usize) -> bool {
        let at = if self.warm_count > 0 {
            self.warm_count -= 1;
            self.warm[self.warm_count]
        } else if self.cold != NONE {
            let at = self.cold;
            self.cold = self.book(at).next;
            at
        } else if (self.carved as usize) < CHUNKS {
            self.carved += 1;
            self.carved - 1
        } else {
            return false;
        };
        *self.book(at) = Chunk { free: core::ptr::null_mut(), fresh: 0, live: 0, prev: NONE, next: NONE };
        self.link(at, class);
        true
    }

    fn link(&mut self, at: u32, class: usize) {
        let next = core::mem::replace(&mut self.open[class], at);
        let chunk = self.book(at);
        (chunk.prev, chunk.next) = (NONE, next);
        if next != NONE {
            self.book(next).prev = at;
        }
    }

    fn unlink(&mut self, at: u32, class: usize) {
        let (prev, next) = (self.book(at).prev, self.book(at).next);
        match prev {
            NONE => self.open[class] = next,
            prev => self.book(prev).next = next,
        }
        if next != NONE {
            self.book(next).prev = prev;
        }
    }

    /// A chunk without a block that is out, and on no list.
    #[cold]
    fn retire(&mut self, at: u32) {
        if self.warm_count < WARM {
            self.warm[self.warm_count] = at;
            self.warm_count += 1;
            return;
        }
        // SAFETY: all blocks of the chunk are free, so nobody looks at its bytes before they are written again. Should
        // the host refuse, the pages stay, and nothing else is lost.
        unsafe { host!(madvise)(self.start(at).cast(), CHUNK, libc::MADV_DONTNEED) };
        self.book(at).next = core::mem::replace(&mut self.cold, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resident(chunks: &Chunks, count: usize) -> usize {
        let mut pages = vec![0u8; count * CHUNK / crate::PAGE];
        // SAFETY: a mapped range, and a byte for each of its pages.
        assert_eq!(unsafe { libc::mincore(chunks.base.cast(), count * CHUNK, pages.as_mut_ptr()) }, 0);
        pages.iter().filter(|page| **page & 1 != 0).count() * crate::PAGE
    }

    #[test]
    fn blocks_are_apart_and_whole() {
        let mut chunks = Chunks::new();
        assert!(chunks.take(0).is_null());
        chunks.init().unwrap();
        let mut out: Vec<(usize, usize, u8)> = Vec::new();
        let mut seed = 1u64;
        for step in 0..60_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let dice = (seed >> 33) as usize;
            // Now more come than go, now more go.
            if out.is_empty() || dice % 100 < if step / 10_000 % 2 == 0 { 60 } else { 40 } {
                let class = (dice >> 8) % CLASSES;
                let block = chunks.take(class);
                assert_eq!(block as usize % (SMALLEST << class).min(crate::PAGE), 0);
                // SAFETY: the block is this test's, of the class's size.
                unsafe { block.write_bytes(step as u8, SMALLEST << class) };
                out.push((block as usize, class, step as u8));
            } else {
                let (block, class, mark) = out.swap_remove((dice >> 8) % out.len());
                let block = block as *mut u8;
                // SAFETY: as above; it was filled with `mark`, and is not used after it is given back.
                unsafe {
                    let bytes = core::slice::from_raw_parts(block, SMALLEST << class);
                    assert!(bytes.iter().all(|b| *b == mark));
                    chunks.give(block, class);
                }
            }
        }
    }

    #[test]
    fn what_is_free_serves_other_classes_and_returns_to_the_host() {
        let mut chunks = Chunks::new();
        chunks.init().unwrap();
        for class in [3, 0, 11] {
            let blocks: Vec<*mut u8> = (0..(8 << 20) / (SMALLEST << class))
                .map(|_| {
                    let block = chunks.take(class);
                    // SAFETY: the block is this test's.
                    unsafe { block.write_bytes(1, SMALLEST << class) };
                    block
                })
                .collect();
            assert_eq!(chunks.carved, 128);
            assert_eq!(resident(&chunks, 128), 8 << 20);
            for block in blocks {
                // SAFETY: it came from `take` and is not used again.
                unsafe { chunks.give(block, class) };
            }
            assert_eq!(resident(&chunks, 128), WARM * CHUNK);
        }
    }
}
