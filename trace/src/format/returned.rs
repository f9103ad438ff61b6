//! Results, and what calls tell beside them.

use core::fmt::{Result, Write};
use std::string::String;

use llano_abi::errno::Errno;
use llano_abi::layout::{u32_at, u64_at};
use llano_abi::names::{self, F_GETFD, F_GETFL, FD_CLOEXEC, POLL_EVENTS};
use llano_abi::syscalls::{self, ArgKind, Ret, Syscall, nr};

use super::{Context, fields, memory, value};
use crate::record::BytesKind;

/// What the call returned: `3</etc/passwd>`, or `-1 ENOENT (No such file or directory)`.
pub fn result(out: &mut String, nr: usize, args: &[u64; 6], value: i64, context: Context<'_>) {
    written(out, nr, args, value, context).unwrap_or_default();
}

fn written(out: &mut String, nr: usize, args: &[u64; 6], value: i64, context: Context<'_>) -> Result {
    if let Some((name, message)) = restart(value) {
        return write!(out, "? {name} ({message})");
    }
    if let Some(errno) = Errno::of_result(value) {
        return write!(out, "-1 {errno} ({})", errno.message());
    }
    let Some(call) = syscalls::lookup(nr) else { return write!(out, "{value}") };
    let after = context.after();
    match call.ret {
        _ if nr == nr::FCNTL => return of_fcntl(out, args[1] as u32, value as u64, after),
        Ret::Fd => value::arg(out, ArgKind::Fd, value as u64, after)?,
        Ret::Addr => write!(out, "{value:#x}")?,
        Ret::Mode => value::arg(out, ArgKind::Mode, value as u64, after)?,
        Ret::Never => out.write_str("?")?,
        Ret::Int | Ret::Size | Ret::Pid | Ret::Id => write!(out, "{value}")?,
    }
    match nr {
        nr::POLL | nr::PPOLL | nr::SELECT | nr::PSELECT6 if value == 0 => out.write_str(" (Timeout)"),
        nr::POLL | nr::PPOLL | nr::SELECT | nr::PSELECT6 => told(out, call, args, context),
        nr::RT_SIGTIMEDWAIT => {
            out.write_str(" (")?;
            value::signal(out, value as u32)?;
            out.write_char(')')
        }
        nr::TIME => {
            out.write_str(" (")?;
            fields::date(out, value)?;
            out.write_str("+0000)")
        }
        _ => Ok(()),
    }
}

fn of_fcntl(out: &mut String, op: u32, value: u64, context: Context<'_>) -> Result {
    let flags = match op {
        F_GETFL => &names::OPEN_FLAGS,
        F_GETFD if value as u32 & FD_CLOEXEC != 0 => &names::SETFD_FLAGS,
        names::F_DUPFD | names::F_DUPFD_CLOEXEC => return value::arg(out, ArgKind::Fd, value, context),
        _ => return write!(out, "{}", value as i64),
    };
    write!(out, "{value:#x} (flags ")?;
    flags.write(value as u32, out)?;
    out.write_char(')')
}

/// What `poll(2)` and `select(2)` found: `([{fd=3, revents=POLLIN}], left {tv_sec=0, tv_nsec=5})`.
fn told(out: &mut String, call: &'static Syscall, args: &[u64; 6], context: Context<'_>) -> Result {
    const TIMEOUT: [(usize, &str); 1] = [(2, "left ")];
    const SETS: [(usize, &str); 4] = [(1, "in "), (2, "out "), (3, "except "), (4, "left ")];
    let nr = usize::from(call.nr);
    let rest: &[(usize, &str)] = match nr {
        nr::POLL => &[],
        nr::PPOLL => &TIMEOUT,
        _ => &SETS,
    };
    let mut separator = " (";
    if matches!(nr, nr::POLL | nr::PPOLL)
        && let Some(found) = context.piece(BytesKind::Out, args[0])
    {
        out.write_str(" (")?;
        ready(out, found)?;
        separator = ", ";
    }
    let memory = memory::Memory::new(call, args, context);
    for &(at, name) in rest {
        let mut text = String::new();
        memory.told(&mut text, at)?;
        if !text.is_empty() && text != "[]" {
            write!(out, "{separator}{name}{text}")?;
            separator = ", ";
        }
    }
    out.write_str(if separator == " (" { "" } else { ")" })
}

/// The descriptors on which something happened.
fn ready(out: &mut String, found: &[u8]) -> Result {
    let mut separator = "[";
    for poll in found.chunks_exact(8) {
        // The upper half of the second word.
        let revents = (u64_at(poll, 0) >> 48) as u32;
        if revents != 0 {
            write!(out, "{separator}{{fd={}, revents=", u32_at(poll, 0) as i32)?;
            POLL_EVENTS.write(revents, out)?;
            out.write_char('}')?;
            separator = ", ";
        }
    }
    out.write_char(']')
}

/// The results with which a kernel tells itself to make a call again; no program sees them.
pub(super) fn restart(result: i64) -> Option<(&'static str, &'static str)> {
    match result {
        -512 => Some(("ERESTARTSYS", "To be restarted if SA_RESTART is set")),
        -513 => Some(("ERESTARTNOINTR", "To be restarted")),
        -514 => Some(("ERESTARTNOHAND", "To be restarted if no handler")),
        -516 => Some(("ERESTART_RESTARTBLOCK", "Interrupted by signal")),
        _ => None,
    }
}
