//! The trace ring: what it keeps, and what it has.
//!
//! ```text
//! trace                    the same as `trace status`
//! trace status             on or stopped, the filter, how much the ring holds
//! trace stop               nothing is recorded from now on
//! trace start              it is recorded again
//! trace filter LIST        only this from now on: words of --trace-filter, as `openat,%network,sched`; `all`; `!%memory`;
//!                          calls that failed: `errors`; of whom: `task:12`, `task:sh`
//! trace last [N] [TASK]    the last N events (20), of one task if it is given by number or name
//! trace save FILE          what the ring holds, to NAME.ctf, NAME.pftrace, NAME.json or NAME.lttng on the host
//!
//! state    on
//! filter   all
//! ring     64M, 1.2M of it used
//! records  19421 (events 0 to 19420), 0 lost before them
//! ```
//!
//! The numbers of events are those of `llano trace print --numbers`. `save` and `last` copy the records piece by piece, so the
//! system hardly notices; `llano monitor` makes names of files absolute. Each command of the monitor
//! stands in the trace. JSON of status: state, filter, ring, used, records, next, lost; of last: lines; of save: records, file.

use crate::monitor::Output;
use crate::monitor::table::bytes;
use llano_kernel::Kernel;
use llano_kernel::syscall::traced;
use llano_trace::json;
use llano_trace::selection::Selection;

/// All but `last` and `save`, which are no work for the vCPU ([`crate::monitor::ring`]).
pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    match args {
        [] | ["status"] | ["filter"] => {}
        _ if k.trace.size() == 0 => return Err(crate::monitor::ring::NO_RING.into()),
        ["stop"] => k.trace.pause(),
        ["start"] => {
            if !k.trace.on() {
                k.trace.resume();
                traced::all_tasks(k);
                crate::monitor::note(k, "trace start");
            }
        }
        ["filter", words @ ..] => {
            k.trace.set_filter(Selection::parse(&words.concat())?);
            if k.trace.on() && !k.trace.wanted().tasks.is_empty() {
                traced::all_tasks(k);
            }
        }
        ["last" | "save", ..] => return Err(format!("`trace {}` is for the monitor's socket", args[0])),
        _ => {
            return Err("`trace` takes status, start, stop, filter LIST, last [N] [TASK] or save FILE".into());
        }
    }
    Ok(status(k))
}

fn status(k: &Kernel) -> Output {
    let trace = &k.trace;
    let state = match (trace.size(), trace.on()) {
        (0, _) => "off",
        (_, true) => "on",
        (_, false) => "stopped",
    };
    let (ring, used, next, lost) = (trace.size(), trace.memory(), trace.next_seq(), trace.lost());
    let (filter, records) = (trace.wanted().list(), next - lost);
    let shown = if filter.is_empty() { "births and deaths of tasks only" } else { &filter };
    let text = format!(
        "state    {state}\nfilter   {shown}\nring     {}, {} of it used\n\
         records  {records} (events {lost} to {}), {lost} lost before them",
        bytes(ring),
        bytes(used),
        next.saturating_sub(1),
    );
    let mut object = format!("{{\"state\":\"{state}\",\"filter\":");
    json::string(&mut object, &filter);
    object +=
        &format!(",\"ring\":{ring},\"used\":{used},\"records\":{records},\"next\":{next},\"lost\":{lost}}}");
    Output::Said(text, object)
}
