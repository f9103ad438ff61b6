//! Tasks as threads with names: `pid.tid comm` and what they are doing.

use super::{Fatal, Target, task};
use gdbstub::common::Tid;
use gdbstub::target::ext::thread_extra_info::ThreadExtraInfo;

impl ThreadExtraInfo for Target {
    fn thread_extra_info(&self, tid: Tid, buf: &mut [u8]) -> Result<usize, Fatal> {
        let tid = task(tid);
        let parked = self.parked_tasks().and_then(|tasks| tasks.into_iter().find(|t| t.tid == tid));
        let parked =
            parked.map(|t| format!("{}.{tid} {} [{}]", t.pid, String::from_utf8_lossy(&t.name), t.doing));
        let text = self.ask(move |k| {
            let task = k.tables.task(tid)?;
            let comm = String::from_utf8_lossy(task.name());
            Some(format!("{}.{tid} {comm} [{}]", task.pid, k.doing(tid)))
        });
        let text = parked.or(text.ok().flatten()).unwrap_or_default();
        let n = text.len().min(buf.len());
        buf[..n].copy_from_slice(&text.as_bytes()[..n]);
        Ok(n)
    }
}
