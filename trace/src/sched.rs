//! Scheduling as ftrace text, the form in which a JSON trace can carry it: from it Perfetto draws the CPU and the
//! state of every thread.

use core::fmt::{self, Write as _};
use std::io::{self, Write};
use std::string::String;

use crate::json;
use crate::record::{Event, Record, TaskState};
use crate::snapshot::Snapshot;
use crate::state::{State, Step};

/// Writes the `sched_switch` and `sched_waking` lines of `records` as the inside of a JSON string.
pub(crate) fn write(
    out: &mut dyn Write,
    records: impl Iterator<Item = (u64, Record)>,
    now: &Snapshot,
) -> io::Result<()> {
    out.write_all(b"# tracer: nop\\n#\\n")?;
    let mut state = State::new(&now.tasks);
    let (mut line, mut quoted) = (String::new(), String::new());
    for (seq, record) in records {
        // Who was just made can run from then on: somebody woke it, says the only word that viewers know for that.
        let Step::Event(event @ (Event::Switch | Event::Wake | Event::Clone), record) =
            state.step(seq, record)
        else {
            continue;
        };
        let other = record.args[0] as u32;
        let ns = now.clock.ns(record.tsc);
        state.task(other);
        let tgid = state.task(record.tid).tgid;
        let (who, whom) = (Word(&state, record.tid), Word(&state, other));
        line.clear();
        let (seconds, rest) = (ns / 1_000_000_000, ns % 1_000_000_000);
        let tid = record.tid;
        // The idle task is of no process: with one it would be taken for a task that runs.
        let _ = match tid {
            0 => write!(line, "idle-0 (-----) "),
            _ => write!(line, "{who}-{tid} ({tgid}) "),
        };
        let _ = write!(line, "[000] d..3 {seconds}.{rest:09}: ");
        let _ = if event == Event::Switch {
            // The idle task sleeps when it does not run, or it would be counted among the runnable.
            let left = match tid {
                0 => TaskState::Sleeping,
                _ => TaskState::from_raw(record.nr).unwrap_or(TaskState::Sleeping),
            };
            write!(
                line,
                "sched_switch: prev_comm={who} prev_pid={tid} prev_prio=120 prev_state={} ==> \
                 next_comm={whom} next_pid={other} next_prio=120",
                left.name()
            )
        } else {
            write!(line, "sched_waking: comm={whom} pid={other} prio=120 target_cpu=000")
        };
        line.push('\n');
        quoted.clear();
        json::escaped(&mut quoted, &line);
        out.write_all(quoted.as_bytes())?;
    }
    Ok(())
}

/// A task's name without the blanks that end a word in this format.
struct Word<'a>(&'a State, u32);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.tasks().get(&self.1).map_or("?", |task| task.comm.as_str());
        let mut separator = "";
        for part in name.split(|c: char| c.is_whitespace() || c.is_control()) {
            f.write_str(separator)?;
            f.write_str(part)?;
            separator = "_";
        }
        Ok(())
    }
}
