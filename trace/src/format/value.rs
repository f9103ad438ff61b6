//! Values that registers or fields of structures hold.

use core::fmt::{Result, Write};
use std::string::String;

use llano_abi::layout::MAX_DATA;
use llano_abi::names::{self, FILE_TYPES, MODE_BITS, S_IFMT};
use llano_abi::syscalls::ArgKind;

use super::Context;

/// One argument that is no address of something recorded.
pub fn arg(out: &mut String, kind: ArgKind, value: u64, context: Context<'_>) -> Result {
    let int = value as i32;
    match kind {
        ArgKind::Fd => fd(out, int, context),
        ArgKind::DirFd if int == AT_FDCWD => {
            out.write_str("AT_FDCWD")?;
            named(out, int, context)
        }
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
        ArgKind::Mode => write!(out, "0{:02o}", value as u32),
        ArgKind::FileMode => mode(out, value as u32),
        ArgKind::Dev => write!(out, "makedev({:#x}, {:#x})", major(value), minor(value)),
        ArgKind::Id if int == -1 => out.write_str("-1"),
        ArgKind::Id => write!(out, "{}", value as u32),
        ArgKind::Signal => signal(out, value as u32),
        ArgKind::Handler => match value {
            0 => out.write_str("SIG_DFL"),
            1 => out.write_str("SIG_IGN"),
            _ => write!(out, "{value:#x}"),
        },
        ArgKind::Limit => match value {
            u64::MAX => out.write_str("RLIM64_INFINITY"),
            _ if value > 1024 && value.is_multiple_of(1024) => write!(out, "{}*1024", value / 1024),
            _ => write!(out, "{value}"),
        },
        ArgKind::Ptr
        | ArgKind::Path
        | ArgKind::Str
        | ArgKind::Struct(_)
        | ArgKind::Mem(..)
        | ArgKind::SigSet
        | ArgKind::WaitStatus
        | ArgKind::Stamp(_)
        | ArgKind::Chars
        | ArgKind::List(..)
        | ArgKind::Inner(_) => address(out, value),
    }
}

const AT_FDCWD: i32 = -100;

/// An address nothing is known of.
pub(super) fn address(out: &mut String, value: u64) -> Result {
    if value == 0 { out.write_str("NULL") } else { write!(out, "{value:#x}") }
}

fn fd(out: &mut String, fd: i32, context: Context<'_>) -> Result {
    write!(out, "{fd}")?;
    named(out, fd, context)
}

/// What a descriptor is open on: `<pipe:[7]>`.
fn named(out: &mut String, fd: i32, context: Context<'_>) -> Result {
    let known = || context.fds.and_then(|names| names.get(&fd));
    let made = || context.made.iter().find(|(made, _)| *made == fd).map(|(_, name)| name);
    let name = match context.fds {
        Some(_) => known(),
        None => made(),
    };
    match name.map(|name| (name, name.strip_suffix(" (deleted)"))) {
        Some((_, Some(name))) => bracketed(out, name).and_then(|()| out.write_str("(deleted)")),
        Some((name, None)) => bracketed(out, name),
        None => Ok(()),
    }
}

/// A name in `<>`. A program chooses its files' names: what could end the name or the line is shown in octal, as strace does.
fn bracketed(out: &mut String, name: &str) -> Result {
    out.push('<');
    for c in name.chars() {
        match c {
            '<' | '>' | '\\' => write!(out, "\\{:o}", u32::from(c))?,
            c if c.is_control() => write!(out, "\\{:o}", u32::from(c))?,
            c => out.push(c),
        }
    }
    out.push('>');
    Ok(())
}

fn mode(out: &mut String, mode: u32) -> Result {
    let Some(kind) = names::name_of(FILE_TYPES, mode & S_IFMT) else { return write!(out, "0{mode:02o}") };
    out.write_str(kind)?;
    for (_, name) in MODE_BITS.iter().filter(|(bit, _)| mode & bit != 0) {
        write!(out, "|{name}")?;
    }
    write!(out, "|0{:02o}", mode & 0o777)
}

/// A signal's name, `SIGRT_2` for a real-time one, or its number.
pub fn signal(out: &mut String, number: u32) -> Result {
    match (names::signal_name(number), number) {
        (Some(name), _) => out.write_str(name),
        (None, 32) => out.write_str("SIGRTMIN"),
        (None, 33..=64) => write!(out, "SIGRT_{}", number - 32),
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
            0x0b => out.write_str("\\v"),
            0x0c => out.write_str("\\f"),
            0x20..0x7f => out.write_char(byte.into()),
            // Short, unless a digit follows that would be read as part of it.
            _ if bytes.get(at + 1).is_some_and(|next| (b'0'..=b'7').contains(next)) => {
                write!(out, "\\{byte:03o}")
            }
            _ => write!(out, "\\{byte:o}"),
        };
        written.unwrap_or_default();
    }
    out.push('"');
}

/// The head of a string of `length` bytes.
pub(super) fn head(out: &mut String, bytes: &[u8], length: usize) {
    quoted(out, &bytes[..bytes.len().min(MAX_DATA)]);
    out.push_str(if length > MAX_DATA { "..." } else { "" });
}

/// The head of bytes that are no text: all as hexadecimal escapes.
pub(super) fn binary(out: &mut String, bytes: &[u8], length: usize) {
    out.push('"');
    for byte in &bytes[..bytes.len().min(MAX_DATA)] {
        write!(out, "\\x{byte:02x}").unwrap_or_default();
    }
    out.push('"');
    out.push_str(if length > MAX_DATA { "..." } else { "" });
}

/// Major number of a `dev_t` (`makedev(3)`).
fn major(dev: u64) -> u64 {
    (dev >> 8 & 0xfff) | (dev >> 32 & 0xffff_f000)
}

/// Minor number of a `dev_t`.
fn minor(dev: u64) -> u64 {
    (dev & 0xff) | (dev >> 12 & 0xffff_ff00)
}
