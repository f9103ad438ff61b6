//! The host signal handler: one for everything, deciding by *where* the signal hit.
//!
//! | interrupted code | SIGSYS | fault | tick, doorbell |
//! |---|---|---|---|
//! | guest | save registers, leave with `Trap::SyscallSignal` | save, leave with `Trap::Fault` | save, leave |
//! | entry region | - | leave with `Trap::Fault` (a state the CPU refuses) | throw the entry away, leave |
//! | guest-memory copy | - | continue at the copy's fix-up | set `pending`, go on |
//! | other kernel code, a handler | vDSO falling back: do the call | the kernel is broken: report | set `pending`, go on |
//!
//! With a debugger attached a breakpoint, a step, a fault or `SIG_PARK` in kernel code parks the vCPU first ([`crate::own`]).
//!
//! *Leaving* jumps from the alternate stack to `llano_leave` without `rt_sigreturn`; the next signal then starts at the
//! top of the alternate stack. For traps that is sound because their handler does not change the signal mask
//! (SA_NODEFER, empty mask). Ticks and doorbells block each other while they are handled, or a burst of them would pile
//! up frames without end; who leaves from one unblocks them first.
//! Every handler loads the host's FS base before any Rust runs and puts the interrupted one back if it goes on.

use crate::border::host;
use crate::context::Context;
use crate::cpu::{CPU, Fault, Side, Trap, entry_range, llano_leave, read_gs, reg};
use crate::own::park::{self, Trapped};
use crate::registers::Registers;
use crate::usermem;
use crate::{HostError, check};
use core::arch::naked_asm;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// The tick: the current task's time slice is over.
pub const SIG_TICK: i32 = 40;
/// The doorbell: look at deadlines and requests.
pub const SIG_DOORBELL: i32 = 41;

/// Park: the debugger waited long enough. In guest code it is as a doorbell.
pub(crate) const SIG_PARK: i32 = 42;

/// Those that come at any time, as a signal mask.
const ASYNCHRONOUS: u64 = 1 << (SIG_TICK - 1) | 1 << (SIG_DOORBELL - 1) | 1 << (SIG_PARK - 1);

const ALT_STACK: usize = 512 << 10;
const SA_RESTORER: u64 = 0x0400_0000;
const TRAP_SIGNALS: [i32; 10] = [
    libc::SIGABRT,
    libc::SIGSYS,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    SIG_TICK,
    SIG_DOORBELL,
    SIG_PARK,
];

static VDSO_START: AtomicU64 = AtomicU64::new(0);
static VDSO_END: AtomicU64 = AtomicU64::new(0);
/// What to do when kernel code itself faults: set once by the binary, runs in the handler.
static ON_CRASH: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// Crashes so far: what reports one may crash itself, and is called again.
static CRASHES: AtomicU32 = AtomicU32::new(0);
/// So often.
const ATTEMPTS: u32 = 8;
/// The end has come: nothing is reported any more.
static OVER: AtomicBool = AtomicBool::new(false);

unsafe extern "C" {
    static __executable_start: u8;
    static etext: u8;
}

/// llano's own code: syscalls made from here go to the host.
pub fn text_range() -> Range<u64> {
    (&raw const __executable_start as u64)..(&raw const etext as u64)
}

/// What was added to the addresses in llano's file when it was loaded.
pub fn bias() -> u64 {
    &raw const __executable_start as u64
}

/// A crash of the kernel itself, as told to the crash hook.
#[derive(Debug, Clone, Copy)]
pub struct Crash {
    /// The signal.
    pub fault: Fault,
    /// The registers it found.
    pub registers: Registers,
    /// 0 for the first; then crashes of the hook itself, each on top of the one before.
    pub nth: u32,
    /// Whether it happened on the vCPU's thread.
    pub vcpu: bool,
}

/// Names the function that reports a fault of kernel code; it must end the process, by [`die`]. If it faults itself it is
/// called again, a few times.
pub fn on_crash(hook: fn(&Crash) -> !) {
    ON_CRASH.store(hook as *mut (), Ordering::Relaxed);
}

/// Makes the calling thread the vCPU: alternate stack, handlers, what assembly needs to know.
///
/// # Errors
/// The host lacks FSGSBASE or XSAVE, or refuses a call: the text says which.
pub fn init() -> Result<(), String> {
    const HWCAP2_FSGSBASE: u64 = 2;
    // SAFETY: getauxval reads the auxiliary vector that the host gave this process.
    let hwcap2 = unsafe { libc::getauxval(libc::AT_HWCAP2) };
    if hwcap2 & HWCAP2_FSGSBASE == 0 {
        return Err("this host does not enable FSGSBASE (needs Linux 5.9 and a CPU of 2012 or later)".into());
    }
    if core::arch::x86_64::__cpuid(1).ecx & (1 << 27) == 0 {
        return Err("this CPU or host does not enable XSAVE".into());
    }
    find_vdso();
    let alt = map_alt_stack().map_err(|e| format!("cannot map a signal stack: {e}"))?;
    let cpu = CPU.get();
    // SAFETY: no handler is installed yet and no other thread uses the cell.
    unsafe {
        (*cpu).alt_lo = alt as u64;
        (*cpu).alt_hi = alt as u64 + ALT_STACK as u64;
        (*cpu).host_fs = crate::cpu::read_fs();
        (*cpu).xmask = crate::context::xsave_features();
        crate::vector::init((*cpu).xmask);
        (*cpu).xsize = crate::context::xsave_size() as u64;
        (*cpu).poison = crate::border::read_environment();
    }
    for sig in TRAP_SIGNALS {
        install(sig).map_err(|e| format!("cannot handle signal {sig}: {e}"))?;
    }
    Ok(())
}

fn find_vdso() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
    for line in maps.lines().filter(|l| l.ends_with("[vdso]")) {
        let mut ends = line.split([' ', '-']).map(|s| u64::from_str_radix(s, 16));
        if let (Some(Ok(a)), Some(Ok(b))) = (ends.next(), ends.next()) {
            VDSO_START.store(a, Ordering::Relaxed);
            VDSO_END.store(b, Ordering::Relaxed);
        }
    }
}

fn map_alt_stack() -> Result<*mut libc::c_void, HostError> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh anonymous map at an address of the host's choice touches nothing that exists; the stack is then
    // given to the host for this thread and never unmapped.
    unsafe {
        let p =
            host!(mmap)(core::ptr::null_mut(), ALT_STACK, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        if p == libc::MAP_FAILED {
            return Err(HostError::last());
        }
        let ss = libc::stack_t { ss_sp: p, ss_flags: 0, ss_size: ALT_STACK };
        check(host!(sigaltstack)(&ss, core::ptr::null_mut()).into())?;
        Ok(p)
    }
}

#[repr(C)]
struct KernelSigaction {
    handler: u64,
    flags: u64,
    restorer: u64,
    mask: u64,
}

pub(crate) fn install(sig: i32) -> Result<(), HostError> {
    let asynchronous = is_asynchronous(sig);
    let nodefer = if asynchronous { 0 } else { libc::SA_NODEFER };
    let flags = (libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART | nodefer) as u64;
    let act = KernelSigaction {
        handler: llano_handler as *const () as u64,
        flags: flags | SA_RESTORER,
        restorer: llano_restorer as *const () as u64,
        mask: if asynchronous { ASYNCHRONOUS } else { 0 },
    };
    // SAFETY: rt_sigaction copies `act`, whose layout is the x86-64 kernel's; the handler is written for it.
    check(unsafe { host!(syscall)(libc::SYS_rt_sigaction, sig, &act, 0usize, 8usize) }).map(|_| ())
}

fn is_asynchronous(sig: i32) -> bool {
    sig == SIG_TICK || sig == SIG_DOORBELL || sig == SIG_PARK
}

/// Where the handler begins.
pub(crate) fn handler_start() -> u64 {
    llano_handler as *const () as u64
}

/// rdi = signal, rsi = siginfo, rdx = ucontext; rsp at the restorer's address, on the alternate stack if this is
/// the vCPU.
#[unsafe(naked)]
unsafe extern "C" fn llano_handler() {
    naked_asm!(
        // The guest's AC would make our loads fault and its NT our iretq; the host cleared DF and TF already.
        "push 2",
        "popfq",
        "cmp edi, {sigtrap}",
        "je {trap}",
        ".globl llano_handle",
        "llano_handle:",
        "lea rcx, [rip + {cpu}]",
        "cmp rsp, [rcx + {alt_lo}]",
        "jb 2f",
        "cmp rsp, [rcx + {alt_hi}]",
        "ja 2f",
        "rdfsbase rbx",
        "mov rax, [rcx + {host_fs}]",
        "wrfsbase rax",
        // FS is the host's from here.
        "inc dword ptr [rcx + {handling}]",
        "mov rcx, rbx",
        "sub rsp, 8",
        "cld",
        "call {on_signal}",
        "dec dword ptr [rip + {cpu} + {handling}]",
        "test eax, eax",
        "jnz {leave}",
        "add rsp, 8",
        // Go on where we interrupted, on the FS that was there; rt_sigreturn restores everything else.
        "wrfsbase rbx",
        "ret",
        // Another thread of llano's: its FS is the host's.
        "2:",
        "sub rsp, 8",
        "call {on_other}",
        "add rsp, 8",
        "ret",
        ".globl llano_handler_end",
        "llano_handler_end:",
        "ud2",
        cpu = sym CPU,
        sigtrap = const libc::SIGTRAP,
        trap = sym crate::own::points::llano_trap,
        handling = const core::mem::offset_of!(crate::cpu::Cpu, handling),
        alt_lo = const core::mem::offset_of!(crate::cpu::Cpu, alt_lo),
        alt_hi = const core::mem::offset_of!(crate::cpu::Cpu, alt_hi),
        host_fs = const core::mem::offset_of!(crate::cpu::Cpu, host_fs),
        on_signal = sym on_signal,
        on_other = sym on_other_thread,
        leave = sym llano_leave,
    )
}

#[unsafe(naked)]
unsafe extern "C" fn llano_restorer() {
    naked_asm!("mov eax, 15", "syscall", "ud2")
}

/// Go on where the signal hit.
const RESUME: u32 = 0;
/// Leave the guest: `enter` returns.
const LEAVE: u32 = 1;

/// # Safety
/// Called by `llano_handler` only, with what the host passed to it.
unsafe extern "C" fn on_signal(
    sig: i32,
    info: *const libc::siginfo_t,
    uc: *mut libc::ucontext_t,
    fs: u64,
) -> u32 {
    // SAFETY: the host passes valid pointers to its signal frame; the cell belongs to this thread (see CpuCell).
    let (info, uc, cpu) = unsafe { (&*info, &mut *uc, &mut *CPU.get()) };
    let rip = uc.uc_mcontext.gregs[libc::REG_RIP as usize] as u64;
    let in_text = text_range().contains(&rip);
    let in_vdso = (VDSO_START.load(Ordering::Relaxed)..VDSO_END.load(Ordering::Relaxed)).contains(&rip);
    let asynchronous = is_asynchronous(sig);
    if sig == libc::SIGABRT {
        return aborted(info, uc, fs);
    }
    if sig == SIG_TICK {
        cpu.tick = true;
    }
    if !in_text && !in_vdso && !cpu.ctx.is_null() {
        // SAFETY: `enter` set ctx to a live context and waits in `llano_enter` for us.
        save(unsafe { &mut *cpu.ctx }, uc, fs);
        cpu.trap = match sig {
            libc::SIGSYS => syscall_kind(info),
            _ if asynchronous => Trap::Irq,
            _ => Trap::Fault(fault_of(sig, info, uc)),
        };
        return leave(asynchronous);
    }
    let entering = entry_range().contains(&rip);
    // SAFETY: what the host passed.
    let own = if sig == libc::SIGTRAP { unsafe { park::trapped(uc, fs, entering) } } else { Trapped::No };
    if own == Trapped::Done {
        return RESUME;
    }
    if entering {
        cpu.trap = if asynchronous { Trap::Irq } else { Trap::Fault(fault_of(sig, info, uc)) };
        // SAFETY: as above. What was live is in the signal frame now, since the host gave the handler fresh registers.
        throw_away(unsafe { &mut *cpu.ctx }, uc, fs);
        return leave(asynchronous);
    }
    if sig == SIG_PARK {
        // SAFETY: what the host passed.
        unsafe { park::forced(uc, fs) };
    }
    if asynchronous {
        // SAFETY: a plain word of this thread's own cell, volatile because the interrupted code reads it.
        unsafe { (&raw mut cpu.pending).write_volatile(1) };
        return RESUME;
    }
    if sig == libc::SIGTRAP && crate::fast::range().contains(&rip) {
        // A guest that is stepped came through a patched site: the step goes on behind the call.
        uc.uc_mcontext.gregs[libc::REG_EFL as usize] &= !0x100;
        cpu.stepped = true;
        return RESUME;
    }
    if sig == libc::SIGTRAP && info.si_code == crate::watch::TRAP_PERF {
        return RESUME; // llano's own store to watched memory
    }
    if sig == libc::SIGSYS && in_vdso {
        vdso_fallback(uc);
        return RESUME;
    }
    if let Some(fixup) = usermem::fixup_for(rip) {
        uc.uc_mcontext.gregs[libc::REG_RIP as usize] = fixup as i64;
        return RESUME;
    }
    // SAFETY: what the host passed.
    if unsafe { park::fatal(sig, uc, fs) } {
        return RESUME;
    }
    keep_bases(fs);
    crash(sig, info, uc, true)
}

/// What to do before leaving the guest from a handler.
fn leave(asynchronous: bool) -> u32 {
    if asynchronous {
        const SIG_UNBLOCK: i64 = 1;
        let set = ASYNCHRONOUS;
        // SAFETY: rt_sigprocmask reads eight bytes. What was queued meanwhile arrives here, on top of this frame, finds
        // that it interrupted a handler, and returns.
        unsafe { raw_syscall4(libc::SYS_rt_sigprocmask, SIG_UNBLOCK, &raw const set as i64, 0, 8) };
    }
    LEAVE
}

/// # Safety
/// Called by `llano_handler` only, with what the host passed to it.
unsafe extern "C" fn on_other_thread(sig: i32, info: *const libc::siginfo_t, uc: *mut libc::ucontext_t) {
    // SAFETY: the host passes valid pointers to its signal frame.
    let (info, uc) = unsafe { (&*info, &mut *uc) };
    let rip = uc.uc_mcontext.gregs[libc::REG_RIP as usize] as u64;
    if is_asynchronous(sig) || sig == libc::SIGABRT {
        return;
    }
    if let Some(fixup) = usermem::fixup_for(rip) {
        uc.uc_mcontext.gregs[libc::REG_RIP as usize] = fixup as i64;
        return;
    }
    crash(sig, info, uc, false)
}

fn syscall_kind(info: &libc::siginfo_t) -> Trap {
    const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
    // SAFETY: for SIGSYS the siginfo holds call_addr (16), syscall (24) and arch (28); siginfo_t is 128 bytes.
    let arch = unsafe { (&raw const *info).cast::<u32>().add(7).read() };
    if arch == AUDIT_ARCH_X86_64 { Trap::SyscallSignal } else { Trap::Syscall32 }
}

fn fault_of(sig: i32, info: &libc::siginfo_t, uc: &libc::ucontext_t) -> Fault {
    let g = &uc.uc_mcontext.gregs;
    Fault {
        signal: sig,
        code: info.si_code,
        // SAFETY: for fault signals the siginfo holds an address; for others the bytes are initialised all the same.
        addr: unsafe { info.si_addr() } as u64,
        trapno: g[libc::REG_TRAPNO as usize] as u64,
        error: g[libc::REG_ERR as usize] as u64,
        cr2: g[libc::REG_CR2 as usize] as u64,
    }
}

/// Moves the interrupted registers into the context.
fn save(ctx: &mut Context, uc: &libc::ucontext_t, fs: u64) {
    use libc::{
        REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RAX, REG_RBP, REG_RBX,
        REG_RCX, REG_RDI, REG_RDX, REG_RSI, REG_RSP,
    };
    const ORDER: [i32; 16] = [
        REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8, REG_R9, REG_R10,
        REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
    ];
    let g = &uc.uc_mcontext.gregs;
    let f = ctx.regs_mut();
    for (to, from) in f.regs.iter_mut().zip(ORDER) {
        *to = g[from as usize] as u64;
    }
    f.rip = g[libc::REG_RIP as usize] as u64;
    f.rflags = g[libc::REG_EFL as usize] as u64;
    debug_assert!(f.regs[reg::RSP] != 0 || f.rip != 0);
    ctx.disown();
    (ctx.fs_base, ctx.gs_base) = (fs, read_gs());
    // SAFETY: `fpregs` is the host's.
    unsafe { ctx.take(uc.uc_mcontext.fpregs.cast(), false) };
    on_host_side();
}

/// Undoes a half-done entry: what it found live is live no more.
fn throw_away(ctx: &mut Context, uc: &libc::ucontext_t, fs: u64) {
    // SAFETY: plain words of this thread's own cell.
    let (owner, side) = unsafe { ((*CPU.get()).owner, (*CPU.get()).side) };
    if core::ptr::eq(owner, ctx) {
        if side == Side::Guest {
            ctx.fs_base = fs;
        }
        ctx.gs_base = read_gs();
        // SAFETY: `fpregs` is the host's.
        unsafe { ctx.take(uc.uc_mcontext.fpregs.cast(), true) };
        ctx.disown();
    }
    on_host_side();
}

/// `llano_handler` loaded the host's FS, and the host a fresh MXCSR.
fn on_host_side() {
    // SAFETY: a plain word of this thread's own cell.
    unsafe { (*CPU.get()).side = Side::Host };
}

/// The vDSO fell back to a real syscall (a clock it cannot read in user space): make it for it.
fn vdso_fallback(uc: &mut libc::ucontext_t) {
    let g = &mut uc.uc_mcontext.gregs;
    let arg = |r: i32| g[r as usize];
    // SAFETY: the vDSO passes on the arguments of llano's own libc call (clock_gettime and relatives), unchanged.
    let r = unsafe {
        raw_syscall4(arg(libc::REG_RAX), arg(libc::REG_RDI), arg(libc::REG_RSI), arg(libc::REG_RDX), 0)
    };
    g[libc::REG_RAX as usize] = r;
}

/// # Safety
/// As the syscall itself.
pub(crate) unsafe fn raw_syscall4(nr: i64, a: i64, b: i64, c: i64, d: i64) -> i64 {
    let r;
    // SAFETY: the caller answers for the call; the clobbers are those of `syscall`.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") nr => r, in("rdi") a, in("rsi") b, in("rdx") c,
            in("r10") d, out("rcx") _, out("r11") _, options(nostack));
    }
    r
}

/// A panic of kernel code, or llano was told to abort. Who returns from here goes on aborting.
fn aborted(info: &libc::siginfo_t, uc: &mut libc::ucontext_t, fs: u64) -> u32 {
    // SAFETY: what the host passed.
    if OVER.load(Ordering::Relaxed) || unsafe { park::fatal(libc::SIGABRT, uc, fs) } {
        return RESUME;
    }
    keep_bases(fs);
    crash(libc::SIGABRT, info, uc, true)
}

/// A task's FS that was still in the CPU when kernel code crashed is the task's.
fn keep_bases(fs: u64) {
    // SAFETY: plain words of this thread's own cell; an owner is a live context.
    unsafe {
        if (*CPU.get()).side == Side::Guest
            && let Some(owner) = (*CPU.get()).owner.as_mut()
        {
            owner.fs_base = fs;
        }
    }
    on_host_side();
}

fn crash(sig: i32, info: &libc::siginfo_t, uc: &libc::ucontext_t, vcpu: bool) -> ! {
    let crash = Crash {
        fault: fault_of(sig, info, uc),
        registers: Registers::interrupted(uc),
        nth: CRASHES.fetch_add(1, Ordering::Relaxed),
        vcpu,
    };
    let hook = ON_CRASH.load(Ordering::Relaxed);
    if !hook.is_null() && crash.nth < ATTEMPTS {
        // SAFETY: only `on_crash` stores here, and it stores a `fn(&Crash) -> !`.
        let hook: fn(&Crash) -> ! = unsafe { core::mem::transmute(hook) };
        hook(&crash);
    }
    die()
}

/// Ends llano as a crash does, by SIGABRT, and reports nothing more.
pub fn die() -> ! {
    OVER.store(true, Ordering::Relaxed);
    std::process::abort()
}

/// Return addresses below a crash, by frame pointers, while they lie on the same stack and point into llano's text.
pub fn frames(crash: &Crash) -> impl Iterator<Item = u64> {
    let (mut bp, mut last) = (crash.registers.rbp(), crash.registers.rsp());
    let next = move || {
        let mut frame = [0u8; 16];
        let plausible = bp > last && bp - last < 1 << 20 && bp % 8 == 0;
        if !plausible || crate::peek::read(bp, &mut frame) != Ok(frame.len()) {
            return None;
        }
        let word = |at: usize| u64::from_le_bytes(core::array::from_fn(|i| frame[at + i]));
        (last, bp) = (bp, word(0));
        Some(word(8)).filter(|ret| text_range().contains(ret))
    };
    core::iter::from_fn(next).take(64)
}
