//! What lies below the kernel loop for a debugger: the current task's frames in its program.
//!
//! When a call's handler runs, `enter` has returned: no frame of the entry lies below it. So the loop is called through one
//! function whose unwind table (DWARF 5, 6.4) says that its caller is the task whose registers `UNWIND_FRAME` points to.
//! The rules are *addresses* of saved registers (DW_CFA_expression), so a debugger can write them too. While no task is
//! current the pointer names the function's own frame, of the same shape, and the real caller is seen.

use crate::context::Context;
use core::arch::naked_asm;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU64, Ordering};

/// The address of the registers (a [`Context`]'s beginning) that lie below the loop.
static UNWIND_FRAME: AtomicU64 = AtomicU64::new(0);
/// That of the registers of who called the loop.
static HOST_FRAME: AtomicU64 = AtomicU64::new(0);

/// The loop works for the task with this context; 0: for none.
pub(super) fn unwind_to(context: u64) {
    let frame = if context == 0 { HOST_FRAME.load(Ordering::Relaxed) } else { context };
    UNWIND_FRAME.store(frame, Ordering::Relaxed);
}

/// Runs `f` on top of the current task's frames.
pub fn below<R, F: FnOnce() -> R>(f: F) -> R {
    let mut state: (Option<F>, Option<R>) = (Some(f), None);
    let data = (&raw mut state).cast();
    // SAFETY: `call` is made for what `data` points to, which outlives the call.
    unsafe { llano_root(call::<R, F>, data) };
    state.1.expect("it was called")
}

extern "C" fn call<R, F: FnOnce() -> R>(data: *mut ()) {
    // SAFETY: `below` passes a pointer to this very type, which nobody else uses meanwhile.
    let state = unsafe { &mut *data.cast::<(Option<F>, Option<R>)>() };
    state.1 = state.0.take().map(|f| f());
}

/// Bytes of a frame: all of a context up to the base of GS.
const SIZE: usize = offset_of!(Context, gs_base) + 8;
const FS: usize = offset_of!(Context, fs_base);
const GS: usize = offset_of!(Context, gs_base);

/// Calls `f(data)`; rdi = f, rsi = data.
#[unsafe(naked)]
unsafe extern "C" fn llano_root(f: extern "C" fn(*mut ()), data: *mut ()) {
    naked_asm!(
        ".cfi_startproc",
        // The stack of a program lies anywhere: without this a debugger takes the frames for a broken chain.
        ".cfi_signal_frame",
        // [rsp] a frame of SIZE bytes, then &UNWIND_FRAME (the unwind table cannot name a static of a PIE), which is at
        // CFA - 16. The return address is at CFA - 8.
        "sub rsp, {room}",
        ".cfi_adjust_cfa_offset {room}",
        "mov [rsp + 8], rbx",
        "mov [rsp + 48], rbp",
        "lea rax, [rsp + {room} + 8]",
        "mov [rsp + 56], rax",
        "mov [rsp + 96], r12",
        "mov [rsp + 104], r13",
        "mov [rsp + 112], r14",
        "mov [rsp + 120], r15",
        "mov rax, [rsp + {room}]",
        "mov [rsp + {rip}], rax",
        "pushfq",
        ".cfi_adjust_cfa_offset 8",
        "pop rax",
        ".cfi_adjust_cfa_offset -8",
        "mov [rsp + {rflags}], rax",
        "rdfsbase rax",
        "mov [rsp + {fs}], rax",
        "rdgsbase rax",
        "mov [rsp + {gs}], rax",
        "lea rax, [rip + {unwind}]",
        "mov [rsp + {slot}], rax",
        "mov [rip + {host}], rsp",
        "cmp qword ptr [rax], 0",
        "jne 2f",
        "mov [rax], rsp",
        "2:",
        // DW_CFA_expression register, length { lit16 minus deref deref plus_uconst offset }: the CFA is on the stack first.
        // DWARF numbers: rax 0, rdx 1, rcx 2, rbx 3, rsi 4, rdi 5, rbp 6, rsp 7, r8-15, rip 16, rflags 49, fs 58, gs 59.
        ".cfi_escape 0x10, 0, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 0",
        ".cfi_escape 0x10, 3, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 8",
        ".cfi_escape 0x10, 2, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 16",
        ".cfi_escape 0x10, 1, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 24",
        ".cfi_escape 0x10, 4, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 32",
        ".cfi_escape 0x10, 5, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 40",
        ".cfi_escape 0x10, 6, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 48",
        ".cfi_escape 0x10, 7, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 56",
        ".cfi_escape 0x10, 8, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 64",
        ".cfi_escape 0x10, 9, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 72",
        ".cfi_escape 0x10, 10, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 80",
        ".cfi_escape 0x10, 11, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 88",
        ".cfi_escape 0x10, 12, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 96",
        ".cfi_escape 0x10, 13, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 104",
        ".cfi_escape 0x10, 14, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 112",
        ".cfi_escape 0x10, 15, 6, 0x40, 0x1c, 0x06, 0x06, 0x23, 120",
        ".cfi_escape 0x10, 16, 7, 0x40, 0x1c, 0x06, 0x06, 0x23, ({rip} & 0x7f) | 0x80, {rip} >> 7",
        ".cfi_escape 0x10, 49, 7, 0x40, 0x1c, 0x06, 0x06, 0x23, ({rflags} & 0x7f) | 0x80, {rflags} >> 7",
        ".cfi_escape 0x10, 58, 7, 0x40, 0x1c, 0x06, 0x06, 0x23, ({fs} & 0x7f) | 0x80, {fs} >> 7",
        ".cfi_escape 0x10, 59, 7, 0x40, 0x1c, 0x06, 0x06, 0x23, ({gs} & 0x7f) | 0x80, {gs} >> 7",
        "mov rax, rdi",
        "mov rdi, rsi",
        "call rax",
        // This frame is nobody's any more.
        "lea rax, [rip + {unwind}]",
        "mov qword ptr [rip + {host}], 0",
        "cmp [rax], rsp",
        "jne 3f",
        "mov qword ptr [rax], 0",
        "3:",
        "add rsp, {room}",
        ".cfi_def_cfa_offset 8",
        "ret",
        ".cfi_endproc",
        unwind = sym UNWIND_FRAME,
        host = sym HOST_FRAME,
        room = const SIZE + 8,
        slot = const SIZE,
        rip = const offset_of!(crate::cpu::Frame, rip),
        rflags = const offset_of!(crate::cpu::Frame, rflags),
        fs = const FS,
        gs = const GS,
    )
}

// The stack stays aligned to 16 at the call, and the rules' offsets have two ULEB128 bytes.
const _: () = assert!(SIZE.is_multiple_of(16) && GS < 1 << 14 && offset_of!(crate::cpu::Frame, rip) >= 128);

#[cfg(test)]
mod tests {
    #[test]
    fn runs_and_returns() {
        let words = [1, 2, 3];
        assert_eq!(super::below(|| words.iter().sum::<i32>()), 6);
    }
}
