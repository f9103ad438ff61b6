//! What is known of one task: `task [TASK]`, by number or name (default: the running task).
//!
//! ```text
//! task       7
//! process    7
//! name       httpd
//! state      waiting
//! ...
//! ```
//!
//! `fds`, `maps`, `signals`, `regs`, `bt` show more of it. JSON: tid, pid, ppid, pgid, sid, comm, program, state, syscall,
//! waits_for, threads, uid, gid, nice, cpu_ns, system_ns, switches, preempted, calls, mapped, resident, fds, running_for_ns.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Record};
use llano_kernel::Kernel;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let tid = super::task_or_any(k, "task", args)?;
    let view = k.view_tasks().into_iter().find(|v| v.tid == tid).ok_or("there is no such task any more")?;
    let fds = k.view_fds(tid).map_or(Cell::None, |fds| Cell::Count(fds.len() as u64));
    let task = k.task(tid);
    let process = k.tables.process(task.pid).ok_or("there is no such process any more")?;
    let program = process.exe.as_ref().map(|p| p.to_bytes(&k.mounts.root()));
    let count = |n: i32| Cell::Count(n.unsigned_abs().into());
    let text = |text: String| if text.is_empty() { Cell::None } else { text.into() };
    let call = view.call.map(|nr| llano_trace::format::name(nr).into_owned());
    let mut r = Record::default();
    r.add("task", "tid", count(tid));
    r.add("process", "pid", count(task.pid));
    r.add("parent", "ppid", count(view.ppid));
    r.add("process group", "pgid", count(process.pgid));
    r.add("session", "sid", count(process.sid));
    r.add("name", "comm", view.comm.into());
    r.add("program", "program", program.map_or(Cell::None, |p| String::from_utf8_lossy(&p).as_ref().into()));
    r.add("state", "state", view.state.into());
    r.add("in call", "syscall", text(call.unwrap_or_default()));
    r.add("waits for", "waits_for", text(view.waits_for));
    r.add("threads", "threads", Cell::Count(process.threads.len() as u64));
    r.add("user", "uid", Cell::Count(task.cred.uid.into()));
    r.add("group", "gid", Cell::Count(task.cred.gid.into()));
    r.add("nice", "nice", Cell::Integer(task.nice.into()));
    r.add("cpu ms", "cpu_ns", Cell::Nanos(view.cpu_ns));
    r.add("in kernel ms", "system_ns", Cell::Nanos(task.stime));
    r.add("gave way", "switches", Cell::Count(task.switches.0));
    r.add("preempted", "preempted", Cell::Count(task.switches.1));
    r.add("system calls", "calls", Cell::Count(view.calls));
    r.add("mapped", "mapped", Cell::Bytes(view.mapped));
    r.add("in memory", "resident", Cell::Bytes(view.resident));
    r.add("descriptors", "fds", fds);
    r.add("seconds", "running_for_ns", Cell::Seconds(k.now().saturating_sub(task.started)));
    Ok(Output::Record(r))
}
