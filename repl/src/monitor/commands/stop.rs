//! Stops the system: every task stands still where it is, until `cont`.
//!
//! ```text
//! stopped at event 48121
//! ```
//!
//! A system that gdb holds stands still already. The number is that of the next trace record. The clocks go on. JSON: stopped, event.

use crate::monitor::Output;
use llano_kernel::Kernel;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("stop", args)?;
    let event = k.trace.next_seq();
    if k.debug.held {
        let text = format!(
            "gdb holds the system, which stands still at event {event}; gdb's `continue` lets it run"
        );
        return Ok(Output::Said(text, format!("{{\"stopped\":true,\"event\":{event}}}")));
    }
    k.pause();
    Ok(Output::Said(format!("stopped at event {event}"), format!("{{\"stopped\":true,\"event\":{event}}}")))
}
