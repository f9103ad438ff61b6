//! The vCPU's own allocator.
//!
//! A debugger may stop the vCPU anywhere, so it must share no lock with the other threads: allocations made on its
//! stack come from this heap, which only it enters; everyone else uses the system's. Which one is decided by the stack
//! pointer, because kernel code may run on a guest's FS base and then has no thread-local storage to ask.
//!
//! Small blocks (up to 32 KiB) come from one sparse arena, see `chunks`; larger ones are the system's. A block freed by
//! another thread is handed back through a lock-free list.

use crate::HostError;
use crate::border::host;
use crate::chunks::{ARENA, Chunks, LARGEST, class_of};
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::alloc::System;

static STACK_LO: AtomicUsize = AtomicUsize::new(0);
static STACK_HI: AtomicUsize = AtomicUsize::new(0);
static ARENA_LO: AtomicUsize = AtomicUsize::new(0);
/// Blocks that other threads freed, linked through their first word; the second holds the class.
static RETURNED: AtomicPtr<Returned> = AtomicPtr::new(core::ptr::null_mut());

struct Returned {
    next: *mut Returned,
    class: usize,
}

struct HeapCell(UnsafeCell<Chunks>);

// SAFETY: only the vCPU thread enters the heap (see `on_vcpu`), and its signal handlers do not allocate.
unsafe impl Sync for HeapCell {}

static HEAP: HeapCell = HeapCell(UnsafeCell::new(Chunks::new()));

/// Makes the calling thread the owner of the heap: from now on what it allocates comes from here.
///
/// # Errors
/// The host has no room for it (`ulimit -d`). Without it the vCPU cannot run: the system's allocator needs a
/// thread-local storage that kernel code may not have.
pub fn init() -> Result<(), HostError> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes the struct it is given; nobody uses the heap before `STACK_HI` is set.
    let arena = unsafe {
        host!(getrlimit)(libc::RLIMIT_STACK, &mut limit);
        (*HEAP.0.get()).init()
    };
    let arena = arena.ok_or(HostError(libc::ENOMEM))?;
    let here = stack_pointer();
    let size = (limit.rlim_cur as usize).min(64 << 20);
    ARENA_LO.store(arena as usize, Ordering::Relaxed);
    STACK_LO.store(here.saturating_sub(size), Ordering::Relaxed);
    // What lies above is the start-up code of this thread, and the environment.
    STACK_HI.store(here + (256 << 10), Ordering::Relaxed);
    Ok(())
}

fn stack_pointer() -> usize {
    let sp: usize;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack)) };
    sp
}

/// Whether the calling code runs on the vCPU's stack.
#[inline]
pub fn on_vcpu() -> bool {
    let sp = stack_pointer();
    sp >= STACK_LO.load(Ordering::Relaxed) && sp < STACK_HI.load(Ordering::Relaxed)
}

#[inline]
fn in_arena(p: *mut u8) -> bool {
    let lo = ARENA_LO.load(Ordering::Relaxed);
    lo != 0 && (p as usize).wrapping_sub(lo) < ARENA
}

/// Takes back what other threads freed.
///
/// # Safety
/// The vCPU thread calls, and `heap` is the heap.
#[cold]
unsafe fn reclaim(heap: &mut Chunks) {
    let mut p = RETURNED.swap(core::ptr::null_mut(), Ordering::Acquire);
    while !p.is_null() {
        // SAFETY: the list holds blocks that were given up by their last owner and linked by `dealloc`.
        unsafe {
            let Returned { next, class } = p.read();
            heap.give(p.cast(), class);
            p = next;
        }
    }
}

#[inline]
fn class(layout: Layout) -> usize {
    class_of(layout.size().max(layout.align()))
}

/// The global allocator of the llano binary.
pub struct VcpuAlloc;

// SAFETY: blocks come either from `System` or from the arena, in sizes and alignments of at least the layout's (classes
// are powers of two, the arena and so its chunks are aligned to a page: larger alignments go to `System`); `dealloc`
// tells the two apart by address.
unsafe impl GlobalAlloc for VcpuAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let fits = layout.size() <= LARGEST && layout.align() <= crate::PAGE;
        if fits && on_vcpu() {
            // SAFETY: this is the vCPU thread, the heap's only user, and no call below re-enters.
            unsafe {
                let heap = &mut *HEAP.0.get();
                if !RETURNED.load(Ordering::Relaxed).is_null() {
                    reclaim(heap);
                }
                return heap.take(class(layout));
            }
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
        let class = class(layout);
        if on_vcpu() {
            // SAFETY: as in `alloc`; the block came from there, for the same layout.
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
