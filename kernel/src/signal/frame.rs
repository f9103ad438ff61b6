//! The frame on the guest's stack, byte for byte as Linux lays it out on x86-64 (`struct rt_sigframe`,
//! asm/sigcontext.h): programs read and change it.

use crate::error::{Errno, Result};
use crate::sigstate::{SigAction, SigInfo, SigSet};
use crate::task::{AltStack, Task};
use crate::user;
use llano_machine::context::{xsave_features, xsave_size};
use llano_machine::cpu::{USER_FLAGS, reg};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

const SA_ONSTACK: u64 = 0x0800_0000;
const SA_RESTORER: u64 = 0x0400_0000;
/// sigaltstack flags.
const SS_ONSTACK: i32 = 1;
const SS_DISABLE: i32 = 2;
const SS_AUTODISARM: i32 = 1 << 31;

const RED_ZONE: u64 = 128;
const FP_XSTATE_MAGIC1: u32 = 0x4650_5853;
const FP_XSTATE_MAGIC2: u32 = 0x4650_5845;
/// UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS.
const UC_FLAGS: u64 = 7;
/// cs 0x33, gs 0, fs 0, ss 0x2b as the four 16-bit fields.
const SEGMENTS: u64 = 0x33 | 0x2b << 48;

/// `struct sigcontext`.
#[repr(C)]
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct SigContext {
    /// r8..r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp.
    gregs: [u64; 16],
    rip: u64,
    eflags: u64,
    segments: u64,
    err: u64,
    trapno: u64,
    oldmask: u64,
    cr2: u64,
    fpstate: u64,
    reserved: [u64; 8],
}

/// `struct rt_sigframe`.
#[repr(C)]
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct RtSigFrame {
    pretcode: u64,
    uc_flags: u64,
    uc_link: u64,
    stack_sp: u64,
    stack_flags: i32,
    stack_pad: i32,
    stack_size: u64,
    context: SigContext,
    sigmask: u64,
    info: SigInfo,
}

/// The order of `gregs`, as indices into the frame's registers.
const ORDER: [usize; 16] = [
    reg::R8,
    reg::R9,
    reg::R10,
    reg::R11,
    reg::R12,
    reg::R13,
    reg::R14,
    reg::R15,
    reg::RDI,
    reg::RSI,
    reg::RBP,
    reg::RBX,
    reg::RDX,
    reg::RAX,
    reg::RCX,
    reg::RSP,
];

/// Whether `sp` is on the alternate stack.
pub fn on_altstack(alt: &AltStack, sp: u64) -> bool {
    alt.flags & SS_AUTODISARM == 0 && sp > alt.sp && sp - alt.sp <= alt.size
}

/// The flags sigaltstack(2) reports.
pub fn altstack_flags(alt: &AltStack, sp: u64) -> i32 {
    let state = match alt.size {
        0 => SS_DISABLE,
        _ if on_altstack(alt, sp) => SS_ONSTACK,
        _ => 0,
    };
    state | alt.flags & SS_AUTODISARM
}

/// The last fault of a task, for the frame's err, trapno and cr2.
pub type FaultWords = (u64, u64, u64);

/// Builds the frame and points the registers at the handler.
///
/// # Errors
/// `EFAULT`: the stack cannot be written.
pub fn push(task: &mut Task, info: &SigInfo, action: &SigAction, old_mask: SigSet) -> Result<()> {
    if action.flags & SA_RESTORER == 0 {
        return Err(Errno::EFAULT); // x86-64 has no other way back
    }
    let regs = task.ctx.regs();
    let alt = task.altstack;
    let mut sp = regs.regs[reg::RSP].wrapping_sub(RED_ZONE);
    let switch = action.flags & SA_ONSTACK != 0 && alt.size > 0 && !on_altstack(&alt, regs.regs[reg::RSP]);
    if switch {
        sp = alt.sp + alt.size;
    }
    let size = xsave_size();
    let fp = sp.wrapping_sub(size as u64 + 4) & !63;
    let at = (fp.wrapping_sub(size_of::<RtSigFrame>() as u64) & !15).wrapping_sub(8);
    if on_altstack(&alt, regs.regs[reg::RSP]) && !switch && !on_altstack(&alt, at) {
        return Err(Errno::EFAULT); // the alternate stack is full
    }
    put_xstate(task.ctx.xsave(), fp, size)?;
    let regs = task.ctx.regs();
    let (err, trapno, cr2) = task.fault;
    let frame = RtSigFrame {
        pretcode: action.restorer,
        uc_flags: UC_FLAGS,
        uc_link: 0,
        stack_sp: alt.sp,
        stack_flags: altstack_flags(&alt, regs.regs[reg::RSP]),
        stack_pad: 0,
        stack_size: alt.size,
        context: SigContext {
            gregs: ORDER.map(|i| regs.regs[i]),
            rip: regs.rip,
            eflags: regs.rflags,
            segments: SEGMENTS,
            err,
            trapno,
            oldmask: old_mask.0,
            cr2,
            fpstate: fp,
            reserved: [0; 8],
        },
        sigmask: old_mask.0,
        info: *info,
    };
    user::put(at, &frame)?;
    if alt.flags & SS_AUTODISARM != 0 {
        task.altstack = AltStack::default();
    }
    let regs = task.ctx.regs_mut();
    regs.regs[reg::RSP] = at;
    regs.regs[reg::RDI] = info.signo as u64;
    regs.regs[reg::RSI] = at + core::mem::offset_of!(RtSigFrame, info) as u64;
    regs.regs[reg::RDX] = at + core::mem::offset_of!(RtSigFrame, uc_flags) as u64;
    regs.regs[reg::RAX] = 0;
    regs.rip = action.handler;
    const DF_RF_TF: u64 = 0x400 | 0x1_0000 | 0x100;
    regs.rflags &= !DF_RF_TF;
    task.ctx.reset_vector();
    Ok(())
}

/// Writes the vector state in standard format with Linux's software words.
fn put_xstate(area: &[u8], fp: u64, size: usize) -> Result<()> {
    user::put_bytes(fp, &area[..size])?;
    let mut sw = [0u8; 48];
    sw[0..4].copy_from_slice(&FP_XSTATE_MAGIC1.to_le_bytes());
    sw[4..8].copy_from_slice(&(size as u32 + 4).to_le_bytes());
    sw[8..16].copy_from_slice(&xsave_features().to_le_bytes());
    sw[16..20].copy_from_slice(&(size as u32).to_le_bytes());
    user::put_bytes(fp + 464, &sw)?;
    user::put_bytes(fp + size as u64, &FP_XSTATE_MAGIC2.to_le_bytes())
}

/// rt_sigreturn: everything from the frame that the stack pointer stands behind.
///
/// # Errors
/// `EFAULT`: the frame cannot be read or makes no sense; the task gets SIGSEGV.
pub fn pop(task: &mut Task) -> Result<()> {
    let at = task.ctx.regs().regs[reg::RSP].wrapping_sub(8);
    let frame: RtSigFrame = user::get(at)?;
    let c = &frame.context;
    if c.fpstate == 0 {
        task.ctx.reset_vector();
    } else {
        take_xstate(task, c.fpstate)?;
    }
    let regs = task.ctx.regs_mut();
    for (value, i) in c.gregs.iter().zip(ORDER) {
        regs.regs[i] = *value;
    }
    regs.rip = c.rip;
    regs.rflags = c.eflags & USER_FLAGS;
    regs.orig_rax = u64::MAX;
    task.sigmask = SigSet(frame.sigmask & !SigSet::UNBLOCKABLE.0);
    if frame.stack_flags & (SS_DISABLE | SS_ONSTACK) == 0 || frame.stack_flags & SS_ONSTACK != 0 {
        let sp = task.ctx.regs().regs[reg::RSP];
        if !on_altstack(&task.altstack, sp) && frame.stack_flags & SS_DISABLE == 0 {
            task.altstack = AltStack {
                sp: frame.stack_sp,
                flags: frame.stack_flags & SS_AUTODISARM,
                size: frame.stack_size,
            };
        }
    }
    Ok(())
}

fn take_xstate(task: &mut Task, fp: u64) -> Result<()> {
    let size = xsave_size();
    let sw: [u8; 48] = user::get(fp + 464)?;
    let word = |i: usize| u32::from_le_bytes([sw[i], sw[i + 1], sw[i + 2], sw[i + 3]]);
    let extended = word(0) == FP_XSTATE_MAGIC1 && word(16) as usize <= size && word(16) as usize >= 576;
    let len = if extended { word(16) as usize } else { 512 };
    if len < size {
        task.ctx.reset_vector();
    }
    let area = task.ctx.xsave_mut();
    user::get_bytes(fp, &mut area[..len])?;
    // What `xrstor` would refuse is repaired, as Linux does: reserved MXCSR bits, unknown features, compaction.
    let mask = u32::from_le_bytes([area[28], area[29], area[30], area[31]]);
    let mxcsr = u32::from_le_bytes([area[24], area[25], area[26], area[27]]);
    let mask = if mask == 0 { 0xffbf } else { mask & 0xffff };
    area[24..28].copy_from_slice(&(mxcsr & mask).to_le_bytes());
    let mut features =
        if extended { u64::from_le_bytes(area[512..520].try_into().unwrap_or_default()) } else { 3 };
    features &= xsave_features();
    area[512..520].copy_from_slice(&features.to_le_bytes());
    area[520..576].fill(0);
    task.ctx.area_replaced();
    Ok(())
}
