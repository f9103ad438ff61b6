//! The servers beside the kernel: gdb's and the monitor's, on threads of their own.

use crate::cli::Run;
use crate::session::Failure;
use crate::traces::Clock;
use llano_debug::Server as Gdb;
use llano_kernel::Kernel;
use llano_kernel::inspect::{DebugStop, Requests};
use std::sync::Arc;

/// What was started.
pub struct Servers {
    gdb: Option<Gdb>,
    /// Ends, and takes its socket away, with the session.
    _monitor: Option<crate::monitor::server::Server>,
}

/// Starts what the options ask for.
pub fn start(options: &Run, requests: &Arc<Requests<Kernel>>, clock: Clock) -> Result<Servers, Failure> {
    let gdb = match &options.gdb {
        Some(addr) => {
            // The only callback: the debugger's server lies below the monitor, and gdb's `monitor` is ours.
            let asked = requests.clone();
            let monitor = Arc::new(move |line: &str| crate::monitor::server::ask(&asked, clock, line));
            let started = Gdb::start(addr, options.gdb_on_detach.into(), requests.clone(), monitor);
            Some(started.map_err(|e| {
                Failure::new(format!("--gdb {addr}: {e}; expected HOST:PORT or the path of a socket"))
            })?)
        }
        None => None,
    };
    let monitor =
        options.monitor_socket.as_deref().map(|path| crate::monitor::server::start(path, requests, clock));
    let monitor = monitor.transpose().map_err(Failure::new)?;
    Ok(Servers { gdb, _monitor: monitor })
}

impl Servers {
    /// Waits until a debugger is attached and lets the system run.
    pub fn wait_for_debugger(&self, k: &mut Kernel) {
        if let Some(gdb) = &self.gdb {
            gdb.wait(k);
        }
    }

    /// A debugger is asked.
    pub fn debug_stop(&self, k: &mut Kernel, stop: DebugStop) {
        if let Some(gdb) = &self.gdb {
            gdb.stopped(k, stop);
        }
    }

    /// Paused until someone lets it run.
    pub fn paused(&self, k: &mut Kernel) {
        k.stand_still();
    }

    /// The system is over.
    pub fn ended(&self, k: &mut Kernel) {
        if let Some(gdb) = &self.gdb {
            gdb.ended(k, if k.powered_off { 0 } else { k.exit_status.unwrap_or(0) });
        }
    }
}
