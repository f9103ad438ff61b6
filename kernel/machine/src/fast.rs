//! The way into the kernel without a signal: a patched `syscall` site jumps to a stub near it, and the stub here.

use core::sync::atomic::AtomicU64;

/// What a stub tells the entry about its site: rcx holds the address of one of these when `llano_fast_entry` is
/// reached; every other register is as at the guest's `syscall`. It must live as long as any task may come from it.
#[repr(C, align(8))]
#[derive(Debug)]
pub struct Site {
    /// The original address behind the `syscall` instruction: the rip (and rcx) that the guest sees after the call.
    pub next: u64,
    /// Where the guest goes on after the call: the place in the stub that stands for `next`.
    pub resume: u64,
    /// How often the site was passed.
    pub hits: AtomicU64,
}
