//! Lets a stopped system run on.
//!
//! ```text
//! running
//! ```
//!
//! Does nothing to a running one, nor to one that gdb holds. JSON: stopped.

use crate::monitor::Output;
use llano_kernel::Kernel;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("cont", args)?;
    k.unpause();
    let held = k.debug.held;
    let text = if held { "gdb holds the system; its `continue` lets it run" } else { "running" };
    Ok(Output::Said(text.into(), format!("{{\"stopped\":{held}}}")))
}
