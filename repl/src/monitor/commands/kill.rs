//! Kills a task's process, whatever it thinks of that: `kill TASK`, by number or name.
//!
//! ```text
//! (llano) kill 7
//! SIGKILL sent to process 7 (httpd)
//! ```
//!
//! `signal TASK SIG` sends another signal. JSON: signal, pid.

use crate::monitor::Output;
use llano_kernel::Kernel;
use llano_kernel::sigstate::sig;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let [who] = args else {
        return Err("`kill` takes one task; `signal TASK SIG` sends other signals".into());
    };
    super::signal::send(k, "kill", who, sig::KILL)
}
