//! `#!` lines (execve(2), "Interpreter scripts").

use crate::error::{Errno, Result};
use alloc::vec::Vec;

/// A parsed line.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// The interpreter's path.
    pub interpreter: Vec<u8>,
    /// Everything behind it, as one argument.
    pub argument: Option<Vec<u8>>,
}

/// The longest line, with its newline (BINPRM_BUF_SIZE).
const MAX_LINE: usize = 256;

/// Parses the first bytes of a file; `None` if it does not start with `#!`.
///
/// # Errors
/// `ENOEXEC`: no interpreter is named, or its name does not end within 256 bytes.
pub fn parse(head: &[u8]) -> Result<Option<Line>> {
    let Some(rest) = head.strip_prefix(b"#!") else { return Ok(None) };
    let blank = |b: &u8| *b == b' ' || *b == b'\t';
    let newline = rest.iter().position(|b| *b == b'\n');
    let line = &rest[..newline.unwrap_or(rest.len())];
    let start = line.iter().position(|b| !blank(b)).ok_or(Errno::ENOEXEC)?;
    let line = &line[start..];
    let end = line.iter().position(|b| blank(b) || *b == 0);
    if end.is_none() && newline.is_none() && head.len() >= MAX_LINE {
        return Err(Errno::ENOEXEC);
    }
    let (name, rest) = line.split_at(end.unwrap_or(line.len()));
    if name.is_empty() {
        return Err(Errno::ENOEXEC);
    }
    let trimmed: &[u8] = match (
        rest.iter().position(|b| !blank(b) && *b != 0),
        rest.iter().rposition(|b| !blank(b) && *b != 0),
    ) {
        (Some(a), Some(b)) => &rest[a..=b],
        _ => &[],
    };
    Ok(Some(Line { interpreter: name.to_vec(), argument: (!trimmed.is_empty()).then(|| trimmed.to_vec()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Option<(&str, Option<&str>)> {
        let l = parse(text.as_bytes()).unwrap()?;
        let leak = |v: Vec<u8>| -> &'static str { alloc::string::String::from_utf8(v).unwrap().leak() };
        Some((leak(l.interpreter), l.argument.map(leak)))
    }

    #[test]
    fn lines_as_linux_reads_them() {
        assert_eq!(line("#!/bin/sh\n"), Some(("/bin/sh", None)));
        assert_eq!(line("#! \t/bin/sh -e  \nrest"), Some(("/bin/sh", Some("-e"))));
        assert_eq!(line("#!/usr/bin/env python3 -u x\n"), Some(("/usr/bin/env", Some("python3 -u x"))));
        assert_eq!(line("#!/bin/sh"), Some(("/bin/sh", None)));
        assert_eq!(line("echo hi\n"), None);
        assert_eq!(parse(b"#!\n"), Err(Errno::ENOEXEC));
        assert_eq!(parse(b"#!   \n"), Err(Errno::ENOEXEC));
        assert_eq!(parse(&[b"#!/".as_slice(), &[b'x'; 300]].concat()[..256]), Err(Errno::ENOEXEC));
    }
}
