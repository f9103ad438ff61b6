//! `memcpy`, `memmove`, `memset`, `memcmp`, `bcmp` and `strlen` for the whole binary, without vector registers.
//!
//! Linux preserves every vector register across a syscall. Kernel code built for baseline x86-64 touches xmm0-15 only,
//! but the C library's versions pick AVX at run time; these replace them at link time.

use core::arch::naked_asm;

/// memcpy(3).
///
/// # Safety
/// As in C: `len` readable bytes at `src`, writable ones at `dst`, not overlapping.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn memcpy(dst: *mut u8, src: *const u8, len: usize) -> *mut u8 {
    naked_asm!(
        "mov rax, rdi",
        "cmp rdx, 16",
        "jb 2f",
        "cmp rdx, 256",
        "ja 5f",
        // 16..=256: pieces of 16, then the last 16 bytes, which may overlap the piece before.
        "mov r8, [rsi + rdx - 16]",
        "mov r9, [rsi + rdx - 8]",
        "lea r11, [rdi + rdx - 16]",
        "4:",
        "mov rcx, [rsi]",
        "mov r10, [rsi + 8]",
        "mov [rdi], rcx",
        "mov [rdi + 8], r10",
        "add rsi, 16",
        "add rdi, 16",
        "cmp rdi, r11",
        "jb 4b",
        "mov [r11], r8",
        "mov [r11 + 8], r9",
        "ret",
        "2:",
        "cmp edx, 8",
        "jb 3f",
        "mov rcx, [rsi]",
        "mov r8, [rsi + rdx - 8]",
        "mov [rdi], rcx",
        "mov [rdi + rdx - 8], r8",
        "ret",
        "3:",
        "test edx, edx",
        "jz 6f",
        "mov cl, [rsi + rdx - 1]",
        "mov [rdi + rdx - 1], cl",
        "dec edx",
        "jmp 3b",
        "6:",
        "ret",
        "5:",
        "mov rcx, rdx",
        "rep movsb",
        "ret",
    )
}

/// memmove(3).
///
/// # Safety
/// As in C: `len` readable bytes at `src`, writable ones at `dst`.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn memmove(dst: *mut u8, src: *const u8, len: usize) -> *mut u8 {
    naked_asm!(
        "mov rax, rdi",
        "mov rcx, rdi",
        "sub rcx, rsi",
        "cmp rcx, rdx",
        // Unsigned dst - src >= len: a forward copy reads nothing that it has written.
        "jae 5f",
        // Overlapping with dst above src: backwards, eight at a time, then the bytes that remain at the front.
        "2:",
        "cmp rdx, 8",
        "jb 3f",
        "mov rcx, [rsi + rdx - 8]",
        "mov [rdi + rdx - 8], rcx",
        "sub rdx, 8",
        "jmp 2b",
        "3:",
        "test rdx, rdx",
        "jz 4f",
        "mov cl, [rsi + rdx - 1]",
        "mov [rdi + rdx - 1], cl",
        "dec rdx",
        "jmp 3b",
        "4:",
        "ret",
        "5:",
        "cmp rdx, 64",
        "ja 8f",
        "6:",
        "cmp rdx, 8",
        "jb 7f",
        "mov rcx, [rsi]",
        "mov [rdi], rcx",
        "add rsi, 8",
        "add rdi, 8",
        "sub rdx, 8",
        "jmp 6b",
        "7:",
        "test rdx, rdx",
        "jz 4b",
        "mov cl, [rsi]",
        "mov [rdi], cl",
        "inc rsi",
        "inc rdi",
        "dec rdx",
        "jmp 7b",
        "8:",
        "mov rcx, rdx",
        "rep movsb",
        "ret",
    )
}

/// memset(3).
///
/// # Safety
/// As in C: `len` writable bytes at `dst`.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn memset(dst: *mut u8, byte: i32, len: usize) -> *mut u8 {
    naked_asm!(
        "mov r8, rdi",
        "movzx eax, sil",
        "mov rcx, 0x0101010101010101",
        "imul rax, rcx",
        "cmp rdx, 128",
        "ja 5f",
        "2:",
        "cmp rdx, 8",
        "jb 3f",
        "mov [rdi + rdx - 8], rax",
        "sub rdx, 8",
        "jmp 2b",
        "3:",
        "test rdx, rdx",
        "jz 4f",
        "mov [rdi + rdx - 1], al",
        "dec rdx",
        "jmp 3b",
        "5:",
        "mov rcx, rdx",
        "rep stosb",
        "4:",
        "mov rax, r8",
        "ret",
    )
}

/// memcmp(3).
///
/// # Safety
/// As in C: `len` readable bytes at both.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
    naked_asm!(
        "2:",
        "cmp rdx, 8",
        "jb 3f",
        "mov rax, [rdi]",
        "mov rcx, [rsi]",
        "cmp rax, rcx",
        "jne 5f",
        "add rdi, 8",
        "add rsi, 8",
        "sub rdx, 8",
        "jmp 2b",
        // As big-endian numbers, the first differing byte decides.
        "5:",
        "bswap rax",
        "bswap rcx",
        "cmp rax, rcx",
        "sbb eax, eax",
        "or eax, 1",
        "ret",
        "3:",
        "test rdx, rdx",
        "jz 4f",
        "movzx eax, byte ptr [rdi]",
        "movzx ecx, byte ptr [rsi]",
        "sub eax, ecx",
        "jne 6f",
        "inc rdi",
        "inc rsi",
        "dec rdx",
        "jmp 3b",
        "4:",
        "xor eax, eax",
        "6:",
        "ret",
    )
}

/// bcmp(3): zero iff equal.
///
/// # Safety
/// As in C: `len` readable bytes at both.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
    naked_asm!("jmp {}", sym memcmp)
}

/// strlen(3).
///
/// # Safety
/// As in C: a NUL-terminated string.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn strlen(s: *const u8) -> usize {
    naked_asm!("xor eax, eax", "2:", "cmp byte ptr [rdi + rax], 0", "je 3f", "inc rax", "jmp 2b", "3:", "ret",)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_every_small_length_at_every_overlap() {
        for len in 0..300usize {
            for shift in [0usize, 1, 7, 8, 9, 63, 128] {
                let mut buf: Vec<u8> = (0..700).map(|i| (i * 7 % 251) as u8).collect();
                let want: Vec<u8> = buf[shift..shift + len].to_vec();
                // SAFETY: both ranges lie in `buf`.
                unsafe { memmove(buf.as_mut_ptr(), buf.as_ptr().add(shift), len) };
                assert_eq!(buf[..len], want[..]);
                let want: Vec<u8> = buf[..len].to_vec();
                // SAFETY: as above, overlapping the other way.
                unsafe { memmove(buf.as_mut_ptr().add(shift), buf.as_ptr(), len) };
                assert_eq!(buf[shift..shift + len], want[..]);
                let mut out = vec![0xeeu8; len + 1];
                // SAFETY: separate buffers of enough length.
                unsafe { memcpy(out.as_mut_ptr(), want.as_ptr(), len) };
                assert_eq!((&out[..len], out[len]), (&want[..], 0xee));
                // SAFETY: as above.
                unsafe { memset(out.as_mut_ptr(), 0x5a, len) };
                assert!(out[..len].iter().all(|b| *b == 0x5a) && out[len] == 0xee);
            }
        }
    }

    #[test]
    fn compares_as_unsigned_bytes() {
        for len in 1..40usize {
            for at in 0..len {
                let a = vec![0x80u8; len];
                let mut b = a.clone();
                b[at] = 0x7f;
                // SAFETY: both have `len` bytes.
                let (ab, ba, aa) = unsafe {
                    (
                        memcmp(a.as_ptr(), b.as_ptr(), len),
                        memcmp(b.as_ptr(), a.as_ptr(), len),
                        bcmp(a.as_ptr(), a.as_ptr(), len),
                    )
                };
                assert!(ab > 0 && ba < 0 && aa == 0, "length {len}, difference at {at}");
            }
        }
    }
}
