//! Writes a post-mortem of the living: `dump DIR`. The system stands still meanwhile, and goes on.
//!
//! ```text
//! written: report.txt state.json trace.ctf trace.pftrace core gdb.cmd
//! ```
//!
//! DIR is made if it is not there. `gdb -x DIR/gdb.cmd` shows every task; `llano monitor DIR` answers as the system did.
//! JSON: written, a list of names.

use crate::monitor::Output;
use crate::postmortem;
use llano_kernel::Kernel;
use llano_trace::json;
use std::path::Path;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    if args.is_empty() {
        return Err("`dump` needs a directory".into());
    }
    // A path may have spaces.
    let written = postmortem::asked(k, Path::new(&args.join(" ")))?;
    let mut object = String::from("{\"written\":[");
    for (i, name) in written.iter().enumerate() {
        object.push_str(if i == 0 { "" } else { "," });
        json::string(&mut object, name);
    }
    Ok(Output::Said(format!("written: {}", written.join(" ")), object + "]}"))
}
