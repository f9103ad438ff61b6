//! Stops the system: every task stands still where it is, until `cont`.
//!
//! ```text
//! stopped at event 48121
//! ```
//!
//! The number is that of the next trace record. The clocks go on. JSON: stopped, event.

use crate::monitor::Output;
use llano_kernel::Kernel;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("stop", args)?;
    k.pause();
    let event = k.trace.next_seq();
    Ok(Output::Said(format!("stopped at event {event}"), format!("{{\"stopped\":true,\"event\":{event}}}")))
}
