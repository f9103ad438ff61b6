//! The registers of llano's own code, for cores: where it stands, or where a signal found it.

use crate::cpu::reg;
use core::arch::naked_asm;
use core::mem::offset_of;

/// General registers of the host's CPU.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Registers {
    /// rax rbx rcx rdx rsi rdi rbp rsp r8..r15, as in [`Frame`](crate::cpu::Frame).
    pub regs: [u64; 16],
    /// Instruction pointer.
    pub rip: u64,
    /// Flags register.
    pub rflags: u64,
}

/// The general registers' places in a signal frame, in the order of [`Registers::regs`].
const ORDER: [i32; 16] = [
    libc::REG_RAX,
    libc::REG_RBX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_RBP,
    libc::REG_RSP,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

impl Registers {
    /// Those of the caller, whose frame they tell of: it should live as long as they are of use.
    #[inline(always)]
    pub fn here() -> Registers {
        let mut out = Registers::default();
        // SAFETY: `store` writes the struct it is given, which is one, and changes nothing else.
        unsafe { store(&mut out) };
        out
    }

    /// Those that a signal found.
    pub(crate) fn interrupted(uc: &libc::ucontext_t) -> Registers {
        let g = &uc.uc_mcontext.gregs;
        Registers {
            regs: ORDER.map(|r| g[r as usize] as u64),
            rip: g[libc::REG_RIP as usize] as u64,
            rflags: g[libc::REG_EFL as usize] as u64,
        }
    }

    /// Puts them where a signal found them: with these the interrupted code goes on.
    pub(crate) fn put(&self, uc: &mut libc::ucontext_t) {
        // What a program may not change (popf(3)): the host refuses or ignores it.
        const FLAGS: u64 = crate::cpu::USER_FLAGS;
        let g = &mut uc.uc_mcontext.gregs;
        for (to, from) in ORDER.into_iter().zip(self.regs) {
            g[to as usize] = from as i64;
        }
        g[libc::REG_RIP as usize] = self.rip as i64;
        let flags = &mut g[libc::REG_EFL as usize];
        *flags = (*flags & !(FLAGS as i64)) | (self.rflags & FLAGS) as i64;
    }

    /// Stack pointer.
    pub fn rsp(&self) -> u64 {
        self.regs[reg::RSP]
    }

    /// Frame pointer.
    pub fn rbp(&self) -> u64 {
        self.regs[reg::RBP]
    }
}

/// # Safety
/// rdi points to a [`Registers`] that may be written.
#[unsafe(naked)]
unsafe extern "C" fn store(_: *mut Registers) {
    naked_asm!(
        "mov [rdi], rax",
        "mov [rdi + 8], rbx",
        "mov [rdi + 16], rcx",
        "mov [rdi + 24], rdx",
        "mov [rdi + 32], rsi",
        "mov [rdi + 40], rdi",
        "mov [rdi + 48], rbp",
        // As after the return.
        "lea rax, [rsp + 8]",
        "mov [rdi + 56], rax",
        "mov [rdi + 64], r8",
        "mov [rdi + 72], r9",
        "mov [rdi + 80], r10",
        "mov [rdi + 88], r11",
        "mov [rdi + 96], r12",
        "mov [rdi + 104], r13",
        "mov [rdi + 112], r14",
        "mov [rdi + 120], r15",
        "mov rax, [rsp]",
        "mov [rdi + {rip}], rax",
        "pushfq",
        "pop rax",
        "mov [rdi + {rflags}], rax",
        "ret",
        rip = const offset_of!(Registers, rip),
        rflags = const offset_of!(Registers, rflags),
    )
}
