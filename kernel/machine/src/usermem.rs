//! Fault-safe copies from and to guest memory.
//!
//! A guest address is an allegation. Every function here checks that the range lies in the guest's part of the address
//! space (so that llano's own memory is out of reach) and survives a fault in the middle: protection, holes and
//! truncated files end in [`BadAddress`], never in a crash.

use crate::{overlay, space};
use core::arch::naked_asm;

/// The address was not the guest's, or a page of the range could not be accessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadAddress;

/// Copies `rdx` bytes from rsi to rdi; returns in rax how many were *not* copied.
#[unsafe(naked)]
unsafe extern "C" fn llano_copy(dst: *mut u8, src: *const u8, len: usize) -> usize {
    naked_asm!(
        "mov rcx, rdx",
        "cmp rcx, 128",
        ".globl llano_copy_begin",
        "llano_copy_begin:",
        "ja 4f",
        "2:",
        "cmp rcx, 8",
        "jb 3f",
        "mov rax, [rsi]",
        "mov [rdi], rax",
        "add rsi, 8",
        "add rdi, 8",
        "sub rcx, 8",
        "jmp 2b",
        "3:",
        "test rcx, rcx",
        "jz llano_copy_end",
        "mov al, [rsi]",
        "mov [rdi], al",
        "inc rsi",
        "inc rdi",
        "dec rcx",
        "jmp 3b",
        "4:",
        "rep movsb",
        ".globl llano_copy_end",
        "llano_copy_end:",
        "mov rax, rcx",
        "ret",
    )
}

/// Zeroes `rsi` bytes at rdi; returns how many were not.
#[unsafe(naked)]
unsafe extern "C" fn llano_zero(dst: *mut u8, len: usize) -> usize {
    naked_asm!(
        "mov rcx, rsi",
        "xor eax, eax",
        ".globl llano_zero_begin",
        "llano_zero_begin:",
        "cmp rcx, 128",
        "ja 4f",
        // Few bytes are there sooner than `rep` has begun.
        "2:",
        "cmp rcx, 8",
        "jb 3f",
        "mov [rdi], rax",
        "add rdi, 8",
        "sub rcx, 8",
        "jmp 2b",
        "3:",
        "test rcx, rcx",
        "jz llano_zero_end",
        "mov [rdi], al",
        "inc rdi",
        "dec rcx",
        "jmp 3b",
        "4:",
        "rep stosb",
        ".globl llano_zero_end",
        "llano_zero_end:",
        "mov rax, rcx",
        "ret",
    )
}

/// Exchanges `rdx` bytes (a multiple of 64) at rdi and rsi; only accesses to rdi may fault. Returns how many were not
/// exchanged.
#[unsafe(naked)]
unsafe extern "C" fn llano_exchange(at: *mut u8, other: *mut u8, len: usize) -> usize {
    naked_asm!(
        "mov rax, rdx",
        ".globl llano_exchange_begin",
        "llano_exchange_begin:",
        "2:",
        "movups xmm0, [rdi]",
        "movups xmm1, [rdi + 16]",
        "movups xmm2, [rdi + 32]",
        "movups xmm3, [rdi + 48]",
        "movups xmm4, [rsi]",
        "movups xmm5, [rsi + 16]",
        "movups xmm6, [rsi + 32]",
        "movups xmm7, [rsi + 48]",
        // The store that may fault comes first: until then nothing is changed.
        "movups [rdi], xmm4",
        "movups [rdi + 16], xmm5",
        "movups [rdi + 32], xmm6",
        "movups [rdi + 48], xmm7",
        "movups [rsi], xmm0",
        "movups [rsi + 16], xmm1",
        "movups [rsi + 32], xmm2",
        "movups [rsi + 48], xmm3",
        "add rdi, 64",
        "add rsi, 64",
        "sub rax, 64",
        "jnz 2b",
        ".globl llano_exchange_end",
        "llano_exchange_end:",
        "ret",
    )
}

/// `lock cmpxchg` of a u32 at rdi: esi expected, edx new. rax: value found; or bit 32 set on a fault.
#[unsafe(naked)]
unsafe extern "C" fn llano_cas(at: *mut u32, expected: u32, new: u32) -> u64 {
    naked_asm!(
        "mov eax, esi",
        ".globl llano_cas_begin",
        "llano_cas_begin:",
        "lock cmpxchg [rdi], edx",
        "mov eax, eax",
        "ret",
        ".globl llano_cas_end",
        "llano_cas_end:",
        "mov eax, 1",
        "shl rax, 32",
        "ret",
    )
}

unsafe extern "C" {
    static llano_copy_begin: u8;
    static llano_copy_end: u8;
    static llano_zero_begin: u8;
    static llano_zero_end: u8;
    static llano_exchange_begin: u8;
    static llano_exchange_end: u8;
    static llano_cas_begin: u8;
    static llano_cas_end: u8;
}

/// Where to continue if the instruction at `rip` faulted: `None` if it is not one of ours.
pub(crate) fn fixup_for(rip: u64) -> Option<u64> {
    let table = [
        (&raw const llano_copy_begin as u64, &raw const llano_copy_end as u64),
        (&raw const llano_zero_begin as u64, &raw const llano_zero_end as u64),
        (&raw const llano_exchange_begin as u64, &raw const llano_exchange_end as u64),
        (&raw const llano_cas_begin as u64, &raw const llano_cas_end as u64),
    ];
    table.iter().find(|(begin, end)| (*begin..*end).contains(&rip)).map(|(_, end)| *end)
}

/// Checks that `len` bytes at `addr` lie in guest space.
pub fn check(addr: u64, len: usize) -> Result<(), BadAddress> {
    if len == 0 || space::contains(addr, len as u64) { Ok(()) } else { Err(BadAddress) }
}

/// Copies guest memory into `buf`, all or nothing visible to the caller.
pub fn copy_in(addr: u64, buf: &mut [u8]) -> Result<(), BadAddress> {
    if copy_in_some(addr, buf)? == buf.len() { Ok(()) } else { Err(BadAddress) }
}

/// Copies as much guest memory as is readable; returns the count. An address outside guest space is an error.
pub fn copy_in_some(addr: u64, buf: &mut [u8]) -> Result<usize, BadAddress> {
    check(addr, buf.len())?;
    // SAFETY: the source range is in guest space (checked), which never overlaps llano's own memory; the destination
    // is a live slice of the same length; faults on the source are fixed up.
    let left = unsafe { llano_copy(buf.as_mut_ptr(), addr as *const u8, buf.len()) };
    Ok(buf.len() - left)
}

/// Copies `buf` to guest memory. On an error part of it may have been written.
pub fn copy_out(addr: u64, buf: &[u8]) -> Result<(), BadAddress> {
    if copy_out_some(addr, buf)? == buf.len() { Ok(()) } else { Err(BadAddress) }
}

/// Copies as much of `buf` as is writable; returns the count. An address outside guest space is an error.
pub fn copy_out_some(addr: u64, buf: &[u8]) -> Result<usize, BadAddress> {
    check(addr, buf.len())?;
    let mut done = 0;
    loop {
        let (to, left) = (addr + done as u64, buf.len() - done);
        // SAFETY: the destination range is in guest space (checked), so no Rust object lies there; the source is a
        // live slice; faults on the destination are fixed up.
        done += left - unsafe { llano_copy(to as *mut u8, buf[done..].as_ptr(), left) };
        if done == buf.len() || !overlay::open(addr + done as u64, buf.len() - done) {
            return Ok(done);
        }
    }
}

/// Zeroes guest memory.
pub fn zero(addr: u64, len: usize) -> Result<(), BadAddress> {
    check(addr, len)?;
    let mut done = 0;
    loop {
        // SAFETY: as in `copy_out_some`.
        done = len - unsafe { llano_zero((addr + done as u64) as *mut u8, len - done) };
        if done == len {
            return Ok(());
        }
        if !overlay::open(addr + done as u64, len - done) {
            return Err(BadAddress);
        }
    }
}

/// Copies between two guest ranges (which may belong to different tasks); returns how many bytes were copied.
pub fn copy_within(to: u64, from: u64, len: usize) -> Result<usize, BadAddress> {
    check(to, len)?;
    check(from, len)?;
    let mut done = 0;
    loop {
        let (dst, src, left) = (to + done as u64, from + done as u64, len - done);
        // SAFETY: both ranges are in guest space (checked); faults on either are fixed up. Overlap gives the bytes a
        // forward copy gives, which is all that a guest which passes overlapping buffers may expect.
        done += left - unsafe { llano_copy(dst as *mut u8, src as *const u8, left) };
        if done == len || !overlay::open(to + done as u64, len - done) {
            return Ok(done);
        }
    }
}

/// Atomically replaces the aligned u32 at `addr` if it is `expected`; returns the value found.
pub fn cas_u32(addr: u64, expected: u32, new: u32) -> Result<u32, BadAddress> {
    check(addr, 4)?;
    loop {
        // SAFETY: four bytes in guest space (checked); a fault is fixed up and reported in bit 32.
        let r = unsafe { llano_cas(addr as *mut u32, expected, new) };
        if r >> 32 == 0 {
            return Ok(r as u32);
        }
        if !overlay::open(addr, 4) {
            return Err(BadAddress);
        }
    }
}

/// Copies bytes between any two addresses, with fault fix-up; returns how many were *not* copied.
///
/// # Safety
/// No Rust object may lie in the destination.
pub(crate) unsafe fn copy_raw(to: u64, from: u64, len: usize) -> usize {
    // SAFETY: the caller's promise; faults on either side are fixed up.
    unsafe { llano_copy(to as *mut u8, from as *const u8, len) }
}

/// Exchanges bytes between `at`, with fault fix-up, and `other`, which must be accessible; returns how many were *not*
/// exchanged. `len` must be a multiple of 64.
///
/// # Safety
/// No Rust object may lie in either range.
pub(crate) unsafe fn exchange_raw(at: u64, other: u64, len: usize) -> usize {
    debug_assert!(len.is_multiple_of(64) && len > 0);
    // SAFETY: the caller's promise; faults on `at` are fixed up. The function clobbers xmm0-7 only, which the C calling
    // convention allows.
    unsafe { llano_exchange(at as *mut u8, other as *mut u8, len) }
}

/// Zeroes bytes at any address, with fault fix-up.
///
/// # Safety
/// No Rust object may lie there.
pub(crate) unsafe fn zero_raw(at: u64, len: usize) {
    // SAFETY: the caller's promise; faults are fixed up.
    unsafe { llano_zero(at as *mut u8, len) };
}
