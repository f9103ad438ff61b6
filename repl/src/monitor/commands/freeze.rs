//! Holds a process back: `freeze TASK`, by number or name, until `thaw TASK`.
//!
//! ```text
//! (llano) freeze httpd
//! process 7 (httpd) is frozen
//! ```
//!
//! Its threads do not run; a call that one waits in may end meanwhile, and its result waits. Everybody else runs on, and the
//! process notices nothing but the time. A kill thaws it. JSON: pid, frozen.

use crate::monitor::Output;
use llano_kernel::Kernel;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let [who] = args else { return Err("`freeze` takes one task".into()) };
    let tid = super::task_or_any(k, "freeze", &[who])?;
    let pid = k.task(tid).pid;
    k.freeze(pid);
    let text = format!("process {pid} ({}) is frozen", super::comm(k, tid));
    Ok(Output::Said(text, format!("{{\"pid\":{pid},\"frozen\":true}}")))
}
