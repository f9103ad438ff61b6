//! The servers beside the kernel: gdb's and the monitor's, on threads of their own.

use crate::cli::Run;
use crate::session::Failure;
use llano_kernel::Kernel;
use llano_kernel::inspect::DebugStop;
use llano_machine::bell::Requests;
use std::sync::Arc;

/// What was started.
pub struct Servers {
    /// Ends, and takes its socket away, with the session.
    _monitor: Option<crate::monitor::server::Server>,
}

/// Starts what the options ask for.
pub fn start(options: &Run, requests: &Arc<Requests<Kernel>>) -> Result<Servers, Failure> {
    if options.gdb.is_some() {
        return Err(Failure::new("--gdb: not in this build"));
    }
    let monitor = options.monitor_socket.as_deref().map(|path| crate::monitor::server::start(path, requests));
    let monitor = monitor.transpose().map_err(Failure::new)?;
    Ok(Servers { _monitor: monitor })
}

impl Servers {
    /// Waits until a debugger is attached and lets the system run.
    pub fn wait_for_debugger(&self, _: &mut Kernel) {}

    /// A debugger is asked.
    pub fn debug_stop(&self, _: &mut Kernel, _: DebugStop) {}

    /// Paused until someone lets it run.
    pub fn paused(&self, k: &mut Kernel) {
        k.stand_still();
    }

    /// The system is over.
    pub fn ended(&self, _: &mut Kernel, _: i32) {}
}
