//! Running guest code: [`enter`] puts a task's registers into the CPU, runs until something traps, and returns why.
//!
//! There is no assembly frame below a syscall handler: the host's signal handler ([`crate::signals`]), or the entry from a
//! patched site ([`crate::fast`]), moves the guest's registers into the [`Context`] and makes `enter` return. The entry
//! region (between `llano_entry_begin` and `llano_entry_end`) only *reads* the context, so a signal that hits it can throw
//! the half-done entry away.

use crate::context::{Context, MXCSR_AT, XMM};
use crate::patch::{self, Settled};
use core::arch::{asm, naked_asm};
use core::cell::UnsafeCell;
use core::mem::offset_of;

/// The registers of a task, in gdb's order for amd64.
#[repr(C)]
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// rax rbx rcx rdx rsi rdi rbp rsp r8..r15.
    pub regs: [u64; 16],
    /// Instruction pointer.
    pub rip: u64,
    /// Flags register.
    pub rflags: u64,
    /// The syscall number while a syscall is in progress, else -1 as on Linux.
    pub orig_rax: u64,
}

/// Indices into [`Frame::regs`].
#[allow(missing_docs)]
pub mod reg {
    pub const RAX: usize = 0;
    pub const RBX: usize = 1;
    pub const RCX: usize = 2;
    pub const RDX: usize = 3;
    pub const RSI: usize = 4;
    pub const RDI: usize = 5;
    pub const RBP: usize = 6;
    pub const RSP: usize = 7;
    pub const R8: usize = 8;
    pub const R9: usize = 9;
    pub const R10: usize = 10;
    pub const R11: usize = 11;
    pub const R12: usize = 12;
    pub const R13: usize = 13;
    pub const R14: usize = 14;
    pub const R15: usize = 15;
}

impl Frame {
    /// As a new program finds them: all zero, interrupts on.
    pub fn cleared() -> Frame {
        Frame { rflags: 0x202, orig_rax: u64::MAX, ..Frame::default() }
    }
}

/// The flags that user code may set: CF PF AF ZF SF TF DF OF NT RF AC ID.
pub const USER_FLAGS: u64 = 0x0025_4dd5;

/// A fault of guest code, as the host reported it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Signal number: SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGTRAP.
    pub signal: i32,
    /// `si_code`.
    pub code: i32,
    /// `si_addr`.
    pub addr: u64,
    /// The CPU's trap number (14 page fault, 13 general protection, ...).
    pub trapno: u64,
    /// The CPU's error code.
    pub error: u64,
    /// CR2 of the last page fault.
    pub cr2: u64,
}

/// Why [`enter`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trap {
    /// The guest executed `syscall`; number in rax, rip behind the instruction.
    Syscall,
    /// The same, told by a signal of the host: the instruction stands behind rip, and can be patched.
    SyscallSignal,
    /// The guest executed a 32-bit syscall (`int 0x80`); number in rax.
    Syscall32,
    /// A fault or trap of the guest's own.
    Fault(Fault),
    /// The time slice is over.
    Tick,
    /// Something outside wants attention: a deadline, the doorbell, the terminal.
    Irq,
}

/// Whose FS and MXCSR the CPU has.
#[repr(u64)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The owner's: the kernel was entered without a signal and has not left for the host since.
    Guest = 0,
    /// The host's: anything may be called.
    Host = 1,
    /// Nobody's.
    Adrift = 2,
}

/// What assembly and the signal handler share. One virtual CPU, so one static.
#[repr(C)]
pub(crate) struct Cpu {
    /// Kernel stack pointer saved by `enter`: it points to where `enter` goes on.
    pub(crate) kstack: u64,
    /// The context that runs or is about to.
    pub(crate) ctx: *mut Context,
    /// Nonzero: do not enter, return `Irq` (set by handlers that interrupted kernel code).
    pub(crate) pending: u64,
    /// The context whose vector state and GS are in the CPU; null: none.
    pub(crate) owner: *mut Context,
    /// Whose FS and MXCSR the CPU has.
    pub(crate) side: Side,
    /// Nonzero: the guest was left through a patched site.
    pub(crate) fast: u64,
    /// Where the guest goes on.
    pub(crate) resume: u64,
    /// How often stubs went away: what contexts know of older ones is worth nothing.
    pub(crate) generation: u64,
    /// The host's FS base on the vCPU thread.
    pub(crate) host_fs: u64,
    /// The vCPU's alternate signal stack: tells the vCPU thread's handlers from other threads'.
    pub(crate) alt_lo: u64,
    pub(crate) alt_hi: u64,
    /// Feature mask for `xrstor`.
    pub(crate) xmask: u64,
    /// Bytes of an XSAVE area; asking the CPU takes a microsecond in a virtual machine. 0: not asked yet.
    pub(crate) xsize: u64,
    /// What FS points to in kernel code that was not asked to use the host's; 0: the guest's is left there.
    pub(crate) poison: u64,
    /// Moves saved what the CPU had last, so there is no state in it but what they can replace.
    pub(crate) clean: bool,
    /// The guest was being stepped (TF) when it came through a patched site.
    pub(crate) stepped: bool,
    /// A tick among what is pending.
    pub(crate) tick: bool,
    /// Nonzero: the signal handler runs.
    pub(crate) handling: u32,
    /// Nonzero: the vCPU does the debugger's own work ([`crate::own::park::quietly`]).
    pub(crate) quiet: u32,
    /// Why the guest stopped; written by the handler before it leaves.
    pub(crate) trap: Trap,
}

pub(crate) struct CpuCell(UnsafeCell<Cpu>);

// SAFETY: the cell is touched by the vCPU thread only (its own code and the signal handlers on its alternate stack);
// `signals` checks the stack before it looks, and `pending` is accessed as a volatile word.
unsafe impl Sync for CpuCell {}

impl CpuCell {
    #[inline]
    pub(crate) fn get(&self) -> *mut Cpu {
        self.0.get()
    }
}

pub(crate) static CPU: CpuCell = CpuCell(UnsafeCell::new(Cpu {
    kstack: 0,
    ctx: core::ptr::null_mut(),
    pending: 0,
    owner: core::ptr::null_mut(),
    side: Side::Host,
    fast: 0,
    resume: 0,
    generation: 0,
    host_fs: 0,
    alt_lo: 0,
    alt_hi: 0,
    xmask: 0,
    xsize: 0,
    poison: 0,
    clean: false,
    stepped: false,
    tick: false,
    handling: 0,
    quiet: 0,
    trap: Trap::Irq,
}));

/// Linux's user code segment selector on x86-64.
const USER_CS: u64 = 0x33;
/// Linux's user stack segment selector on x86-64.
const USER_SS: u64 = 0x2b;
/// CF PF AF ZF SF OF, interrupts on, and the bit that is always set: what can be loaded without `popfq`.
const PLAIN_FLAGS: u64 = 0x8d5 | 0x202;
/// The trap flag.
const TF: u64 = 0x100;

/// Loads the context into the CPU. The guest is left by a jump to where `enter` goes on.
///
/// rdi = `*const Context`, rsi = `*mut Cpu`.
#[unsafe(naked)]
unsafe extern "C" fn llano_enter() {
    naked_asm!(
        // From here on a signal throws the entry away: nothing below writes the context.
        ".globl llano_entry_begin",
        "llano_entry_begin:",
        "cmp qword ptr [rsi + {pending}], 0",
        "jne {leave}",
        "mov rcx, [rdi + {area}]",
        "cmp [rsi + {owner}], rdi",
        "jne 5f",
        // Live: kernel code used xmm0-15, and perhaps left for the host.
        "movaps xmm0, [rcx + {xmm} + 0]",
        "movaps xmm1, [rcx + {xmm} + 16]",
        "movaps xmm2, [rcx + {xmm} + 32]",
        "movaps xmm3, [rcx + {xmm} + 48]",
        "movaps xmm4, [rcx + {xmm} + 64]",
        "movaps xmm5, [rcx + {xmm} + 80]",
        "movaps xmm6, [rcx + {xmm} + 96]",
        "movaps xmm7, [rcx + {xmm} + 112]",
        "movaps xmm8, [rcx + {xmm} + 128]",
        "movaps xmm9, [rcx + {xmm} + 144]",
        "movaps xmm10, [rcx + {xmm} + 160]",
        "movaps xmm11, [rcx + {xmm} + 176]",
        "movaps xmm12, [rcx + {xmm} + 192]",
        "movaps xmm13, [rcx + {xmm} + 208]",
        "movaps xmm14, [rcx + {xmm} + 224]",
        "movaps xmm15, [rcx + {xmm} + 240]",
        "cmp qword ptr [rsi + {side}], 0",
        "jne 6f",
        "2:",
        // No TLS access from here on: FS is the guest's.
        "mov rax, [rdi + {rflags}]",
        "test rax, {fancy}",
        "jnz 7f",
        // The six flags that instructions set, without a stack: `add` makes OF, `sahf` the others.
        "mov ah, al",
        "bt dword ptr [rdi + {rflags}], 11",
        "setc al",
        "add al, 0x7f",
        "sahf",
        "mov rax, [rdi + 0]",
        "mov rbx, [rdi + 8]",
        "mov rcx, [rdi + 16]",
        "mov rdx, [rdi + 24]",
        "mov rsi, [rdi + 32]",
        "mov rbp, [rdi + 48]",
        "mov rsp, [rdi + 56]",
        "mov r8,  [rdi + 64]",
        "mov r9,  [rdi + 72]",
        "mov r10, [rdi + 80]",
        "mov r11, [rdi + 88]",
        "mov r12, [rdi + 96]",
        "mov r13, [rdi + 104]",
        "mov r14, [rdi + 112]",
        "mov r15, [rdi + 120]",
        "mov rdi, [rdi + 40]",
        "jmp qword ptr [rip + {cpu} + {resume}]",
        // Not live: everything from the area.
        "5:",
        "mov eax, [rsi + {xmask}]",
        "mov edx, [rsi + {xmask} + 4]",
        "xrstor64 [rcx]",
        "mov rax, [rdi + {gs_base}]",
        "wrgsbase rax",
        "6:",
        "ldmxcsr [rcx + {mxcsr}]",
        "mov rax, [rdi + {fs_base}]",
        "wrfsbase rax",
        "jmp 2b",
        // Flags beyond those six (TF!): iretq loads rip, rsp and flags in one instruction.
        "7:",
        "push {ss}",
        "push [rdi + 56]",
        "push [rdi + {rflags}]",
        "push {cs}",
        "push [rsi + {resume}]",
        "mov rax, [rdi + 0]",
        "mov rbx, [rdi + 8]",
        "mov rcx, [rdi + 16]",
        "mov rdx, [rdi + 24]",
        "mov rsi, [rdi + 32]",
        "mov rbp, [rdi + 48]",
        "mov r8,  [rdi + 64]",
        "mov r9,  [rdi + 72]",
        "mov r10, [rdi + 80]",
        "mov r11, [rdi + 88]",
        "mov r12, [rdi + 96]",
        "mov r13, [rdi + 104]",
        "mov r14, [rdi + 112]",
        "mov r15, [rdi + 120]",
        "mov rdi, [rdi + 40]",
        "iretq",
        ".globl llano_entry_end",
        "llano_entry_end:",
        "ud2",
        cpu = sym CPU,
        pending = const offset_of!(Cpu, pending),
        owner = const offset_of!(Cpu, owner),
        side = const offset_of!(Cpu, side),
        resume = const offset_of!(Cpu, resume),
        xmask = const offset_of!(Cpu, xmask),
        area = const offset_of!(Context, area),
        gs_base = const offset_of!(Context, gs_base),
        fs_base = const offset_of!(Context, fs_base),
        rflags = const offset_of!(Frame, rflags),
        xmm = const XMM.start,
        mxcsr = const MXCSR_AT,
        fancy = const !PLAIN_FLAGS as i32,
        ss = const USER_SS,
        cs = const USER_CS,
        leave = sym llano_leave,
    )
}

/// The way out of the guest: back on the kernel stack, to where `enter` goes on.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn llano_leave() -> ! {
    naked_asm!(
        "mov rsp, [rip + {cpu} + {kstack}]",
        "jmp [rsp]",
        cpu = sym CPU,
        kstack = const offset_of!(Cpu, kstack),
    )
}

unsafe extern "C" {
    static llano_entry_begin: u8;
    static llano_entry_end: u8;
}

/// The range of instructions in which an entry can still be thrown away.
pub(crate) fn entry_range() -> core::ops::Range<u64> {
    (&raw const llano_entry_begin as u64)..(&raw const llano_entry_end as u64)
}

/// Runs the guest with `ctx`'s registers until it traps; the registers are back in `ctx` then.
///
/// The vCPU must have been set up ([`crate::signals::init`]) on this thread.
#[inline]
pub fn enter(ctx: &mut Context) -> Trap {
    loop {
        let mut trap = enter_once(ctx);
        // SAFETY: a plain word of this thread's own cell.
        if !patch::on() || unsafe { (*CPU.get()).fast } != 0 {
            return trap;
        }
        match patch::settle(&mut ctx.frame, &mut trap) {
            Settled::Trap => return trap,
            Settled::Again => {}
            Settled::Syscall => {
                if matches!(trap, Trap::Irq | Trap::Tick) {
                    // SAFETY: as above. What interrupted the call is looked at when it is over.
                    unsafe {
                        (*CPU.get()).tick |= trap == Trap::Tick;
                        (&raw mut (*CPU.get()).pending).write_volatile(1);
                    }
                }
                return Trap::Syscall;
            }
        }
    }
}

#[inline]
fn enter_once(ctx: &mut Context) -> Trap {
    let cpu = CPU.get();
    // SAFETY: `init` made this thread the vCPU, so nothing else touches the cell but handlers on this very thread. The
    // owner is a live context, since dropping one disowns it. The context outlives the call. Every register that the
    // guest or the way out changes is named as changed; flags are as the ABI wants them (DF clear), since `llano_handler`
    // and `llano_fast_entry` clear what a guest may have set.
    unsafe {
        let known = ctx.frame.rip == ctx.next && ctx.generation == (*cpu).generation;
        (*cpu).ctx = ctx;
        (*cpu).trap = Trap::Irq;
        (*cpu).fast = 0;
        (*cpu).resume = if known { ctx.resume } else { patch::entry_address(ctx.frame.rip) };
        ctx.frame.rflags = (ctx.frame.rflags & USER_FLAGS) | 0x202;
        if (*cpu).owner != (*cpu).ctx {
            match (*cpu).owner.as_mut() {
                Some(owner) => ctx.take_over(owner),
                None => ctx.load(),
            };
        }
        asm!(
            "push rbx",
            "push rbp",
            "lea rax, [rip + 2f]",
            "push rax",
            "mov [rsi + {kstack}], rsp",
            // A jump, not a call: returns of the guest and of the kernel stay predicted.
            "jmp {enter}",
            "2:",
            "pop rax",
            "pop rbp",
            "pop rbx",
            enter = sym llano_enter,
            kstack = const offset_of!(Cpu, kstack),
            inout("rdi") (*cpu).ctx => _,
            inout("rsi") cpu => _,
            out("r12") _, out("r13") _, out("r14") _, out("r15") _,
            clobber_abi("sysv64"),
        );
        (*cpu).ctx = core::ptr::null_mut();
        (*cpu).clean = false;
        if (*cpu).poison != 0 {
            crate::border::poison();
        }
        if (*cpu).fast != 0 {
            if core::mem::take(&mut (*cpu).stepped) {
                ctx.frame.rflags |= TF;
                ctx.frame.regs[reg::R11] |= TF;
            }
            ctx.generation = (*cpu).generation;
            return Trap::Syscall;
        }
        if (*cpu).trap == Trap::Irq && (&raw const (*cpu).pending).read_volatile() != 0 {
            (&raw mut (*cpu).pending).write_volatile(0);
        }
        if (*cpu).trap == Trap::Irq && core::mem::take(&mut (*cpu).tick) {
            return Trap::Tick;
        }
        (*cpu).trap
    }
}

/// The FS base of the calling code.
pub(crate) fn read_fs() -> u64 {
    let fs;
    // SAFETY: start-up checked that the host enabled FSGSBASE; the instruction only reads.
    unsafe { asm!("rdfsbase {}", out(reg) fs, options(nomem, nostack)) };
    fs
}

/// The GS base of the calling code: always the guest's.
pub(crate) fn read_gs() -> u64 {
    let gs;
    // SAFETY: as for `read_fs`.
    unsafe { asm!("rdgsbase {}", out(reg) gs, options(nomem, nostack)) };
    gs
}

/// Sets the FS base.
pub(crate) fn write_fs(base: u64) {
    // SAFETY: as for `read_fs`. Code that may use thread-local storage loads the host's first ([`crate::border`]).
    unsafe { asm!("wrfsbase {}", in(reg) base, options(nomem, nostack)) };
}

/// Sets the GS base.
pub(crate) fn write_gs(base: u64) {
    // SAFETY: as for `read_fs`; llano's own code does not use GS. The base was in GS before or is zero, so it is canonical.
    unsafe { asm!("wrgsbase {}", in(reg) base, options(nomem, nostack)) };
}
