//! How long the system has been up, how busy it is, and how much it did.
//!
//! ```text
//! up 12.482 s, 3 processes, 4 tasks (1 wants the CPU), 20148 system calls, 19421 events
//! ```
//!
//! JSON: up_ns, processes, tasks, runnable, calls, events.

use crate::monitor::Output;
use llano_kernel::Kernel;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    super::none("uptime", args)?;
    let now = k.refresh_now();
    let up = k.tables.processes().map(|p| p.started).min().map_or(0, |started| now.saturating_sub(started));
    let (processes, tasks) = (k.tables.processes().count(), k.tables.tasks().count());
    let (runnable, events) = (k.sched.len(), k.trace.next_seq());
    let calls: u64 = k.call_counts.iter().sum();
    let want = if runnable == 1 { "wants" } else { "want" };
    let text = format!(
        "up {}.{:03} s, {processes} processes, {tasks} tasks ({runnable} {want} the CPU), {calls} system calls, {events} events",
        up / 1_000_000_000,
        up / 1_000_000 % 1000,
    );
    let object = format!(
        "{{\"up_ns\":{up},\"processes\":{processes},\"tasks\":{tasks},\"runnable\":{runnable},\"calls\":{calls},\"events\":{events}}}"
    );
    Ok(Output::Said(text, object))
}
