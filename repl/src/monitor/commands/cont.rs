//! Lets a stopped system run on.
//!
//! ```text
//! running
//! ```
//!
//! Does nothing to a running one. JSON: stopped.

use crate::monitor::Output;
use llano_kernel::Kernel;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("cont", args)?;
    k.unpause();
    Ok(Output::Said("running".into(), "{\"stopped\":false}".into()))
}
