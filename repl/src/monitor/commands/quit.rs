//! Ends llano with all its tasks, as a power-off does: its status is 0, and its trace is written. Also `exit`.
//!
//! ```text
//! llano ends
//! ```
//!
//! JSON: ended.

use crate::monitor::Output;
use llano_kernel::Kernel;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("quit", args)?;
    k.power_off();
    Ok(Output::Said("llano ends".into(), "{\"ended\":true}".into()))
}
