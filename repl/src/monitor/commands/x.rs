//! Memory as gdb's `x` shows it: `x[/FORMAT] ADDRESS [TASK]`, as the task sees it (default: the running task).
//!
//! ```text
//! (llano) x/4xg $rsp httpd
//! 0x200003ff8a0: 0x0000000000000001 0x00000200003ffd61
//! 0x200003ff8b0: 0x0000000000000000 0x00000200003ffd67
//! ```
//!
//! FORMAT is a count, a letter and a size: `x` hexadecimal, `d` signed, `u` unsigned, `c` characters, `s` strings, `i`
//! instructions; `b` `h` `w` `g` 1, 2, 4, 8 bytes. ADDRESS is a number, or a register as `$rsp`, and may have `+N` or `-N`
//! behind it. llano's own memory can be looked at too. JSON: address, text: a line each.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use crate::postmortem::cores::general_of;
use crate::symbols::decoded;
use llano_kernel::Kernel;
use llano_kernel::wait::Tid;

const COLUMNS: [Column; 2] = [column("address", "address"), column("", "text")];

/// The most that is shown.
const MOST: usize = 4096;
/// Bytes in a line.
const LINE: usize = 16;
/// The longest string, and the longest instruction.
const STRING: usize = 200;
const INSTRUCTION: usize = 15;

/// How memory is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    count: usize,
    letter: char,
    size: usize,
}

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let (how, rest) = match args {
        [how, rest @ ..] if how.starts_with('/') => (&how[1..], rest),
        _ => ("", args),
    };
    let shape = shape(how)?;
    let (place, task) = rest.split_first().ok_or("`x` needs an address: `x/4xg $rsp`")?;
    let tid = super::task_or_any(k, "x", task)?;
    let mut at = address(k, tid, place)?;
    let mut table = Table::new(&COLUMNS);
    let mut shown = 0;
    while shown < shape.count {
        let (text, items, len) = line(k, tid, at, &shape, shape.count - shown).map_err(|e| match shown {
            0 => e,
            _ => format!("{e}; {shown} before it could be shown"),
        })?;
        table.row(vec![Cell::Address(at), text.into()]);
        shown += items;
        at = at.wrapping_add(len as u64);
    }
    Ok(Output::Table(table))
}

/// `4xg`.
fn shape(how: &str) -> Result<Shape, String> {
    let digits = how.chars().take_while(char::is_ascii_digit).count();
    let wrong = || {
        let shown: String = how.chars().take(20).collect();
        format!("no format `{}`: a count up to {MOST}, one of xducsi, one of bhwg", shown.escape_debug())
    };
    let count = if digits == 0 { 1 } else { how[..digits].parse().map_err(|_| wrong())? };
    let (mut letter, mut size) = (None, None);
    for c in how[digits..].chars() {
        match c {
            'x' | 'd' | 'u' | 'c' | 's' | 'i' if letter.is_none() => letter = Some(c),
            'b' | 'h' | 'w' | 'g' if size.is_none() => size = Some(1 << "bhwg".find(c).unwrap_or(0)),
            _ => return Err(wrong()),
        }
    }
    let letter = letter.unwrap_or('x');
    let size = size.unwrap_or(if letter == 'c' { 1 } else { 4 });
    if !(1..=MOST).contains(&count) {
        return Err(wrong());
    }
    Ok(Shape { count, letter, size })
}

/// `0x1234`, `$rsp+16`.
pub(super) fn address(k: &Kernel, tid: Tid, word: &str) -> Result<u64, String> {
    let wrong =
        || format!("no address `{}`: a number, or a register as $rsp, and +N or -N", word.escape_debug());
    let cut = word.char_indices().skip(1).find(|(_, c)| *c == '+' || *c == '-').map_or(word.len(), |c| c.0);
    let (base, offset) = word.split_at(cut);
    let base = match base.strip_prefix('$') {
        Some(name) => register(k, tid, name).ok_or_else(wrong)?,
        None => number(base).ok_or_else(wrong)?,
    };
    match offset.chars().next() {
        None => Ok(base),
        Some('-') => Ok(base.wrapping_sub(number(&offset[1..]).ok_or_else(wrong)?)),
        Some(_) => Ok(base.wrapping_add(number(&offset[1..]).ok_or_else(wrong)?)),
    }
}

fn register(k: &Kernel, tid: Tid, name: &str) -> Option<u64> {
    let general = general_of(k.task(tid));
    match name {
        "rip" | "pc" => Some(general.rip),
        "sp" => Some(general.regs[7]),
        "fs_base" => Some(general.fs_base),
        _ => super::regs::NAMES.iter().position(|n| *n == name).map(|i| general.regs[i]),
    }
}

/// A number, decimal or with `0x`.
pub(super) fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// A line at an address: its words, how many items, how many bytes.
fn line(k: &Kernel, tid: Tid, at: u64, shape: &Shape, most: usize) -> Result<(String, usize, usize), String> {
    let read = |len: usize| {
        let mut buf = vec![0; len];
        let n = k.peek_as(tid, at, &mut buf).unwrap_or(0);
        buf.truncate(n);
        if n == 0 { Err(format!("no memory at {at:#x}")) } else { Ok(buf) }
    };
    match shape.letter {
        's' => {
            let bytes = read(STRING)?;
            let end = bytes.iter().position(|b| *b == 0);
            let text = String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned();
            let more = if end.is_none() { "..." } else { "" };
            Ok((format!("\"{}\"{more}", text.escape_debug()), 1, end.map_or(bytes.len(), |e| e + 1)))
        }
        'i' => {
            let (text, len) = decoded(at, &read(INSTRUCTION)?);
            Ok((text, 1, len.max(1)))
        }
        _ => {
            let items = most.min(LINE / shape.size);
            let bytes = read(items * shape.size)?;
            let items = bytes.len() / shape.size;
            if items == 0 {
                return Err(format!("no memory at {:#x}", at + bytes.len() as u64));
            }
            let words: Vec<String> = bytes.chunks_exact(shape.size).map(|b| item(b, shape.letter)).collect();
            Ok((words.join(" "), items, items * shape.size))
        }
    }
}

fn item(bytes: &[u8], letter: char) -> String {
    let value = bytes.iter().rev().fold(0u64, |sum, b| sum << 8 | u64::from(*b));
    let unused = 64 - 8 * bytes.len() as u32;
    match letter {
        'd' => ((value << unused).cast_signed() >> unused).to_string(),
        'u' => value.to_string(),
        'c' => format!("'{}'", (bytes[0] as char).escape_default()),
        _ => format!("0x{value:0width$x}", width = 2 * bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        assert_eq!(shape(""), Ok(Shape { count: 1, letter: 'x', size: 4 }));
        assert_eq!(shape("4xg"), Ok(Shape { count: 4, letter: 'x', size: 8 }));
        assert_eq!(shape("gx"), Ok(Shape { count: 1, letter: 'x', size: 8 }));
        for wrong in ["0x", "5000x", "xx", "99999999999999999999x", "4q", "é"] {
            assert!(shape(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn items() {
        assert_eq!(item(&[0xfe, 0xff], 'd'), "-2");
        assert_eq!(item(&[0xfe, 0xff], 'u'), "65534");
        assert_eq!(item(&[0xfe, 0xff], 'x'), "0xfffe");
        assert_eq!(item(b"\n", 'c'), "'\\n'");
        assert_eq!(item(&[0xff; 8], 'd'), "-1");
    }
}
