//! Running guest code: [`enter`] puts a task's registers into the CPU, runs until something traps, and returns why.
//!
//! There is no assembly frame below a syscall handler: the host's signal handler ([`crate::signals`]) moves the guest's
//! registers into the [`Context`] and makes `enter` return. The entry region (between `llano_entry_begin` and
//! `llano_entry_end`) only *reads* the frame, so a signal that hits it can throw the half-done entry away.

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
    /// Base of FS: thread-local storage.
    pub fs_base: u64,
    /// Base of GS: belongs to the guest entirely.
    pub gs_base: u64,
    /// The vector state's area; belongs to the enclosing [`Context`].
    xstate: u64,
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
    pub fn cleared(&self) -> Frame {
        Frame { rflags: 0x202, orig_rax: u64::MAX, xstate: self.xstate, ..Frame::default() }
    }
}

/// The flags that user code may set: CF PF AF ZF SF TF DF OF NT RF AC ID.
pub const USER_FLAGS: u64 = 0x0025_4dd5;

/// A task's whole CPU state: general registers and the vector state in XSAVE standard format.
pub struct Context {
    frame: Frame,
    /// Keeps the 64-byte-aligned XSAVE area alive; `frame.xstate` points into it.
    area: Box<[XBlock]>,
}

#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct XBlock([u8; 64]);

/// MXCSR after reset: all exceptions masked.
const MXCSR_INIT: u32 = 0x1f80;

impl Context {
    /// A context with all registers zero and the vector state as after reset.
    pub fn new() -> Box<Context> {
        let blocks = xsave_size().div_ceil(64);
        let mut ctx = Box::new(Context {
            frame: Frame { rflags: 0x202, orig_rax: u64::MAX, ..Frame::default() },
            area: vec![XBlock([0; 64]); blocks].into_boxed_slice(),
        });
        ctx.frame.xstate = ctx.area.as_ptr() as u64;
        ctx.reset_vector();
        ctx
    }

    /// The vector state as after `execve`.
    pub fn reset_vector(&mut self) {
        self.area.fill(XBlock([0; 64]));
        self.xsave_mut()[24..28].copy_from_slice(&MXCSR_INIT.to_le_bytes());
        self.xsave_mut()[0..2].copy_from_slice(&0x37fu16.to_le_bytes());
    }

    /// The general registers.
    pub fn regs(&self) -> &Frame {
        &self.frame
    }

    /// The general registers, to change.
    pub fn regs_mut(&mut self) -> &mut Frame {
        &mut self.frame
    }

    /// The XSAVE area, standard format, [`xsave_size`] bytes (rounded up to 64).
    pub fn xsave(&self) -> &[u8] {
        self.area.as_flattened_bytes()
    }

    /// The XSAVE area, to change. Contents that the CPU refuses make the next [`enter`] return a fault.
    pub fn xsave_mut(&mut self) -> &mut [u8] {
        // SAFETY: XBlock is plain bytes without padding or invalid values, so the slice's memory is exactly
        // `len * 64` initialised bytes, borrowed for as long as `self` is.
        unsafe { core::slice::from_raw_parts_mut(self.area.as_mut_ptr().cast(), self.area.len() * 64) }
    }

    /// A copy for a new task (clone): same registers, same vector state.
    pub fn duplicate(&self) -> Box<Context> {
        let mut ctx = Box::new(Context { frame: self.frame.clone(), area: self.area.clone() });
        ctx.frame.xstate = ctx.area.as_ptr() as u64;
        ctx
    }
}

trait FlattenBytes {
    fn as_flattened_bytes(&self) -> &[u8];
}

impl FlattenBytes for Box<[XBlock]> {
    fn as_flattened_bytes(&self) -> &[u8] {
        // SAFETY: as in `xsave_mut`: XBlock is 64 plain bytes without padding.
        unsafe { core::slice::from_raw_parts(self.as_ptr().cast(), self.len() * 64) }
    }
}

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
    /// The guest executed a 32-bit syscall (`int 0x80`); number in rax.
    Syscall32,
    /// A fault or trap of the guest's own.
    Fault(Fault),
    /// The time slice is over.
    Tick,
    /// Something outside wants attention: a deadline, the doorbell, the terminal.
    Irq,
}

/// What assembly and the signal handler share. One virtual CPU, so one static.
#[repr(C)]
pub(crate) struct Cpu {
    /// Kernel stack pointer saved by `llano_enter`; the way out restores it.
    pub(crate) kstack: u64,
    /// The context that runs or is about to.
    pub(crate) ctx: *mut Context,
    /// Nonzero: do not enter, return `Irq` (set by handlers that interrupted kernel code).
    pub(crate) pending: u64,
    /// The host's FS base on the vCPU thread.
    pub(crate) host_fs: u64,
    /// The vCPU's alternate signal stack: tells the vCPU thread's handlers from other threads'.
    pub(crate) alt_lo: u64,
    pub(crate) alt_hi: u64,
    /// Feature mask for `xrstor`.
    pub(crate) xmask: u64,
    /// A tick among what is pending.
    pub(crate) tick: bool,
    /// Why the guest stopped; written by the handler before it leaves.
    pub(crate) trap: Trap,
}

pub(crate) struct CpuCell(UnsafeCell<Cpu>);

// SAFETY: the cell is touched by the vCPU thread only (its own code and the signal handlers on its alternate stack);
// `signals` checks the stack before it looks, and `pending` is accessed as a volatile word.
unsafe impl Sync for CpuCell {}

impl CpuCell {
    pub(crate) fn get(&self) -> *mut Cpu {
        self.0.get()
    }
}

pub(crate) static CPU: CpuCell = CpuCell(UnsafeCell::new(Cpu {
    kstack: 0,
    ctx: core::ptr::null_mut(),
    pending: 0,
    host_fs: 0,
    alt_lo: 0,
    alt_hi: 0,
    xmask: 0,
    tick: false,
    trap: Trap::Irq,
}));

/// Linux's user code segment selector on x86-64.
const USER_CS: u64 = 0x33;
/// Linux's user stack segment selector on x86-64.
const USER_SS: u64 = 0x2b;

/// Loads the frame into the CPU. Returns (to `enter`) when the signal handler leaves the guest, by `llano_leave`.
///
/// rdi = `*const Frame`, rsi = `*mut Cpu`.
#[unsafe(naked)]
unsafe extern "C" fn llano_enter(frame: *const Frame, cpu: *mut Cpu) {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rsi + {kstack}], rsp",
        // From here on a signal throws the entry away: nothing below writes the frame.
        ".globl llano_entry_begin",
        "llano_entry_begin:",
        "cmp qword ptr [rsi + {pending}], 0",
        "jne {leave}",
        "mov rcx, [rdi + {xstate}]",
        "mov eax, [rsi + {xmask}]",
        "mov edx, [rsi + {xmask} + 4]",
        "xrstor64 [rcx]",
        "mov rax, [rdi + {gs_base}]",
        "wrgsbase rax",
        // The frame for iretq; it loads rip, rsp and flags (TF!) in one instruction.
        "push {ss}",
        "push [rdi + 56]",
        "push [rdi + {rflags}]",
        "push {cs}",
        "push [rdi + {rip}]",
        "mov rax, [rdi + {fs_base}]",
        // No TLS access from here on: FS is the guest's.
        "wrfsbase rax",
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
        kstack = const offset_of!(Cpu, kstack),
        pending = const offset_of!(Cpu, pending),
        xmask = const offset_of!(Cpu, xmask),
        xstate = const offset_of!(Frame, xstate),
        gs_base = const offset_of!(Frame, gs_base),
        fs_base = const offset_of!(Frame, fs_base),
        rflags = const offset_of!(Frame, rflags),
        rip = const offset_of!(Frame, rip),
        ss = const USER_SS,
        cs = const USER_CS,
        leave = sym llano_leave,
    )
}

/// The way out of the guest: back on the kernel stack, into `llano_enter`'s caller. FS is the host's already.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn llano_leave() -> ! {
    naked_asm!(
        "lea rsi, [rip + {cpu}]",
        "mov rsp, [rsi + {kstack}]",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
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
pub fn enter(ctx: &mut Context) -> Trap {
    let cpu = CPU.get();
    ctx.frame.rflags = (ctx.frame.rflags & USER_FLAGS) | 0x202;
    // SAFETY: `init` made this thread the vCPU, so nothing else touches the cell but handlers on this very thread,
    // which run while `llano_enter` does. The frame outlives the call. `llano_enter` keeps the callee-saved registers
    // as the ABI demands, and the handler restored the host's FS, flags and MXCSR before it returns here.
    unsafe {
        (*cpu).ctx = ctx;
        (*cpu).trap = Trap::Irq;
        llano_enter(&ctx.frame, cpu);
        (*cpu).ctx = core::ptr::null_mut();
        if (*cpu).trap == Trap::Irq && (&raw const (*cpu).pending).read_volatile() != 0 {
            (&raw mut (*cpu).pending).write_volatile(0);
        }
        if (*cpu).trap == Trap::Irq && core::mem::take(&mut (*cpu).tick) {
            return Trap::Tick;
        }
        (*cpu).trap
    }
}

/// Bytes of an XSAVE area with every feature the host has enabled (CPUID 0xd, leaf 0, EBX).
pub fn xsave_size() -> usize {
    core::arch::x86_64::__cpuid_count(0xd, 0).ebx as usize
}

/// The features the host has enabled (XCR0).
pub fn xsave_features() -> u64 {
    let (lo, hi): (u32, u32);
    // SAFETY: `xgetbv` with ecx = 0 reads XCR0; llano's start-up checked that the CPU has OSXSAVE.
    unsafe { asm!("xgetbv", in("ecx") 0, out("eax") lo, out("edx") hi, options(nomem, nostack)) };
    u64::from(hi) << 32 | u64::from(lo)
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
