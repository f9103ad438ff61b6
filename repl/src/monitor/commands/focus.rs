//! The process whose images gdb is shown first: `focus`, `focus PID`, `focus all`, `focus stop`.
//!
//! ```text
//! focus: process 7, sh; gdb reads its images at the next stop, or at `sharedlibrary`
//! ```
//!
//! gdb knows one program, so of two variables with the same name it finds the first. With a focus it is shown that process's
//! images, the kernel's, and those of others that have no namesake among them. `stop`, the default, is the process of the
//! task that stopped. `all` shows every image, for `break f` in every process. Images that lie at the same
//! addresses are never shown together, whatever the focus: those of the task that stopped win. JSON: focus, pid.

use crate::monitor::Output;
use llano_kernel::Kernel;
use llano_kernel::inspect::Focus;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let changed = match args {
        [] => None,
        ["all"] => Some(Focus::All),
        ["stop"] => Some(Focus::Stop),
        [_] => {
            let tid = super::task(k, "focus", args)?.ok_or("no such task")?;
            Some(Focus::Process(k.task(tid).pid))
        }
        _ => return Err("`focus` takes one process, by number or name, or `all`, or `stop`".into()),
    };
    if let Some(focus) = changed {
        k.set_focus(focus);
    }
    let (what, name) = match k.debug.focus {
        Focus::All => ("all processes".to_string(), "all"),
        Focus::Stop => ("the process of the task that stopped".to_string(), "stop"),
        Focus::Process(pid) => {
            let task = k.tables.process(pid).and_then(|p| k.tables.task(*p.threads.first()?));
            let comm = task.map_or("gone".into(), |t| String::from_utf8_lossy(t.name()).into_owned());
            (format!("process {pid}, {}", comm.replace(char::is_control, "?")), "process")
        }
    };
    let hint =
        if changed.is_some() { "; gdb reads its images at the next stop, or at `sharedlibrary`" } else { "" };
    let pid = match k.debug.focus {
        Focus::Process(pid) => pid.to_string(),
        _ => "null".into(),
    };
    Ok(Output::Said(format!("focus: {what}{hint}"), format!("{{\"focus\":\"{name}\",\"pid\":{pid}}}")))
}
