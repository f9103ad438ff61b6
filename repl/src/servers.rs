//! The servers beside the kernel: gdb's and the monitor's, on threads of their own.

use crate::cli::Run;
use crate::session::Failure;
use llano_kernel::Kernel;
use llano_kernel::inspect::DebugStop;
use llano_machine::bell::Requests;
use std::sync::Arc;

/// What was started.
pub struct Servers {}

/// Starts what the options ask for.
pub fn start(options: &Run, requests: &Arc<Requests<Kernel>>) -> Result<Servers, Failure> {
    let _ = requests;
    if options.gdb.is_some() || options.monitor_socket.is_some() {
        return Err(Failure::new("not in this build"));
    }
    Ok(Servers {})
}

impl Servers {
    /// Waits until a debugger is attached and lets the system run.
    pub fn wait_for_debugger(&self, _: &mut Kernel) {}

    /// A debugger is asked.
    pub fn debug_stop(&self, _: &mut Kernel, _: DebugStop) {}

    /// Paused until someone lets it run.
    pub fn paused(&self, _: &mut Kernel) {}

    /// The system is over.
    pub fn ended(&self, _: &mut Kernel, _: i32) {}
}
