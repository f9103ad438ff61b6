//! The parked vCPU.
//!
//! The signal handler calls `park` where it would otherwise report a crash, or where a breakpoint or a step in kernel
//! code ends. It rings the debug thread's bell by a raw write and sleeps in a raw futex call, since anything of the C
//! library's may be what it was stopped in. The debug thread changes the signal frame, and lets it go on.

use super::{points, table};
use crate::border::host;
use crate::context::{Context, XMM};
use crate::cpu::{CPU, Frame, Side, read_gs, write_gs};
use crate::registers::Registers;
use crate::signals::{self, raw_syscall4};
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// The vCPU's thread is to stop in kernel code. What looks here first is [`llano_trap`](super::points).
pub(super) static ARMED: AtomicU32 = AtomicU32::new(0);
/// Written to when the vCPU parks.
static BELL: AtomicI32 = AtomicI32::new(-1);

const RUNS: u32 = 0;
const PARKED: u32 = 1;
/// Whether it is: the futex that it sleeps on.
static STATE: AtomicU32 = AtomicU32::new(RUNS);
/// Nobody has taken notice of that yet.
static NEWS: AtomicBool = AtomicBool::new(false);
/// Why: see [`Why`].
static WHY: AtomicI32 = AtomicI32::new(0);
/// The signal frame.
static FRAME: AtomicPtr<libc::ucontext_t> = AtomicPtr::new(core::ptr::null_mut());
/// FS as it was interrupted.
static FS: AtomicU64 = AtomicU64::new(0);
/// GS: the guest's.
static GS: AtomicU64 = AtomicU64::new(0);
/// It makes steps, until it leaves this range.
static STEPS: AtomicBool = AtomicBool::new(false);
static STEP_FROM: AtomicU64 = AtomicU64::new(0);
static STEP_TO: AtomicU64 = AtomicU64::new(0);
/// A step left the kernel.
static STEPPED_OUT: AtomicBool = AtomicBool::new(false);
/// It is to park wherever it is.
static FORCED: AtomicBool = AtomicBool::new(false);

const TF: i64 = 0x100;
const TRAP_STEP: i64 = 1;
const TRAP_INT3: i64 = 3;

/// Why the vCPU parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A breakpoint; rip is at it.
    Breakpoint,
    /// The step is over.
    Step,
    /// It did not answer, and was told to.
    Interrupt,
    /// This signal: kernel code faulted, or aborts. The end of llano, unless rip is changed.
    Signal(i32),
}

const BREAKPOINT: i32 = -1;
const STEP: i32 = -2;
const INTERRUPT: i32 = -3;

/// From now on kernel code stops for a debugger, whose thread reads a byte from `bell` each time.
pub fn arm(bell: i32) {
    BELL.store(bell, Ordering::Relaxed);
    NEWS.store(false, Ordering::Relaxed);
    ARMED.store(1, Ordering::Release);
}

/// From now on it does not.
pub fn disarm() {
    ARMED.store(0, Ordering::Release);
    points::remove_all();
}

/// Runs `f`, in which the vCPU does the debugger's own work: nothing stops there.
pub fn quietly<R>(f: impl FnOnce() -> R) -> R {
    let change = |by: i32| {
        if crate::on_vcpu() {
            // SAFETY: a plain word of this thread's own cell, volatile because handlers read it.
            unsafe {
                let quiet = &raw mut (*CPU.get()).quiet;
                quiet.write_volatile(quiet.read_volatile().wrapping_add_signed(by));
            }
        }
    };
    change(1);
    let result = f();
    change(-1);
    result
}

/// Whether the vCPU is parked.
pub fn parked() -> bool {
    STATE.load(Ordering::Acquire) == PARKED
}

/// Why the vCPU is parked, if it is.
pub fn why() -> Option<Why> {
    parked().then(|| match WHY.load(Ordering::Relaxed) {
        BREAKPOINT => Why::Breakpoint,
        STEP => Why::Step,
        INTERRUPT => Why::Interrupt,
        signal => Why::Signal(signal),
    })
}

/// The same, told once each time.
pub fn news() -> Option<Why> {
    why().filter(|_| NEWS.swap(false, Ordering::AcqRel))
}

/// Whether it parked and nobody took notice yet.
pub fn is_news() -> bool {
    NEWS.load(Ordering::Acquire)
}

/// Parks the vCPU wherever it is, if that is kernel code. `tid`: the host's number of its thread.
pub fn force(tid: i32) {
    FORCED.store(true, Ordering::Release);
    // SAFETY: takes numbers.
    unsafe {
        raw_syscall4(libc::SYS_tgkill, i64::from(std::process::id()), tid.into(), signals::SIG_PARK.into(), 0)
    };
}

/// All registers of a thread.
#[derive(Debug, Clone)]
pub struct Cpu {
    /// General registers.
    pub registers: Registers,
    /// Number of the call in progress, or -1.
    pub orig_rax: u64,
    /// Base of FS.
    pub fs_base: u64,
    /// Base of GS.
    pub gs_base: u64,
    /// Vector and x87 registers: an XSAVE area in the standard format.
    pub xsave: Vec<u8>,
}

/// The XSAVE image of the signal frame.
fn image(uc: &libc::ucontext_t) -> (*mut u8, usize) {
    // `sw_reserved` of the FXSAVE image says how much extended state follows (asm/sigcontext.h).
    const SW_MAGIC: usize = 464;
    const SW_XSTATE_SIZE: usize = 464 + 16;
    const MAGIC: u32 = 0x4650_5853;
    const FXSAVE: usize = 512;
    let image: *mut u8 = uc.uc_mcontext.fpregs.cast();
    if image.is_null() {
        return (image, 0);
    }
    // SAFETY: the host's FXSAVE image has 512 bytes.
    let word = |at: usize| unsafe { image.add(at).cast::<u32>().read_unaligned() };
    let len = if word(SW_MAGIC) == MAGIC { word(SW_XSTATE_SIZE) as usize } else { FXSAVE };
    (image, len.min(crate::context::xsave_size()))
}

/// The frame, for the debug thread.
fn frame() -> Option<&'static mut libc::ucontext_t> {
    if !parked() {
        return None;
    }
    // SAFETY: the vCPU stored it before it said that it is parked, and waits in the handler that the frame belongs to
    // until the debug thread, which is the only one that calls this, says otherwise.
    unsafe { FRAME.load(Ordering::Acquire).as_mut() }
}

/// The parked vCPU's own registers.
pub fn registers() -> Option<Cpu> {
    let uc = frame()?;
    let (image, len) = image(uc);
    let mut xsave = vec![0; crate::context::xsave_size()];
    // SAFETY: the image has so many bytes, and so has the copy.
    unsafe { core::ptr::copy_nonoverlapping(image, xsave.as_mut_ptr(), len) };
    Some(Cpu {
        registers: Registers::interrupted(uc),
        orig_rax: u64::MAX,
        fs_base: FS.load(Ordering::Relaxed),
        gs_base: GS.load(Ordering::Relaxed),
        xsave,
    })
}

/// Changes them; the bases of FS and GS stay.
pub fn set_registers(cpu: &Cpu) {
    let Some(uc) = frame() else { return };
    cpu.registers.put(uc);
    let (image, len) = image(uc);
    // What the host says of the image's size stays.
    const SW_RESERVED: Range<usize> = 464..512;
    for (at, byte) in cpu.xsave.iter().enumerate().take(len).filter(|(at, _)| !SW_RESERVED.contains(at)) {
        // SAFETY: within the image.
        unsafe { image.add(at).write(*byte) };
    }
}

/// The user registers of a task, from the debugger's table.
pub fn user_registers(tid: i32) -> Option<Cpu> {
    let ctx = context(tid)?;
    let f = ctx.regs();
    let registers = Registers { regs: f.regs, rip: f.rip, rflags: f.rflags };
    let (orig_rax, fs_base, gs_base) = (f.orig_rax, ctx.fs_base, ctx.gs_base);
    // SAFETY: every context has an area of that size.
    let xsave = unsafe { core::slice::from_raw_parts(ctx.area.cast::<u8>(), crate::context::xsave_size()) };
    Some(Cpu { registers, orig_rax, fs_base, gs_base, xsave: xsave.to_vec() })
}

/// Changes a task's user registers: the general ones and xmm0-15.
pub fn set_user_registers(tid: i32, cpu: &Cpu) -> Option<()> {
    let ctx = context(tid)?;
    let Registers { regs, rip, rflags } = cpu.registers;
    ctx.frame = Frame { regs, rip, rflags, orig_rax: cpu.orig_rax };
    // SAFETY: as above.
    let area =
        unsafe { core::slice::from_raw_parts_mut(ctx.area.cast::<u8>(), crate::context::xsave_size()) };
    area[XMM].copy_from_slice(&cpu.xsave[XMM]);
    Some(())
}

fn context(tid: i32) -> Option<&'static mut Context> {
    if !parked() {
        return None;
    }
    // SAFETY: the table has the address of a live context, which a task takes out before it drops it; the vCPU, whose it
    // is, is parked, and the debug thread is the only one that calls this.
    unsafe { (table::row(tid)?.context() as *mut Context).as_mut() }
}

/// Lets the parked vCPU go on: with `step` until it leaves that range (an empty one: after one instruction) or the kernel.
pub fn resume(step: Option<Range<u64>>) {
    let Some(uc) = frame() else { return };
    let flags = &mut uc.uc_mcontext.gregs[libc::REG_EFL as usize];
    *flags = if step.is_some() { *flags | TF } else { *flags & !TF };
    STEPS.store(step.is_some(), Ordering::Relaxed);
    let range = step.unwrap_or(0..0);
    STEP_FROM.store(range.start, Ordering::Relaxed);
    STEP_TO.store(range.end, Ordering::Relaxed);
    NEWS.store(false, Ordering::Release);
    STATE.store(RUNS, Ordering::Release);
    const FUTEX_WAKE: i64 = 1;
    // SAFETY: the futex is a static.
    unsafe { raw_syscall4(libc::SYS_futex, STATE.as_ptr() as i64, FUTEX_WAKE, 1, 0) };
}

/// What happened elsewhere ended the step.
pub fn forget_step() {
    STEPS.store(false, Ordering::Relaxed);
}

/// Ends llano at once: the vCPU will not.
pub fn end(status: i32) -> ! {
    crate::term::restore();
    // SAFETY: ends the process and touches nothing of it.
    unsafe { host!(_exit)(status) }
}

/// Whether a step has just left the kernel: the trap that follows is its end.
pub fn take_stepped_out() -> bool {
    STEPPED_OUT.load(Ordering::Relaxed) && STEPPED_OUT.swap(false, Ordering::Relaxed)
}

fn stops() -> bool {
    // SAFETY: a plain word of this thread's own cell.
    ARMED.load(Ordering::Acquire) != 0 && unsafe { (&raw const (*CPU.get()).quiet).read_volatile() } == 0
}

/// What a trap in kernel code comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trapped {
    /// Nothing of the debugger's.
    No,
    /// It was, and is over.
    Done,
    /// A step is about to enter the guest.
    Leaves,
}

/// A SIGTRAP of kernel code. `entering`: in the region where an entry can be thrown away.
///
/// # Safety
/// Called by the handler, with the frame it got.
pub(crate) unsafe fn trapped(uc: &mut libc::ucontext_t, fs: u64, entering: bool) -> Trapped {
    let rip = uc.uc_mcontext.gregs[libc::REG_RIP as usize] as u64;
    match uc.uc_mcontext.gregs[libc::REG_TRAPNO as usize] {
        TRAP_INT3 if points::is_live(rip.wrapping_sub(1)) && stops() => {
            uc.uc_mcontext.gregs[libc::REG_RIP as usize] -= 1;
            // SAFETY: as above.
            unsafe { park(BREAKPOINT, uc, fs) };
        }
        TRAP_STEP if STEPS.load(Ordering::Relaxed) && ARMED.load(Ordering::Relaxed) != 0 => {
            let range = STEP_FROM.load(Ordering::Relaxed)..STEP_TO.load(Ordering::Relaxed);
            if entering {
                uc.uc_mcontext.gregs[libc::REG_EFL as usize] &= !TF;
                STEPS.store(false, Ordering::Relaxed);
                STEPPED_OUT.store(true, Ordering::Relaxed);
                return Trapped::Leaves;
            }
            if stops() && !range.contains(&rip) {
                // SAFETY: as above.
                unsafe { park(STEP, uc, fs) };
            }
        }
        // What is left of a step that nobody wants any more.
        TRAP_STEP if !crate::fast::range().contains(&rip) => {
            uc.uc_mcontext.gregs[libc::REG_EFL as usize] &= !TF;
        }
        _ => return Trapped::No,
    }
    Trapped::Done
}

/// Kernel code got a signal that is its end. `true`: the debugger had it go on elsewhere.
///
/// # Safety
/// Called by the handler, with the frame it got.
pub(crate) unsafe fn fatal(signal: i32, uc: &mut libc::ucontext_t, fs: u64) -> bool {
    if !stops() {
        return false;
    }
    let rip = uc.uc_mcontext.gregs[libc::REG_RIP as usize];
    // SAFETY: as above.
    unsafe { park(signal, uc, fs) };
    // An int3 of llano's own is passed when it is continued from.
    signal == libc::SIGTRAP || rip != uc.uc_mcontext.gregs[libc::REG_RIP as usize]
}

/// [`SIG_PARK`](signals::SIG_PARK) hit kernel code.
///
/// # Safety
/// Called by the handler, with the frame it got.
pub(crate) unsafe fn forced(uc: &mut libc::ucontext_t, fs: u64) {
    if FORCED.swap(false, Ordering::AcqRel) && stops() {
        // SAFETY: as above.
        unsafe { park(INTERRUPT, uc, fs) };
    }
}

/// # Safety
/// Called by the handler, with the frame it got.
unsafe fn park(why: i32, uc: &mut libc::ucontext_t, fs: u64) {
    uc.uc_mcontext.gregs[libc::REG_EFL as usize] &= !TF;
    STEPS.store(false, Ordering::Relaxed);
    WHY.store(why, Ordering::Relaxed);
    FS.store(fs, Ordering::Relaxed);
    // SAFETY: plain words of this thread's own cell; an owner is a live context.
    let owner = unsafe { (*CPU.get()).owner.as_mut() };
    let gs = read_gs();
    GS.store(gs, Ordering::Relaxed);
    let gs_of_owner = owner.map(|owner| {
        owner.gs_base = gs;
        // SAFETY: as above.
        if unsafe { (*CPU.get()).side } == Side::Guest {
            owner.fs_base = fs;
        }
        &raw const owner.gs_base
    });
    FRAME.store(uc, Ordering::Release);
    STATE.store(PARKED, Ordering::Release);
    NEWS.store(true, Ordering::Release);
    let byte = 1u8;
    // SAFETY: writes a byte from the stack; the futex is a static. A wait that signals or a spurious wake-up end is begun
    // again.
    unsafe {
        raw_syscall4(libc::SYS_write, BELL.load(Ordering::Relaxed).into(), &raw const byte as i64, 1, 0);
        while STATE.load(Ordering::Acquire) == PARKED {
            const FUTEX_WAIT: i64 = 0;
            raw_syscall4(libc::SYS_futex, STATE.as_ptr() as i64, FUTEX_WAIT, PARKED.into(), 0);
        }
        // A debugger that wrote the base by name wrote here.
        if let Some(now) = gs_of_owner.map(|gs| gs.read())
            && now != gs
        {
            write_gs(now);
        }
    }
    FRAME.store(core::ptr::null_mut(), Ordering::Release);
}
