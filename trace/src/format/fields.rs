//! Fields and structures whose text follows rules of their own.

use core::fmt::{Result, Write};
use core::net::{Ipv4Addr, Ipv6Addr};
use std::string::String;

use llano_abi::layout::u32_at;
use llano_abi::names::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, CONTROL_TYPES, FAMILIES, SCM_CREDENTIALS};
use llano_abi::names::{SCM_RIGHTS, SOCKET_LEVELS, SOL_SOCKET, name_of, signal_name};
use llano_abi::syscalls::ArgKind;

use super::{Context, value};

/// A set of signals: `[INT CHLD]`, or what it lacks if that is shorter: `~[RTMIN RT_1]`.
pub(super) fn signals(out: &mut String, set: u64) -> Result {
    /// How many make the other way shorter in strace's eyes.
    const MANY: u32 = 64 * 2 / 3;
    let (mark, set) = if set.count_ones() >= MANY { ("~", !set) } else { ("", set) };
    write!(out, "{mark}[")?;
    for (at, number) in (1..=64u32).filter(|number| set >> (number - 1) & 1 != 0).enumerate() {
        out.write_str(if at == 0 { "" } else { " " })?;
        match signal_name(number) {
            Some(name) => out.write_str(name.trim_start_matches("SIG"))?,
            None if number == 32 => out.write_str("RTMIN")?,
            None => write!(out, "RT_{}", number - 32)?,
        }
    }
    out.write_char(']')
}

/// The bits of a set by number: `[0 3]`.
pub(super) fn set(
    out: &mut String,
    bytes: &[u8],
    mut each: impl FnMut(&mut String, u64) -> Result,
) -> Result {
    let members = (0..bytes.len() * 8).filter(|bit| bytes[bit / 8] >> (bit % 8) & 1 != 0);
    out.write_char('[')?;
    for (at, bit) in members.enumerate() {
        out.write_str(if at == 0 { "" } else { " " })?;
        each(out, bit as u64)?;
    }
    out.write_char(']')
}

/// How a process changed state, in the macros of `wait(2)`.
pub(super) fn wait_status(out: &mut String, status: u32) -> Result {
    match (status & 0x7f, status >> 8 & 0xff) {
        _ if status == 0xffff => out.write_str("{WIFCONTINUED(s)}"),
        (0, code) => write!(out, "{{WIFEXITED(s) && WEXITSTATUS(s) == {code}}}"),
        (0x7f, number) => {
            out.write_str("{WIFSTOPPED(s) && WSTOPSIG(s) == ")?;
            value::signal(out, number)?;
            out.write_char('}')
        }
        (number, _) => {
            out.write_str("{WIFSIGNALED(s) && WTERMSIG(s) == ")?;
            value::signal(out, number)?;
            out.write_str(if status & 0x80 != 0 { " && WCOREDUMP(s)}" } else { "}" })
        }
    }
}

/// A file's time; `unit` is `nsec` or `usec`.
pub(super) fn stamp(out: &mut String, unit: &str, seconds: i64, part: i64) -> Result {
    const UTIME_NOW: i64 = 0x3fff_ffff;
    const UTIME_OMIT: i64 = 0x3fff_fffe;
    match part {
        UTIME_NOW if unit == "nsec" => return out.write_str("UTIME_NOW"),
        UTIME_OMIT if unit == "nsec" => return out.write_str("UTIME_OMIT"),
        _ => write!(out, "{{tv_sec={seconds}, tv_{unit}={part}}}")?,
    }
    if (seconds, part) == (0, 0) {
        return Ok(());
    }
    out.write_str(" /* ")?;
    date(out, seconds)?;
    match (part, unit) {
        (0, _) => {}
        (_, "nsec") => write!(out, ".{part:09}")?,
        _ => write!(out, ".{part:06}")?,
    }
    out.write_str("+0000 */")
}

/// A date and time of day, UTC: `2026-01-31T08:15:00`.
pub(super) fn date(out: &mut String, seconds: i64) -> Result {
    // Days since 1 March of year 0, in the proleptic Gregorian calendar: leap days end their years.
    let (days, second) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + carry;
    let (hour, minute) = (second / 3600, second / 60 % 60);
    write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}", second % 60)
}

/// A socket's address.
pub(super) fn sockaddr(out: &mut String, bytes: &[u8]) -> Result {
    let Some((family, rest)) = bytes.split_first_chunk::<2>() else { return out.write_str("{}") };
    let family = u32::from(u16::from_le_bytes(*family));
    out.write_str("{sa_family=")?;
    value::arg(out, ArgKind::Enum(FAMILIES), family.into(), Context::default())?;
    let port = || rest.first_chunk().map_or(0, |port| u16::from_be_bytes(*port));
    match (family, rest) {
        (_, []) => {}
        (AF_UNIX, [0, _, ..]) => {
            out.write_str(", sun_path=@")?;
            value::quoted(out, &rest[1..]);
        }
        (AF_UNIX, _) => {
            out.write_str(", sun_path=")?;
            value::quoted(out, rest.split(|&byte| byte == 0).next().unwrap_or_default());
        }
        (AF_INET, _) if rest.len() >= 6 => {
            let host = Ipv4Addr::new(rest[2], rest[3], rest[4], rest[5]);
            write!(out, ", sin_port=htons({}), sin_addr=inet_addr(\"{host}\")", port())?;
        }
        (AF_INET6, _) if rest.len() >= 26 => {
            let host =
                rest[6..].first_chunk::<16>().map_or(Ipv6Addr::UNSPECIFIED, |host| Ipv6Addr::from(*host));
            let flow = u32_at(rest, 2).swap_bytes();
            write!(out, ", sin6_port=htons({}), sin6_flowinfo=htonl({flow}), ", port())?;
            write!(out, "inet_pton(AF_INET6, \"{host}\", &sin6_addr), sin6_scope_id={}", u32_at(rest, 22))?;
        }
        (AF_NETLINK, _) if rest.len() >= 10 => {
            write!(out, ", nl_pid={}, nl_groups={:08x}", u32_at(rest, 2), u32_at(rest, 6))?;
        }
        _ => {
            out.write_str(", sa_data=")?;
            value::head(out, rest, rest.len());
        }
    }
    out.write_char('}')
}

/// Ancillary data: `[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5]}]`.
pub(super) fn control(out: &mut String, bytes: &[u8], context: Context<'_>) -> Result {
    const HEADER: usize = 16;
    let (mut rest, mut separator) = (bytes, "[");
    while rest.len() >= HEADER {
        let (length, level, kind) = (u32_at(rest, 0) as usize, u32_at(rest, 8), u32_at(rest, 12));
        write!(out, "{separator}{{cmsg_len={length}, cmsg_level=")?;
        separator = ", ";
        value::arg(out, ArgKind::Enum(SOCKET_LEVELS), level.into(), context)?;
        out.write_str(", cmsg_type=")?;
        match name_of(CONTROL_TYPES, kind) {
            Some(name) if level == SOL_SOCKET => out.write_str(name)?,
            _ => write!(out, "{kind:#x}")?,
        }
        let end = length.clamp(HEADER, rest.len());
        let data = &rest[HEADER..end];
        if !data.is_empty() {
            out.write_str(", cmsg_data=")?;
        }
        match (level, kind) {
            _ if data.is_empty() => {}
            (SOL_SOCKET, SCM_RIGHTS) => {
                for (at, fd) in data.chunks_exact(4).enumerate() {
                    out.write_str(if at == 0 { "[" } else { ", " })?;
                    value::arg(out, ArgKind::Fd, u32_at(fd, 0).into(), context)?;
                }
                out.write_char(']')?;
            }
            (SOL_SOCKET, SCM_CREDENTIALS) => {
                let word = |at| u32_at(data, at);
                write!(out, "{{pid={}, uid={}, gid={}}}", word(0), word(4), word(8))?;
            }
            _ => value::head(out, data, data.len()),
        }
        out.write_char('}')?;
        rest = rest.get(end.next_multiple_of(8)..).unwrap_or_default();
    }
    out.write_str(if separator == "[" { "[]" } else { "]" })
}
