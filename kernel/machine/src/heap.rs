//! The vCPU's own allocator.
//!
//! A debugger may stop the vCPU anywhere, so it must share no lock with the other threads: allocations made on its
//! stack come from this heap, which only it enters; everyone else uses the system's. Which one is decided by the stack
//! pointer, because kernel code may run on a guest's FS base and then has no thread-local storage to ask.
//!
//! Small blocks come from size classes of powers of two (16 B to 32 KiB), carved from one sparse arena; larger ones are
//! the system's `mmap` directly. A block freed by another thread is handed back through a lock-free list.

use crate::border::host;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::alloc::System;

const ARENA: usize = 16 << 30;
const CLASSES: usize = 12;
const SMALLEST: usize = 16;
const LARGEST: usize = SMALLEST << (CLASSES - 1);
/// What is carved at once for a class, at least.
const CHUNK: usize = 64 << 10;

static STACK_LO: AtomicUsize = AtomicUsize::new(0);
static STACK_HI: AtomicUsize = AtomicUsize::new(0);
static ARENA_LO: AtomicUsize = AtomicUsize::new(0);
/// Blocks that other threads freed, linked through their first word; the second holds the class.
static RETURNED: AtomicPtr<Returned> = AtomicPtr::new(core::ptr::null_mut());

struct Returned {
    next: *mut Returned,
    class: usize,
}

struct Free {
    next: *mut Free,
}

struct Heap {
    lists: [*mut Free; CLASSES],
    carved: usize,
}

struct HeapCell(UnsafeCell<Heap>);

// SAFETY: only the vCPU thread enters the heap (see `on_vcpu`), and its signal handlers do not allocate.
unsafe impl Sync for HeapCell {}

static HEAP: HeapCell =
    HeapCell(UnsafeCell::new(Heap { lists: [core::ptr::null_mut(); CLASSES], carved: 0 }));

/// Makes the calling thread the owner of the heap: from now on what it allocates comes from here.
pub fn init() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh map at an address of the host's choice; getrlimit writes the struct it is given.
    let arena = unsafe {
        host!(getrlimit)(libc::RLIMIT_STACK, &mut limit);
        host!(mmap)(core::ptr::null_mut(), ARENA, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
    };
    if arena == libc::MAP_FAILED {
        return; // no arena: the system's allocator serves, at the price of a shared lock
    }
    let here = stack_pointer();
    let size = (limit.rlim_cur as usize).min(64 << 20);
    ARENA_LO.store(arena as usize, Ordering::Relaxed);
    STACK_LO.store(here.saturating_sub(size), Ordering::Relaxed);
    // What lies above is the start-up code of this thread, and the environment.
    STACK_HI.store(here + (256 << 10), Ordering::Relaxed);
}

fn stack_pointer() -> usize {
    let sp: usize;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack)) };
    sp
}

/// Whether the calling code runs on the vCPU's stack.
#[inline]
pub(crate) fn on_vcpu() -> bool {
    let sp = stack_pointer();
    sp >= STACK_LO.load(Ordering::Relaxed) && sp < STACK_HI.load(Ordering::Relaxed)
}

#[inline]
fn in_arena(p: *mut u8) -> bool {
    let lo = ARENA_LO.load(Ordering::Relaxed);
    lo != 0 && (p as usize).wrapping_sub(lo) < ARENA
}

#[inline]
fn class_of(layout: Layout) -> usize {
    let size = layout.size().max(layout.align()).max(SMALLEST).next_power_of_two();
    (size / SMALLEST).trailing_zeros() as usize
}

impl Heap {
    fn take(&mut self, class: usize) -> *mut u8 {
        if self.lists[class].is_null() {
            self.reclaim();
        }
        let head = self.lists[class];
        if head.is_null() {
            return self.carve(class);
        }
        // SAFETY: blocks on a list are free, aligned and at least 16 bytes; their first word is the link.
        self.lists[class] = unsafe { (*head).next };
        head.cast()
    }

    fn give(&mut self, p: *mut u8, class: usize) {
        let block: *mut Free = p.cast();
        // SAFETY: the block is free now and at least 16 bytes, aligned to 16.
        unsafe { (*block).next = self.lists[class] };
        self.lists[class] = block;
    }

    fn carve(&mut self, class: usize) -> *mut u8 {
        let size = SMALLEST << class;
        let chunk = CHUNK.max(size);
        // Every chunk starts at a multiple of 64 KiB, so blocks are aligned to their size.
        if self.carved + chunk > ARENA {
            return core::ptr::null_mut();
        }
        let start = (ARENA_LO.load(Ordering::Relaxed) + self.carved) as *mut u8;
        self.carved += chunk;
        for at in (size..chunk).step_by(size).rev() {
            self.give(start.wrapping_add(at), class);
        }
        start
    }

    fn reclaim(&mut self) {
        let mut p = RETURNED.swap(core::ptr::null_mut(), Ordering::Acquire);
        while !p.is_null() {
            // SAFETY: the list holds blocks that were given up by their last owner and linked by `dealloc`.
            let Returned { next, class } = unsafe { p.read() };
            self.give(p.cast(), class);
            p = next;
        }
    }
}

/// The global allocator of the llano binary.
pub struct VcpuAlloc;

// SAFETY: blocks come either from `System` or from the arena, in sizes and alignments of at least the layout's (classes
// are powers of two, chunks are aligned to 64 KiB, the arena to a page and so the first chunk to 4 KiB at least: larger
// alignments go to `System`); `dealloc` tells the two apart by address.
unsafe impl GlobalAlloc for VcpuAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let fits = layout.size() <= LARGEST && layout.align() <= crate::PAGE;
        if fits && on_vcpu() {
            // SAFETY: this is the vCPU thread, the heap's only user, and no call below re-enters.
            return unsafe { (*HEAP.0.get()).take(class_of(layout)) };
        }
        // The C library's allocator has caches in thread-local storage.
        crate::on_host();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        if !in_arena(p) {
            crate::on_host();
            // SAFETY: not ours, so `System`'s.
            return unsafe { System.dealloc(p, layout) };
        }
        let class = class_of(layout);
        if on_vcpu() {
            // SAFETY: as in `alloc`.
            return unsafe { (*HEAP.0.get()).give(p, class) };
        }
        let block: *mut Returned = p.cast();
        let mut head = RETURNED.load(Ordering::Relaxed);
        loop {
            // SAFETY: the block is free and at least 16 bytes; nobody else sees it before the exchange succeeds.
            unsafe { block.write(Returned { next: head, class }) };
            match RETURNED.compare_exchange_weak(head, block, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }
}
