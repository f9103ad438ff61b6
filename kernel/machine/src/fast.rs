//! The way into the kernel without a signal: a patched `syscall` site jumps to a stub near it, and the stub here.
//!
//! Nothing of the guest's stack is touched, its red zone included. What kernel code may change is saved: general registers,
//! flags and xmm0-15; all else stays in the CPU ([`crate::context`]). A host signal that hits this region interrupted the
//! kernel already: it sets `pending` and goes on.

use crate::context::{Context, XMM};
use crate::cpu::{CPU, Cpu, Frame};
use core::arch::naked_asm;
use core::mem::offset_of;
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

/// Where stubs jump to, with the address of their [`Site`] in rcx.
pub fn entry() -> u64 {
    llano_fast_entry as *const () as u64
}

/// Stubs went away: no context goes on in one any more because it came from there.
pub fn forget() {
    // SAFETY: a plain word of the vCPU's own cell; patches change on its thread only.
    unsafe { (*CPU.get()).generation += 1 };
}

/// AC, NT, DF, TF: a guest's would make kernel code fault or misbehave.
const DANGEROUS: u64 = 0x4_4500;

#[unsafe(naked)]
unsafe extern "C" fn llano_fast_entry() {
    naked_asm!(
        // A `syscall` instruction changes rcx and r11, so both are free.
        "mov r11, [rip + {cpu} + {ctx}]",
        "mov [r11 + 56], rsp",
        "mov rsp, [rip + {cpu} + {kstack}]",
        "mov [r11 + 0], rax",
        "mov [r11 + 8], rbx",
        "mov [r11 + 24], rdx",
        "mov [r11 + 32], rsi",
        "mov [r11 + 40], rdi",
        "mov [r11 + 48], rbp",
        "mov [r11 + 64], r8",
        "mov [r11 + 72], r9",
        "mov [r11 + 80], r10",
        "mov [r11 + 96], r12",
        "mov [r11 + 104], r13",
        "mov [r11 + 112], r14",
        "mov [r11 + 120], r15",
        // No instruction so far changed a flag.
        "pushfq",
        "pop rax",
        "mov [r11 + {rflags}], rax",
        "mov [r11 + 88], rax",
        "test eax, {dangerous}",
        "jnz 3f",
        "2:",
        "mov rdx, [r11 + {area}]",
        "movaps [rdx + {xmm} + 0], xmm0",
        "movaps [rdx + {xmm} + 16], xmm1",
        "movaps [rdx + {xmm} + 32], xmm2",
        "movaps [rdx + {xmm} + 48], xmm3",
        "movaps [rdx + {xmm} + 64], xmm4",
        "movaps [rdx + {xmm} + 80], xmm5",
        "movaps [rdx + {xmm} + 96], xmm6",
        "movaps [rdx + {xmm} + 112], xmm7",
        "movaps [rdx + {xmm} + 128], xmm8",
        "movaps [rdx + {xmm} + 144], xmm9",
        "movaps [rdx + {xmm} + 160], xmm10",
        "movaps [rdx + {xmm} + 176], xmm11",
        "movaps [rdx + {xmm} + 192], xmm12",
        "movaps [rdx + {xmm} + 208], xmm13",
        "movaps [rdx + {xmm} + 224], xmm14",
        "movaps [rdx + {xmm} + 240], xmm15",
        "mov rax, [rcx + {site_next}]",
        "mov [r11 + {rip}], rax",
        "mov [r11 + 16], rax",
        "mov [r11 + {next}], rax",
        "mov rax, [rcx + {site_resume}]",
        "mov [r11 + {resume}], rax",
        "inc qword ptr [rcx + {hits}]",
        "lea rsi, [rip + {cpu}]",
        "mov [rsi + {owner}], r11",
        // Side::Guest.
        "mov qword ptr [rsi + {side}], 0",
        "mov qword ptr [rsi + {fast}], 1",
        "jmp [rsp]",
        "3:",
        "push 2",
        "popfq",
        "jmp 2b",
        ".globl llano_fast_end",
        "llano_fast_end:",
        "ud2",
        cpu = sym CPU,
        ctx = const offset_of!(Cpu, ctx),
        kstack = const offset_of!(Cpu, kstack),
        owner = const offset_of!(Cpu, owner),
        side = const offset_of!(Cpu, side),
        fast = const offset_of!(Cpu, fast),
        area = const offset_of!(Context, area),
        next = const offset_of!(Context, next),
        resume = const offset_of!(Context, resume),
        rflags = const offset_of!(Frame, rflags),
        rip = const offset_of!(Frame, rip),
        site_next = const offset_of!(Site, next),
        site_resume = const offset_of!(Site, resume),
        hits = const offset_of!(Site, hits),
        xmm = const XMM.start,
        dangerous = const DANGEROUS,
    )
}

const _: () = assert!(offset_of!(Context, frame) == 0 && offset_of!(Frame, regs) == 0);

unsafe extern "C" {
    static llano_fast_end: u8;
}

/// The range of the entry's instructions.
pub(crate) fn range() -> core::ops::Range<u64> {
    entry()..(&raw const llano_fast_end as u64)
}
