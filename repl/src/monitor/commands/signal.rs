//! Sends a signal to a task's process: `signal TASK SIG`, by number or name.
//!
//! ```text
//! (llano) signal httpd HUP
//! SIGHUP sent to process 7 (httpd)
//! ```
//!
//! As kill(2) from outside: its `si_code` is SI_USER and its sender 0. JSON: signal, pid.

use crate::monitor::Output;
use llano_kernel::Kernel;
use llano_kernel::sigstate::{SigInfo, code};

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let [who, which] = args else {
        return Err("`signal` takes a task and a signal: `signal 7 HUP`".into());
    };
    let signo = super::signal_number(which)?;
    send(k, "signal", who, signo)
}

/// Sends it, and says so.
pub(super) fn send(k: &mut Kernel, command: &str, who: &str, signo: i32) -> Result<Output, String> {
    let tid = super::task(k, command, &[who])?.ok_or("no task")?;
    let task = k.task(tid);
    let (pid, name) = (task.pid, String::from_utf8_lossy(task.name()).replace(char::is_control, "?"));
    llano_kernel::signal::send_to_process(k, pid, SigInfo::new(signo, code::SI_USER));
    let text = format!("{} sent to process {pid} ({name})", super::signal_name(signo));
    Ok(Output::Said(text, format!("{{\"signal\":{signo},\"pid\":{pid}}}")))
}
