//! A call as text, in strace's notation: the one formatter over the argument kinds of the system call table.

use core::fmt::Write;
use std::borrow::Cow;
use std::format;
use std::string::String;

use llano_abi::errno::Errno;
use llano_abi::names::{
    self, F_ADD_SEALS, F_DUPFD, F_DUPFD_CLOEXEC, F_GET_SEALS, F_GETFD, F_GETFL, F_GETLK, F_GETOWN,
    F_GETPIPE_SZ, F_GETSIG, F_SETFD, F_SETFL, F_SETLKW, F_SETPIPE_SZ, FIOCLEX, FIONCLEX, FUTEX_CMP_REQUEUE,
    FUTEX_LOCK_PI, FUTEX_REQUEUE, FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI, FUTEX_WAIT, FUTEX_WAKE,
    FUTEX_WAKE_BITSET, MREMAP_FIXED, O_CREAT, O_TMPFILE, SOL_SOCKET,
};
use llano_abi::syscalls::{self, ArgKind, Ret, Syscall, nr};

use crate::state::{FdNames, Text};

/// What a formatter knows beside the registers.
#[derive(Copy, Clone, Default)]
pub struct Context<'a> {
    /// Strings read by the call.
    pub strings: &'a [Text],
    /// What the caller's descriptors are open on.
    pub fds: Option<&'a FdNames>,
}

/// Bytes of a buffer shown, as strace's default.
const MAX_DATA: usize = 32;

/// The call's name; `syscall_0x1a7` for a number Linux does not have.
pub fn name(nr: usize) -> Cow<'static, str> {
    match syscalls::lookup(nr) {
        Some(call) => Cow::Borrowed(call.name),
        None => Cow::Owned(format!("syscall_{nr:#x}")),
    }
}

/// Names of the arguments of a number Linux does not have.
const UNKNOWN: [&str; 6] = ["arg1", "arg2", "arg3", "arg4", "arg5", "arg6"];

/// The names of all arguments; [`args`] shows them or the first of them, in this order.
pub fn arg_names(nr: usize, each: impl FnMut(&str)) {
    match syscalls::lookup(nr) {
        Some(call) => call.args.iter().map(|row| row.name).for_each(each),
        None => UNKNOWN.into_iter().for_each(each),
    }
}

/// The arguments worth showing, each with its name and text.
pub fn args(nr: usize, args: &[u64; 6], context: Context<'_>, mut each: impl FnMut(&str, &str)) {
    let mut text = String::new();
    let Some(call) = syscalls::lookup(nr) else {
        for (name, value) in UNKNOWN.into_iter().zip(args) {
            text.clear();
            write!(text, "{value:#x}").unwrap_or_default();
            each(name, &text);
        }
        return;
    };
    for (at, row) in call.args.iter().enumerate().take(shown(call, args)) {
        text.clear();
        arg(&mut text, refined(call, args, at), args[at], context);
        each(row.name, &text);
    }
}

/// The whole call on one line: `close(3</etc/passwd>) = 0`. Without a result it is still in progress.
pub fn call(out: &mut String, nr: usize, values: &[u64; 6], returned: Option<i64>, context: Context<'_>) {
    out.push_str(&name(nr));
    let mut separator = "(";
    args(nr, values, context, |_, text| {
        out.push_str(separator);
        out.push_str(text);
        separator = ", ";
    });
    if separator == "(" {
        out.push('(');
    }
    match returned {
        Some(value) => {
            out.push_str(") = ");
            result(out, nr, values, value, context);
        }
        None => out.push_str(" <unfinished ...>"),
    }
}

/// What the call returned: `3</etc/passwd>`, or `-1 ENOENT (No such file or directory)`.
pub fn result(out: &mut String, nr: usize, args: &[u64; 6], value: i64, context: Context<'_>) {
    if let Some((name, message)) = restart(value) {
        write!(out, "? {name} ({message})").unwrap_or_default();
        return;
    }
    if let Some(errno) = Errno::of_result(value) {
        write!(out, "-1 {errno} ({})", errno.message()).unwrap_or_default();
        return;
    }
    let ret = syscalls::lookup(nr).map_or(Ret::Int, |call| call.ret);
    match ret {
        _ if (nr, args[1] as u32) == (nr::FCNTL, F_GETFL) => {
            write!(out, "{value:#x} (flags ").unwrap_or_default();
            arg(out, ArgKind::Flags(&names::OPEN_FLAGS), value as u64, context);
            out.push(')');
        }
        Ret::Fd => arg(out, ArgKind::Fd, value as u64, context),
        Ret::Addr => write!(out, "{value:#x}").unwrap_or_default(),
        Ret::Mode => arg(out, ArgKind::Mode, value as u64, context),
        Ret::Never => out.push('?'),
        Ret::Int | Ret::Size | Ret::Pid | Ret::Id => write!(out, "{value}").unwrap_or_default(),
    }
}

/// The results with which a kernel tells itself to make a call again; no program sees them.
fn restart(result: i64) -> Option<(&'static str, &'static str)> {
    match result {
        -512 => Some(("ERESTARTSYS", "To be restarted if SA_RESTART is set")),
        -513 => Some(("ERESTARTNOINTR", "To be restarted")),
        -514 => Some(("ERESTARTNOHAND", "To be restarted if no handler")),
        -516 => Some(("ERESTART_RESTARTBLOCK", "Interrupted by signal")),
        _ => None,
    }
}

/// The error in a result, if it is one that a program sees.
pub fn error(result: i64) -> Option<Errno> {
    Errno::of_result(result).filter(|_| restart(result).is_none())
}

/// How many of a call's arguments mean something, given the others.
fn shown(call: &Syscall, args: &[u64; 6]) -> usize {
    let all = call.args.len();
    let creates = |flags: u64| flags as u32 & (O_CREAT | (O_TMPFILE & !names::O_DIRECTORY)) != 0;
    match usize::from(call.nr) {
        nr::OPEN if !creates(args[1]) => 2,
        nr::OPENAT if !creates(args[2]) => 3,
        nr::FCNTL
            if [F_GETFD, F_GETFL, F_GETOWN, F_GETSIG, F_GETPIPE_SZ, F_GET_SEALS]
                .contains(&(args[1] as u32)) =>
        {
            2
        }
        nr::IOCTL if [FIOCLEX, FIONCLEX].contains(&(args[1] as u32)) => 2,
        nr::MREMAP if args[3] as u32 & MREMAP_FIXED == 0 => 4,
        nr::FUTEX => match futex_command(args) {
            FUTEX_WAKE => 3,
            FUTEX_UNLOCK_PI | FUTEX_TRYLOCK_PI => 2,
            FUTEX_WAIT | FUTEX_LOCK_PI => 4,
            FUTEX_REQUEUE => 5,
            _ => 6,
        },
        // What follows the last argument that is not 0 says nothing.
        nr::PRCTL => args[..all].iter().rposition(|&value| value != 0).map_or(1, |last| last + 1).max(2),
        _ => all,
    }
}

fn futex_command(args: &[u64; 6]) -> u32 {
    args[1] as u32 & names::FUTEX_OP.field
}

/// The kind of an argument whose meaning another one decides.
fn refined(call: &Syscall, args: &[u64; 6], at: usize) -> ArgKind {
    let kind = call.args[at].kind;
    match (usize::from(call.nr), at) {
        (nr::FCNTL, 2) => match args[1] as u32 {
            F_SETFD => ArgKind::Flags(&names::SETFD_FLAGS),
            F_SETFL => ArgKind::Flags(&names::OPEN_FLAGS),
            F_ADD_SEALS => ArgKind::Flags(&names::SEALS),
            F_DUPFD | F_DUPFD_CLOEXEC | F_SETPIPE_SZ => ArgKind::Int,
            F_GETLK..=F_SETLKW => ArgKind::Struct("flock"),
            _ => kind,
        },
        (nr::FUTEX, 3) => match futex_command(args) {
            FUTEX_REQUEUE | FUTEX_CMP_REQUEUE | names::FUTEX_WAKE_OP | FUTEX_WAKE_BITSET => ArgKind::Uint,
            _ => kind,
        },
        (nr::SETSOCKOPT | nr::GETSOCKOPT, 2) if args[1] as u32 == SOL_SOCKET => {
            ArgKind::Enum(names::SOCKET_OPTIONS)
        }
        _ => kind,
    }
}

/// One argument.
pub fn arg(out: &mut String, kind: ArgKind, value: u64, context: Context<'_>) {
    let int = value as i32;
    let written = match kind {
        ArgKind::Fd => fd(out, int, context),
        ArgKind::DirFd if int == -100 => out.write_str("AT_FDCWD"),
        ArgKind::DirFd => fd(out, int, context),
        ArgKind::Int | ArgKind::Pid => write!(out, "{int}"),
        ArgKind::Uint => write!(out, "{}", value as u32),
        ArgKind::Long | ArgKind::Offset => write!(out, "{}", value as i64),
        ArgKind::Size => write!(out, "{value}"),
        ArgKind::Hex if value == 0 => out.write_str("0"),
        ArgKind::Hex => write!(out, "{value:#x}"),
        ArgKind::Flags(set) => set.write(value as u32, out),
        ArgKind::Enum(table) => match names::name_of(table, value as u32) {
            Some(name) => out.write_str(name),
            None if value as u32 > 0xffff => write!(out, "{:#x}", value as u32),
            None => write!(out, "{int}"),
        },
        ArgKind::Mode => write!(out, "0{:o}", value as u32),
        ArgKind::Dev => write!(out, "makedev({:#x}, {:#x})", major(value), minor(value)),
        ArgKind::Id if int == -1 => out.write_str("-1"),
        ArgKind::Id => write!(out, "{}", value as u32),
        ArgKind::Signal => signal(out, value as u32),
        ArgKind::Ptr
        | ArgKind::Path
        | ArgKind::Str
        | ArgKind::BufIn
        | ArgKind::BufOut
        | ArgKind::SigSet
        | ArgKind::Timespec
        | ArgKind::Struct(_)
        | ArgKind::StrArray
        | ArgKind::IoVec
        | ArgKind::Sockaddr => pointer(out, kind, value, context),
    };
    written.unwrap_or_default();
}

fn fd(out: &mut String, fd: i32, context: Context<'_>) -> core::fmt::Result {
    match context.fds.and_then(|names| names.get(&fd)) {
        Some(name) => write!(out, "{fd}<{name}>"),
        None => write!(out, "{fd}"),
    }
}

/// An address, or what was read there when that was recorded.
fn pointer(out: &mut String, kind: ArgKind, value: u64, context: Context<'_>) -> core::fmt::Result {
    let text = context.strings.iter().find(|text| text.key == value);
    match (text, kind) {
        _ if value == 0 => out.write_str("NULL"),
        (Some(text), ArgKind::Path | ArgKind::Str) => {
            quoted(out, &text.bytes);
            Ok(())
        }
        (Some(text), ArgKind::BufIn | ArgKind::BufOut) => {
            quoted(out, &text.bytes[..text.bytes.len().min(MAX_DATA)]);
            out.write_str(if text.bytes.len() > MAX_DATA { "..." } else { "" })
        }
        _ => write!(out, "{value:#x}"),
    }
}

/// A signal's name, `SIGRT_2` for a real-time one, or its number.
pub fn signal(out: &mut String, number: u32) -> core::fmt::Result {
    match (names::signal_name(number), number) {
        (Some(name), _) => out.write_str(name),
        (None, 32..=64) => write!(out, "SIGRT_{}", number - 32),
        _ => write!(out, "{number}"),
    }
}

/// Bytes as a C string literal: what is not printable ASCII becomes an escape.
pub fn quoted(out: &mut String, bytes: &[u8]) {
    out.push('"');
    for (at, &byte) in bytes.iter().enumerate() {
        let written = match byte {
            b'"' => out.write_str("\\\""),
            b'\\' => out.write_str("\\\\"),
            b'\n' => out.write_str("\\n"),
            b'\t' => out.write_str("\\t"),
            b'\r' => out.write_str("\\r"),
            0x20..0x7f => out.write_char(byte.into()),
            // Short, unless a digit follows that would be read as part of it.
            _ if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => write!(out, "\\{byte:03o}"),
            _ => write!(out, "\\{byte:o}"),
        };
        written.unwrap_or_default();
    }
    out.push('"');
}

/// Major number of a `dev_t` (`makedev(3)`).
fn major(dev: u64) -> u64 {
    (dev >> 8 & 0xfff) | (dev >> 32 & 0xffff_f000)
}

/// Minor number of a `dev_t`.
fn minor(dev: u64) -> u64 {
    (dev & 0xff) | (dev >> 12 & 0xffff_ff00)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::BytesKind;
    use std::vec::Vec;

    fn line(nr: usize, values: &[u64], result: i64) -> String {
        let mut args = [0; 6];
        args[..values.len()].copy_from_slice(values);
        let path = |key, text: &str| Text { kind: BytesKind::Path, key, bytes: text.as_bytes().to_vec() };
        let mut strings: Vec<Text> = Vec::from([path(0x10, "/etc/passwd"), path(0x20, "a \"b\"\n\u{e9}1")]);
        strings.push(Text {
            kind: BytesKind::Data,
            key: 0x30,
            bytes: b"0123456789012345678901234567890123".to_vec(),
        });
        let fds = FdNames::from([(3, "/etc/passwd".into()), (4, "pipe:[7]".into())]);
        let mut out = String::new();
        call(&mut out, nr, &args, Some(result), Context { strings: &strings, fds: Some(&fds) });
        out
    }

    const CWD: u64 = -100i64 as u64;

    #[test]
    fn golden_lines() {
        for (got, want) in [
            (
                line(nr::OPENAT, &[CWD, 0x10, 0o2000000, 0], 3),
                r#"openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3</etc/passwd>"#,
            ),
            (
                line(nr::OPENAT, &[3, 0x20, 0o101, 0o644], -2),
                r#"openat(3</etc/passwd>, "a \"b\"\n\303\2511", O_WRONLY|O_CREAT, 0644) = -1 ENOENT (No such file or directory)"#,
            ),
            (line(nr::CLOSE, &[4], 0), "close(4<pipe:[7]>) = 0"),
            (line(nr::CLOSE, &[u64::MAX], -9), "close(-1) = -1 EBADF (Bad file descriptor)"),
            (
                line(nr::WRITE, &[1, 0x30, 34], 34),
                r#"write(1, "01234567890123456789012345678901"..., 34) = 34"#,
            ),
            (line(nr::READ, &[0, 0, 8], -14), "read(0, NULL, 8) = -1 EFAULT (Bad address)"),
            (
                line(nr::MMAP, &[0, 8192, 3, 0x22, u64::MAX, 0], 0x7f00_0000_0000),
                "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000",
            ),
            (
                line(nr::CLONE, &[0x0120_0011, 0, 0, 0x7f00, 0], 12),
                "clone(SIGCHLD|CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID, NULL, NULL, 0x7f00, NULL) = 12",
            ),
            (line(nr::FUTEX, &[0x5000, 129, 1], 1), "futex(0x5000, FUTEX_WAKE|FUTEX_PRIVATE_FLAG, 1) = 1"),
            (
                line(nr::FUTEX, &[0x5000, 128, 2, 0], 0),
                "futex(0x5000, FUTEX_WAIT|FUTEX_PRIVATE_FLAG, 2, NULL) = 0",
            ),
            (line(nr::FCNTL, &[3, 2, 1], 0), "fcntl(3</etc/passwd>, F_SETFD, FD_CLOEXEC) = 0"),
            (
                line(nr::FCNTL, &[3, 3], 0x8000),
                "fcntl(3</etc/passwd>, F_GETFL) = 0x8000 (flags O_RDONLY|O_LARGEFILE)",
            ),
            (line(nr::FCNTL, &[3, 0, 10], 10), "fcntl(3</etc/passwd>, F_DUPFD, 10) = 10"),
            (line(nr::IOCTL, &[1, 0x5413, 0x99], -25), {
                "ioctl(1, TIOCGWINSZ, 0x99) = -1 ENOTTY (Inappropriate ioctl for device)"
            }),
            (line(nr::KILL, &[-1i64 as u64, 15], 0), "kill(-1, SIGTERM) = 0"),
            (line(nr::TGKILL, &[7, 8, 34], 0), "tgkill(7, 8, SIGRT_2) = 0"),
            (line(nr::SOCKET, &[1, 0o2000001, 0], 5), "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 5"),
            (
                line(nr::SETSOCKOPT, &[5, 1, 2, 0x40, 4], 0),
                "setsockopt(5, SOL_SOCKET, SO_REUSEADDR, 0x40, 4) = 0",
            ),
            (line(nr::ACCESS, &[0x10, 4], 0), r#"access("/etc/passwd", R_OK) = 0"#),
            (line(nr::LSEEK, &[3, -5i64 as u64, 2], 0), "lseek(3</etc/passwd>, -5, SEEK_END) = 0"),
            (line(nr::FCHOWN, &[3, 1000, u64::MAX], 0), "fchown(3</etc/passwd>, 1000, -1) = 0"),
            (line(nr::MKNOD, &[0x99, 0o20666, 0x103], 0), "mknod(0x99, 020666, makedev(0x1, 0x3)) = 0"),
            (line(nr::PRCTL, &[38, 1], 0), "prctl(PR_SET_NO_NEW_PRIVS, 0x1) = 0"),
            (line(nr::UMASK, &[0o22], 0o77), "umask(022) = 077"),
            (line(nr::EXIT_GROUP, &[3], 0), "exit_group(3) = ?"),
            (line(nr::GETPID, &[], 9), "getpid() = 9"),
            (
                line(nr::READ, &[4, 0x99, 1], -512),
                "read(4<pipe:[7]>, 0x99, 1) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)",
            ),
            (
                line(423, &[1], -38),
                "syscall_0x1a7(0x1, 0x0, 0x0, 0x0, 0x0, 0x0) = -1 ENOSYS (Function not implemented)",
            ),
        ] {
            assert_eq!(got, want);
        }
    }

    #[test]
    fn a_call_in_progress() {
        let mut out = String::new();
        call(&mut out, nr::READ, &[0, 16, 1, 0, 0, 0], None, Context::default());
        assert_eq!(out, "read(0, 0x10, 1 <unfinished ...>");
    }
}
