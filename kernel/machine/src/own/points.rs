//! Breakpoints in llano's own text.
//!
//! All of llano's threads run the same `write`, `poll` and `malloc`, the debug thread included, and so does the signal
//! handler that a breakpoint leads to. Whoever may not stop - any thread but the vCPU's, the vCPU inside its handler or
//! while it stands still for the debugger - *steps over* an `int3`: the original byte is put back, the trap flag set, and
//! the `int3` written again when the instruction is done. That is decided and done by `llano_trap`, assembly in front of
//! everything else, which calls nothing and so needs no breakpoint-free code but its own.
//!
//! The table keeps every address it ever had: a thread that was on its way here while a breakpoint was taken out finds the
//! byte to go on with.

use crate::cpu::{CPU, Cpu};
use crate::{HostError, peek, signals};
use core::arch::naked_asm;
use core::mem::offset_of;
use core::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering};

const INT3: u8 = 0xcc;
/// As many addresses as there may ever be.
const MAX: usize = 8192;
/// Threads, and nested handlers, that may step over breakpoints at one time.
const LIFTS: usize = 32;

#[repr(C)]
struct Point {
    addr: AtomicU64,
    /// What the `int3` stands for.
    byte: AtomicU8,
    /// Whether it is inserted.
    live: AtomicU8,
}

/// A breakpoint that a thread steps over.
#[repr(C)]
struct Lift {
    /// The host's number of the thread; 0: free.
    thread: AtomicU32,
    addr: AtomicU64,
}

#[repr(C)]
struct Points {
    used: AtomicU32,
    /// A descriptor of `/proc/self/mem`.
    memory: AtomicI32,
    int3: AtomicU8,
    all: [Point; MAX],
    lifts: [Lift; LIFTS],
}

static POINTS: Points = Points {
    used: AtomicU32::new(0),
    memory: AtomicI32::new(-1),
    int3: AtomicU8::new(INT3),
    all: [const { Point { addr: AtomicU64::new(0), byte: AtomicU8::new(0), live: AtomicU8::new(0) } }; MAX],
    lifts: [const { Lift { thread: AtomicU32::new(0), addr: AtomicU64::new(0) } }; LIFTS],
};

const _: () = assert!(size_of::<Point>() == 16 && size_of::<Lift>() == 16);

/// Whether an address is in llano's own code.
pub fn contains(addr: u64) -> bool {
    signals::text_range().contains(&addr)
}

fn find(addr: u64) -> Option<&'static Point> {
    let used = POINTS.used.load(Ordering::Acquire) as usize;
    POINTS.all[..used].iter().find(|p| p.addr.load(Ordering::Relaxed) == addr)
}

/// Whether a breakpoint is inserted at `addr`.
pub(crate) fn is_live(addr: u64) -> bool {
    find(addr).is_some_and(|p| p.live.load(Ordering::Acquire) != 0)
}

/// Puts a breakpoint at `addr`, in llano's text; for the debug thread alone. In the few instructions that step over
/// breakpoints there can be none: `false`.
///
/// # Errors
/// `EIO`: no code there. `ENOSPC`: there were too many different ones.
pub fn insert(addr: u64) -> Result<bool, HostError> {
    if !contains(addr) {
        return Err(HostError(libc::EIO));
    }
    if steps_over(addr) {
        return Ok(false);
    }
    if is_live(addr) {
        return Ok(true);
    }
    POINTS.memory.store(peek::descriptor()?, Ordering::Relaxed);
    let mut byte = [0];
    peek::read(addr, &mut byte)?;
    let point = match find(addr) {
        Some(point) => point,
        None => {
            let used = POINTS.used.load(Ordering::Relaxed) as usize;
            let point = POINTS.all.get(used).ok_or(HostError(libc::ENOSPC))?;
            point.byte.store(byte[0], Ordering::Relaxed);
            point.addr.store(addr, Ordering::Relaxed);
            POINTS.used.store(used as u32 + 1, Ordering::Release);
            point
        }
    };
    point.live.store(1, Ordering::Release);
    peek::write(addr, &[INT3])?;
    Ok(true)
}

/// Takes a breakpoint away; one that is not there is no error.
///
/// # Errors
/// What the host said.
pub fn remove(addr: u64) -> Result<(), HostError> {
    match find(addr) {
        Some(point) if point.live.swap(0, Ordering::AcqRel) != 0 => {
            peek::write(addr, &[point.byte.load(Ordering::Relaxed)])
        }
        _ => Ok(()),
    }
}

/// Takes all breakpoints away.
pub fn remove_all() {
    let used = POINTS.used.load(Ordering::Acquire) as usize;
    for point in &POINTS.all[..used] {
        let _ = remove(point.addr.load(Ordering::Relaxed));
    }
}

fn live_within(start: u64, len: usize) -> impl Iterator<Item = (usize, &'static Point)> {
    let used = POINTS.used.load(Ordering::Acquire) as usize;
    POINTS.all[..used].iter().filter_map(move |p| {
        let at = p.addr.load(Ordering::Relaxed).wrapping_sub(start);
        (at < len as u64 && p.live.load(Ordering::Relaxed) != 0).then_some((at as usize, p))
    })
}

/// Puts the original bytes into `buf`, which was read from `addr`.
pub fn show_original(addr: u64, buf: &mut [u8]) {
    if addr < signals::text_range().end && addr.saturating_add(buf.len() as u64) > signals::text_range().start
    {
        for (at, point) in live_within(addr, buf.len()) {
            buf[at] = point.byte.load(Ordering::Relaxed);
        }
    }
}

/// Reads as much of `buf.len()` bytes at `addr` as is mapped, without breakpoints in llano's own code; returns the count.
///
/// # Errors
/// `EIO`: nothing is mapped there.
pub fn read(addr: u64, buf: &mut [u8]) -> Result<usize, HostError> {
    let n = peek::read(addr, buf)?;
    show_original(addr, &mut buf[..n]);
    Ok(n)
}

/// Writes memory; breakpoints in llano's own code stay.
///
/// # Errors
/// `EIO`: nothing is mapped there.
pub fn write(addr: u64, bytes: &[u8]) -> Result<(), HostError> {
    let mut bytes = bytes.to_vec();
    for (at, point) in live_within(addr, bytes.len()) {
        point.byte.store(core::mem::replace(&mut bytes[at], INT3), Ordering::Relaxed);
    }
    peek::write(addr, &bytes)
}

unsafe extern "C" {
    static llano_handler_end: u8;
    static llano_trap_end: u8;
}

/// The code that cannot have breakpoints: [`llano_trap`], and the handler in front of it.
fn steps_over(addr: u64) -> bool {
    let trap = llano_trap as *const () as u64..(&raw const llano_trap_end as u64);
    let handler = signals::handler_start()..(&raw const llano_handler_end as u64);
    trap.contains(&addr) || handler.contains(&addr)
}

/// Offsets in the host's ucontext_t (asm/sigcontext.h): rip, flags, the trap's number.
const UC_RIP: usize = 40 + 8 * libc::REG_RIP as usize;
const UC_FLAGS: usize = 40 + 8 * libc::REG_EFL as usize;
const TF: i32 = 0x100;
const UC_TRAPNO: usize = 40 + 8 * libc::REG_TRAPNO as usize;

/// A SIGTRAP, before anything else is done: steps over a breakpoint of those who may not stop at it, or goes on in the
/// handler (`llano_handle`). rdi, rsi and rdx are the handler's arguments, rsp points to the restorer.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn llano_trap() {
    naked_asm!(
        "cmp dword ptr [rip + {points} + {used}], 0",
        "je llano_handle",
        "mov r8, [rdx + {uc_rip}]",
        "cmp qword ptr [rdx + {uc_trapno}], 1",
        "je 6f",
        "cmp qword ptr [rdx + {uc_trapno}], 3",
        "jne llano_handle",
        // An int3. r8 = its address, r9 = its Point.
        "dec r8",
        "lea r9, [rip + {points} + {all}]",
        "mov ecx, [rip + {points} + {used}]",
        "2:",
        "cmp [r9 + {addr}], r8",
        "je 3f",
        "add r9, 16",
        "dec ecx",
        "jnz 2b",
        "jmp llano_handle",
        "3:",
        "cmp byte ptr [r9 + {live}], 0",
        "je 5f",
        // The vCPU, where it may stop?
        "lea rcx, [rip + {cpu}]",
        "cmp rsp, [rcx + {alt_lo}]",
        "jb 4f",
        "cmp rsp, [rcx + {alt_hi}]",
        "ja 4f",
        "cmp dword ptr [rcx + {handling}], 0",
        "jne 4f",
        "cmp dword ptr [rcx + {quiet}], 0",
        "jne 4f",
        "cmp dword ptr [rip + {armed}], 0",
        "jne llano_handle",
        // No: note that this thread steps over it, unless it does already.
        "4:",
        "mov eax, {gettid}",
        "syscall",
        "lea r10, [rip + {points} + {lifts}]",
        "mov ecx, {lift_count}",
        "21:",
        "cmp [r10 + {lift_addr}], r8",
        "jne 22f",
        "cmp [r10 + {lift_thread}], eax",
        "je 25f",
        "22:",
        "add r10, 16",
        "dec ecx",
        "jnz 21b",
        "lea r10, [rip + {points} + {lifts}]",
        "mov ecx, {lift_count}",
        "mov r11d, eax",
        "23:",
        "xor eax, eax",
        "lock cmpxchg [r10 + {lift_thread}], r11d",
        "je 24f",
        "add r10, 16",
        "dec ecx",
        "jnz 23b",
        // All are taken: the breakpoint is lost until it is inserted again.
        "jmp 5f",
        "24:",
        "mov [r10 + {lift_addr}], r8",
        "25:",
        "or qword ptr [rdx + {uc_flags}], {tf}",
        // Again from the instruction's start, with its own byte.
        "5:",
        "mov [rdx + {uc_rip}], r8",
        "lea rsi, [r9 + {byte}]",
        "jmp 9f",
        // A step. Is it one of ours? The last that this thread began.
        "6:",
        "mov eax, {gettid}",
        "syscall",
        "lea r10, [rip + {points} + {lifts} + {last_lift}]",
        "mov ecx, {lift_count}",
        "61:",
        "cmp [r10 + {lift_thread}], eax",
        "je 62f",
        "sub r10, 16",
        "dec ecx",
        "jnz 61b",
        "jmp llano_handle",
        "62:",
        "mov r8, [r10 + {lift_addr}]",
        "and qword ptr [rdx + {uc_flags}], {not_tf}",
        "mov dword ptr [r10 + {lift_thread}], 0",
        // The int3 again, if it is still wanted.
        "lea r9, [rip + {points} + {all}]",
        "mov ecx, [rip + {points} + {used}]",
        "63:",
        "cmp [r9 + {addr}], r8",
        "je 64f",
        "add r9, 16",
        "dec ecx",
        "jnz 63b",
        "ret",
        "64:",
        "cmp byte ptr [r9 + {live}], 0",
        "je 65f",
        "lea rsi, [rip + {points} + {int3}]",
        // Writes the byte at rsi to r8; the host restores all registers.
        "9:",
        "mov edi, [rip + {points} + {memory}]",
        "mov edx, 1",
        "mov r10, r8",
        "mov eax, {pwrite}",
        "syscall",
        "65:",
        "ret",
        ".globl llano_trap_end",
        "llano_trap_end:",
        "ud2",
        points = sym POINTS,
        cpu = sym CPU,
        armed = sym super::park::ARMED,
        used = const offset_of!(Points, used),
        memory = const offset_of!(Points, memory),
        int3 = const offset_of!(Points, int3),
        all = const offset_of!(Points, all),
        lifts = const offset_of!(Points, lifts),
        lift_count = const LIFTS,
        last_lift = const (LIFTS - 1) * size_of::<Lift>(),
        addr = const offset_of!(Point, addr),
        byte = const offset_of!(Point, byte),
        live = const offset_of!(Point, live),
        lift_thread = const offset_of!(Lift, thread),
        lift_addr = const offset_of!(Lift, addr),
        alt_lo = const offset_of!(Cpu, alt_lo),
        alt_hi = const offset_of!(Cpu, alt_hi),
        handling = const offset_of!(Cpu, handling),
        quiet = const offset_of!(Cpu, quiet),
        uc_rip = const UC_RIP,
        uc_flags = const UC_FLAGS,
        uc_trapno = const UC_TRAPNO,
        tf = const TF,
        not_tf = const !TF,
        gettid = const libc::SYS_gettid,
        pwrite = const libc::SYS_pwrite64,
    )
}
