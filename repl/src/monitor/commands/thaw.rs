//! Lets a process run that `freeze` holds back: `thaw TASK`.
//!
//! ```text
//! (llano) thaw httpd
//! process 7 (httpd) runs on
//! ```
//!
//! JSON: pid, frozen.

use crate::monitor::Output;
use llano_kernel::Kernel;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let [who] = args else { return Err("`thaw` takes one task".into()) };
    let tid = super::task_or_any(k, "thaw", &[who])?;
    let pid = k.task(tid).pid;
    if !k.thaw(pid) {
        return Err(format!("process {pid} ({}) is not frozen", super::comm(k, tid)));
    }
    let text = format!("process {pid} ({}) runs on", super::comm(k, tid));
    Ok(Output::Said(text, format!("{{\"pid\":{pid},\"frozen\":false}}")))
}
