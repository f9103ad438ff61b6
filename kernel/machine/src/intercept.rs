//! How a guest's `syscall` instruction becomes a trap, wherever it is: libc, dlopen'ed code, JIT output.
//!
//! Both ways let llano's own text through by instruction pointer, so nothing has to be switched between guest and kernel.

use crate::border::host;
use crate::signals::text_range;
use crate::{HostError, check};
use core::ops::Range;
use core::sync::atomic::AtomicU8;
use std::sync::OnceLock;

/// The interception mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Syscall User Dispatch (Linux 5.11, `Documentation/admin-guide/syscall-user-dispatch.rst`).
    Sud,
    /// A seccomp filter on the instruction pointer.
    Seccomp,
}

impl Mode {
    /// The name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Sud => "sud",
            Mode::Seccomp => "seccomp",
        }
    }
}

const SELECTOR_BLOCK: u8 = 1;
static SELECTOR: AtomicU8 = AtomicU8::new(SELECTOR_BLOCK);
static ACTIVE: OnceLock<Mode> = OnceLock::new();

/// Starts interception on the calling thread.
///
/// # Errors
/// What the host said: EINVAL from SUD means a kernel before 5.11 or a debugger such as rr in the way.
pub fn start(mode: Mode) -> Result<(), HostError> {
    match mode {
        Mode::Sud => start_sud(),
        Mode::Seccomp => start_seccomp(),
    }?;
    let _ = ACTIVE.set(mode);
    Ok(())
}

/// The mode that was started.
pub fn active() -> Option<Mode> {
    ACTIVE.get().copied()
}

fn start_sud() -> Result<(), HostError> {
    const PR_SET_SYSCALL_USER_DISPATCH: i32 = 59;
    const PR_SYS_DISPATCH_ON: u64 = 1;
    let text = text_range();
    let selector = SELECTOR.as_ptr() as u64;
    // SAFETY: the selector byte is a static; the range is llano's own text, which holds the handler's rt_sigreturn.
    let r = unsafe {
        host!(prctl)(
            PR_SET_SYSCALL_USER_DISPATCH,
            PR_SYS_DISPATCH_ON,
            text.start,
            text.end - text.start,
            selector,
        )
    };
    check(r.into()).map(|_| ())
}

fn start_seccomp() -> Result<(), HostError> {
    let mut program = filter(text_range());
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: prctl copies the filter; no_new_privs takes rights away from this process only.
    unsafe {
        check(host!(prctl)(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).into())?;
        check(host!(prctl)(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter).into())?;
    }
    Ok(())
}

/// The filter: calls from within `text` pass, all others trap. Filters compute with 32 bits, so each bound takes two
/// steps; the text may lie across a multiple of 4 GiB.
fn filter(text: Range<u64>) -> [libc::sock_filter; 12] {
    const IP_LOW: u32 = 8;
    const IP_HIGH: u32 = 12;
    let stmt = |code: u32, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
    let jump = |code: u32, k: u32, jt: u8, jf: u8| libc::sock_filter { code: code as u16, jt, jf, k };
    let (ld, jeq, jge) = (
        libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K,
    );
    let ret = libc::BPF_RET | libc::BPF_K;
    let halves = |at: u64| ((at >> 32) as u32, at as u32);
    let ((first_high, first_low), (end_high, end_low)) = (halves(text.start), halves(text.end));
    [
        // Below the start: trap.
        stmt(ld, IP_HIGH),
        jump(jge, first_high, 0, 9),
        jump(jeq, first_high, 0, 2),
        stmt(ld, IP_LOW),
        jump(jge, first_low, 0, 6),
        // Below the end: pass.
        stmt(ld, IP_HIGH),
        jump(jeq, end_high, 1, 0),
        jump(jge, end_high, 3, 2),
        stmt(ld, IP_LOW),
        jump(jge, end_low, 1, 0),
        stmt(ret, libc::SECCOMP_RET_ALLOW),
        stmt(ret, libc::SECCOMP_RET_TRAP),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the host does with a filter of loads, jumps and returns; whether the call passes.
    fn passes(program: &[libc::sock_filter], ip: u64) -> bool {
        let (mut at, mut value) = (0, 0);
        loop {
            let i = program[at];
            at += 1;
            let taken = match u32::from(i.code) {
                libc::BPF_RET => return i.k == libc::SECCOMP_RET_ALLOW,
                code if code & 7 == libc::BPF_LD => {
                    value = (ip >> if i.k == 12 { 32 } else { 0 }) as u32;
                    continue;
                }
                code if code & 0xf0 == libc::BPF_JEQ => value == i.k,
                _ => value >= i.k,
            };
            at += usize::from(if taken { i.jt } else { i.jf });
        }
    }

    #[test]
    fn the_filter_lets_the_text_through() {
        let (plain, across) = (0x7f12_3456_7000..0x7f12_3499_0000, 0x7f12_ffff_f000..0x7f13_0040_0000);
        for text in [plain, across, 0x7f12_0000_0000..0x7f13_0000_0000] {
            let program = filter(text.clone());
            for ip in [text.start, text.end].into_iter().flat_map(|at| [at - 1, at, at + 1]) {
                assert_eq!(passes(&program, ip), text.contains(&ip), "{ip:#x} of {text:x?}");
            }
            for ip in [0x40_1000, text.start - (1 << 32), text.end + (1 << 32), text.start.midpoint(text.end)]
            {
                assert_eq!(passes(&program, ip), text.contains(&ip), "{ip:#x} of {text:x?}");
            }
        }
    }
}
