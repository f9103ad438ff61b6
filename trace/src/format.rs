//! A call as text, in strace's notation: the one formatter over the argument kinds of the system call table.
//!
//! - this file: which arguments are shown, and the whole call
//! - `value`: numbers, flags, descriptors, strings
//! - `memory`: what addresses lead to, if it was recorded
//! - `fields`: special fields of structures
//! - `returned`: results

mod fields;
mod memory;
mod returned;
mod value;

#[cfg(test)]
mod tests;

use core::fmt::Write;
use std::borrow::Cow;
use std::format;
use std::string::String;

use llano_abi::errno::Errno;
use llano_abi::names::{
    self, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_PARENT_SETTID, CLONE_SETTLS, F_GET_SEALS, F_GETFD,
    F_GETFL, F_GETOWN, F_GETPIPE_SZ, F_GETSIG, FIOCLEX, FIONCLEX, FUTEX_LOCK_PI, FUTEX_REQUEUE,
    FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI, FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAKE, FUTEX_WAKE_BITSET,
    MREMAP_FIXED, O_CREAT, O_TMPFILE, PR_CAPBSET_DROP, PR_CAPBSET_READ, PR_GET_CHILD_SUBREAPER,
    PR_GET_DUMPABLE, PR_GET_KEEPCAPS, PR_GET_NAME, PR_GET_PDEATHSIG, PR_GET_SECCOMP, PR_GET_SECUREBITS,
    PR_GET_TIMERSLACK, PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_NAME,
    PR_SET_PDEATHSIG, PR_SET_SECUREBITS, PR_SET_TIMERSLACK, S_IFBLK, S_IFCHR, S_IFMT,
};
use llano_abi::syscalls::{self, Syscall, futex_command, nr};

use crate::record::BytesKind;
use crate::state::{FdNames, Text};

pub use returned::result;
pub use value::{arg, quoted, signal};

/// What a formatter knows beside the registers.
#[derive(Copy, Clone, Default)]
pub struct Context<'a> {
    /// Strings and memory that the call read and left.
    pub memory: &'a [Text],
    /// What the caller's descriptors were open on when it called.
    pub fds: Option<&'a FdNames>,
    /// Those it made.
    pub made: &'a [(i32, String)],
    /// What it returned, if it has.
    pub returned: Option<i64>,
}

impl<'a> Context<'a> {
    /// What was recorded of the memory at `addr`.
    fn piece(&self, kind: BytesKind, addr: u64) -> Option<&'a [u8]> {
        let text = self.memory.iter().find(|text| text.key == addr && text.kind == kind)?;
        Some(&text.bytes)
    }

    /// The same for a caller that has what the call made.
    fn after(self) -> Context<'a> {
        // What it made stands for its number now, whatever that was before.
        Context { fds: None, ..self }
    }
}

/// The call's name; `syscall_0x1a7` for a number Linux does not have.
pub fn name(nr: usize) -> Cow<'static, str> {
    match syscalls::lookup(nr) {
        Some(call) => Cow::Borrowed(call.name),
        None => Cow::Owned(format!("syscall_{nr:#x}")),
    }
}

/// Names of the arguments of a number Linux does not have.
const UNKNOWN: [&str; 6] = ["arg1", "arg2", "arg3", "arg4", "arg5", "arg6"];

/// The names of all arguments, in order.
pub fn arg_names(nr: usize, each: impl FnMut(&str)) {
    match syscalls::lookup(nr) {
        Some(call) => call.args.iter().map(|row| row.name).for_each(each),
        None => UNKNOWN.into_iter().for_each(each),
    }
}

/// The arguments worth showing, each with its place, its name and its text.
pub fn args(nr: usize, args: &[u64; 6], context: Context<'_>, mut each: impl FnMut(usize, &str, &str)) {
    let mut text = String::new();
    let Some(call) = syscalls::lookup(nr) else {
        for (at, (name, value)) in UNKNOWN.into_iter().zip(args).enumerate() {
            text.clear();
            write!(text, "{value:#x}").unwrap_or_default();
            each(at, name, &text);
        }
        return;
    };
    let shown = shown(call, args);
    let values = memory::Memory::new(call, args, context);
    for (at, row) in call.args.iter().enumerate().filter(|(at, _)| shown >> at & 1 != 0) {
        text.clear();
        values.arg(&mut text, at).unwrap_or_default();
        each(at, row.name, &text);
    }
}

/// The whole call on one line: `close(3</etc/passwd>) = 0`. Without a result it is still in progress.
pub fn call(out: &mut String, nr: usize, values: &[u64; 6], context: Context<'_>) {
    out.push_str(&name(nr));
    let mut separator = "(";
    let mut write = |name: &str, text: &str| {
        out.push_str(separator);
        out.push_str(name);
        out.push_str(text);
        separator = ", ";
    };
    if nr == nr::CLONE {
        // Architectures differ in their order: strace has its own, with names.
        const ORDER: [(usize, &str); 5] =
            [(1, "child_stack="), (0, "flags="), (2, "parent_tid="), (4, "tls="), (3, "child_tidptr=")];
        let mut texts = [const { String::new() }; 6];
        args(nr, values, context, |at, _, text| texts[at].push_str(text));
        ORDER.iter().filter(|(at, _)| !texts[*at].is_empty()).for_each(|(at, name)| write(name, &texts[*at]));
    } else {
        args(nr, values, context, |_, _, text| write("", text));
    }
    if separator == "(" {
        out.push('(');
    }
    match context.returned {
        Some(value) => {
            out.push_str(") = ");
            result(out, nr, values, value, context);
        }
        None => out.push_str(" <unfinished ...>"),
    }
}

/// The error in a result, if it is one that a program sees.
pub fn error(result: i64) -> Option<Errno> {
    Errno::of_result(result).filter(|_| returned::restart(result).is_none())
}

/// Which of a call's arguments mean something, given the others: a bit for each.
fn shown(call: &Syscall, args: &[u64; 6]) -> u32 {
    let first = |count: usize| (1u32 << count) - 1;
    let all = call.args.len();
    let creates = |flags: u64| flags as u32 & (O_CREAT | (O_TMPFILE & !names::O_DIRECTORY)) != 0;
    let device = |mode: u64| [S_IFCHR, S_IFBLK].contains(&(mode as u32 & S_IFMT));
    match usize::from(call.nr) {
        nr::OPEN if !creates(args[1]) => first(2),
        nr::OPENAT if !creates(args[2]) => first(3),
        nr::MKNOD if !device(args[1]) => first(2),
        nr::MKNODAT if !device(args[2]) => first(3),
        // The upper half of an offset that has room in its lower one.
        nr::PREADV | nr::PWRITEV => first(4),
        nr::PREADV2 | nr::PWRITEV2 => first(4) | 1 << 5,
        nr::FCNTL
            if [F_GETFD, F_GETFL, F_GETOWN, F_GETSIG, F_GETPIPE_SZ, F_GET_SEALS]
                .contains(&(args[1] as u32)) =>
        {
            first(2)
        }
        nr::IOCTL if [FIOCLEX, FIONCLEX].contains(&(args[1] as u32)) => first(2),
        nr::MREMAP if args[3] as u32 & MREMAP_FIXED == 0 => first(4),
        nr::CLONE => {
            let given = |flags: u32| u32::from(args[0] as u32 & flags != 0);
            first(2)
                | given(CLONE_PARENT_SETTID) << 2
                | given(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID) << 3
                | given(CLONE_SETTLS) << 4
        }
        nr::FUTEX => match futex_command(args) {
            FUTEX_WAKE => first(3),
            FUTEX_UNLOCK_PI | FUTEX_TRYLOCK_PI => first(2),
            FUTEX_WAIT | FUTEX_LOCK_PI => first(4),
            FUTEX_WAIT_BITSET => first(4) | 1 << 5,
            FUTEX_WAKE_BITSET => first(3) | 1 << 5,
            FUTEX_REQUEUE => first(5),
            _ => first(6),
        },
        nr::PRCTL => match args[0] as u32 {
            PR_GET_DUMPABLE | PR_GET_KEEPCAPS | PR_GET_SECCOMP | PR_GET_TIMERSLACK | PR_GET_SECUREBITS => {
                first(1)
            }
            PR_SET_NAME
            | PR_GET_NAME
            | PR_SET_PDEATHSIG
            | PR_GET_PDEATHSIG
            | PR_SET_DUMPABLE
            | PR_SET_KEEPCAPS
            | PR_CAPBSET_READ
            | PR_CAPBSET_DROP
            | PR_SET_TIMERSLACK
            | PR_SET_CHILD_SUBREAPER
            | PR_GET_CHILD_SUBREAPER
            | PR_SET_SECUREBITS => first(2),
            _ => first(5),
        },
        _ => first(all),
    }
}
