//! JSON text: what an export needs of it, appended to a string.

use core::fmt::Write;
use std::string::String;

/// Appends `text` as a JSON string with its quotes.
pub fn string(out: &mut String, text: &str) {
    out.push('"');
    escaped(out, text);
    out.push('"');
}

/// Appends `text` escaped for the inside of a JSON string.
pub fn escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                write!(out, "\\u{:04x}", u32::from(c)).unwrap_or_default()
            }
            c => out.push(c),
        }
    }
}

/// Appends `ns` nanoseconds as microseconds with all three decimals, which viewers read without loss.
pub fn micros(out: &mut String, ns: u64) {
    write!(out, "{}.{:03}", ns / 1000, ns % 1000).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let mut out = String::new();
        string(&mut out, "a\"b\\c\n\t\u{1}\u{7f}é");
        micros(&mut out, 1_002_003);
        assert_eq!(out, "\"a\\\"b\\\\c\\n\\t\\u0001\\u007fé\"1002.003");
    }
}
