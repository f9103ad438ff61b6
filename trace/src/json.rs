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
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\t' => "\\t",
            ..0x20 | 0x7f => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        plain = at + 1;
        match escape {
            "" => write!(out, "\\u{byte:04x}").unwrap_or_default(),
            _ => out.push_str(escape),
        }
    }
    out.push_str(&text[plain..]);
}

/// Appends `ns` nanoseconds as microseconds with all three decimals, which viewers read without loss.
pub fn micros(out: &mut String, ns: u64) {
    number(out, ns / 1000);
    // A leading digit that is cut off keeps the zeros after it.
    let mut digits = itoa::Buffer::new();
    out.push('.');
    out.push_str(&digits.format(1000 + ns % 1000)[1..]);
}

/// Appends a number: exports consist of them, and the formatter of the standard library takes half their time.
pub fn number(out: &mut String, value: u64) {
    out.push_str(itoa::Buffer::new().format(value));
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
