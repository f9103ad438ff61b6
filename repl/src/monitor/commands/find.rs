//! Where bytes stand in memory: `find PATTERN [START END] [in TASK]`, of all processes or one.
//!
//! ```text
//! (llano) find "secret" in httpd
//! address        pid  name   where
//! 0x200005a1230    7  httpd  [heap]+0x230
//! ```
//!
//! PATTERN is text in quotes (with `\xNN` for other bytes), or a number as `0x1234` with as many bytes as its digits say,
//! lowest first. What was never touched is left out, and so is what lies in files that nobody read. Up to 200 places
//! and 1 GiB are looked at; a range makes it quick. JSON: address, pid, comm, where.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;
use llano_kernel::wait::Tid;

const COLUMNS: [Column; 4] =
    [column("address", "address"), column("pid", "pid"), column("name", "comm"), column("where", "where")];

const PLACES: usize = 200;
const BYTES: u64 = 1 << 30;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    // A pattern in quotes may have spaces.
    let line = args.join(" ");
    let (pattern, rest) = pattern(&line)?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let (range, task) = match words.as_slice() {
        [] => (None, None),
        ["in", task] => (None, Some(*task)),
        [start, end] => (Some((*start, *end)), None),
        [start, end, "in", task] => (Some((*start, *end)), Some(*task)),
        _ => return Err("`find` takes a pattern, `START END`, and `in TASK`".into()),
    };
    let task = task.map(|word| super::task_or_any(k, "find", &[word])).transpose()?;
    let range = match range {
        None => 0..u64::MAX,
        Some((start, end)) => {
            let at = task.or(k.any_task()).ok_or("there are no tasks")?;
            super::x::address(k, at, start)?..super::x::address(k, at, end)?
        }
    };
    let mut table = Table::new(&COLUMNS);
    let (mut places, mut bytes, mut cut) = (PLACES, BYTES, false);
    let tids = task.map_or_else(|| one_of_each(k), |tid| vec![tid]);
    for tid in tids {
        let got = k.search(tid, &range, &pattern, places, bytes).map_err(|e| e.message().to_string())?;
        let maps = k.view_maps(tid).map_err(|e| e.message().to_string())?;
        for at in &got.found {
            let map = maps.iter().find(|v| (v.start..v.end).contains(at));
            table.row(vec![
                Cell::Address(*at),
                Cell::Count(k.task(tid).pid as u64),
                super::comm(k, tid).into(),
                map.map_or(Cell::None, |v| super::whose::place(v, *at).into()),
            ]);
        }
        places -= got.found.len();
        bytes = bytes.saturating_sub(got.looked);
        cut |= got.cut;
    }
    if cut {
        table.note("There is more: a range, or a task, tells what to look at.");
    }
    Ok(Output::Table(table))
}

/// A task of each address space.
pub(super) fn one_of_each(k: &Kernel) -> Vec<Tid> {
    let mut seen = Vec::new();
    let fresh = |t: &&llano_kernel::task::Task| {
        let mm = std::rc::Rc::as_ptr(&t.mm);
        !seen.contains(&mm) && {
            seen.push(mm);
            true
        }
    };
    k.tables.tasks().filter(fresh).map(|t| t.tid).collect()
}

/// The bytes that are looked for, and the words behind them.
fn pattern(line: &str) -> Result<(Vec<u8>, &str), String> {
    let wrong = || "`find` needs a pattern: text in double quotes, or a number as 0x12345678".to_string();
    if let Some(text) = line.strip_prefix('"') {
        let end = text.find('"').ok_or("the pattern's quotes are not closed")?;
        let bytes = unescaped(&text[..end]).ok_or("in a pattern \\ begins \\xNN")?;
        return if bytes.is_empty() { Err(wrong()) } else { Ok((bytes, &text[end + 1..])) };
    }
    let (word, rest) = line.split_at(line.find(' ').unwrap_or(line.len()));
    let digits = word.strip_prefix("0x").ok_or_else(wrong)?;
    let value = u64::from_str_radix(digits, 16).map_err(|_| wrong())?;
    let len = digits.len().div_ceil(2).next_power_of_two().min(8);
    Ok((value.to_le_bytes()[..len].to_vec(), rest))
}

/// Text with `\xNN` for bytes.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split("\\x");
    let mut out = parts.next()?.as_bytes().to_vec();
    for part in parts {
        out.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        out.extend(&part.as_bytes()[2..]);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert_eq!(pattern("\"a b\" in sh"), Ok((b"a b".to_vec(), " in sh")));
        assert_eq!(pattern("\"a\\x00\\xff\""), Ok((vec![b'a', 0, 255], "")));
        assert_eq!(pattern("0x1234 1 2"), Ok((vec![0x34, 0x12], " 1 2")));
        assert_eq!(pattern("0x00001234"), Ok((vec![0x34, 0x12, 0, 0], "")));
        for wrong in ["", "abc", "\"", "\"\"", "0x", "0x11223344556677889", "\"\\x\"", "\"\\xé\""] {
            assert!(pattern(wrong).is_err(), "{wrong}");
        }
    }
}
