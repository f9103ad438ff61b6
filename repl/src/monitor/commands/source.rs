//! Runs the commands of a file, a line each: `source FILE`. Lines that are empty or begin with `#` are skipped.
//!
//! ```text
//! (llano) source faults.llano
//! rule  matched  hits  text
//!    1        0     0  openat fail ENOSPC path /tmp/* every 3
//! ```
//!
//! `inject save FILE` writes such a file. The first line that cannot be done ends it, and is named. The file is one of the host's.
//! JSON: a list of what the commands answer.

use crate::monitor::{Form, Output};
use llano_kernel::Kernel;
use std::path::Path;

/// The largest file.
const LARGEST: u64 = 1 << 20;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    if args.is_empty() {
        return Err("`source` needs a file".into());
    }
    // A path may have spaces.
    let name = args.join(" ");
    let meta = std::fs::metadata(Path::new(&name));
    let meta = meta.map_err(|e| format!("{name}: {}", crate::monitor::server::reason(&e)))?;
    // The kernel stands still meanwhile: nothing that may make it wait.
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(format!("{name}: not a regular file of at most {} KiB", LARGEST >> 10));
    }
    let text = std::fs::read(&name).map_err(|e| format!("{name}: {}", crate::monitor::server::reason(&e)))?;
    let text = String::from_utf8(text).map_err(|_| format!("{name}: not UTF-8"))?;
    let (mut said, mut values) = (String::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.split_whitespace().next() == Some("source") {
            return Err(format!("{name}:{number}: a file cannot `source` another"));
        }
        let answer = crate::monitor::answers(k, line).map_err(|e| format!("{name}:{number}: {e}"))?;
        said.push_str(&answer.show(Form::Text));
        values.push(answer.show(Form::Json).trim_end().to_string());
    }
    Ok(Output::Said(said.trim_end().to_string(), format!("[{}]", values.join(","))))
}
