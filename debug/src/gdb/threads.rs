//! Tasks as threads with names: `pid.tid comm` and what they are doing.

use super::{Fatal, Target, task};
use crate::filter::{transfer, xml};
use gdbstub::common::Tid;
use gdbstub::target::ext::thread_extra_info::ThreadExtraInfo;
use std::fmt::Write;

impl ThreadExtraInfo for Target {
    fn thread_extra_info(&self, tid: Tid, buf: &mut [u8]) -> Result<usize, Fatal> {
        let tid = task(tid);
        let text = self.ask(move |k| {
            let task = k.tables.task(tid)?;
            let comm = String::from_utf8_lossy(task.name());
            Some(format!("{}.{tid} {comm} [{}]", task.pid, k.doing(tid)))
        });
        let text = text.ok().flatten().unwrap_or_default();
        let n = text.len().min(buf.len());
        buf[..n].copy_from_slice(&text.as_bytes()[..n]);
        Ok(n)
    }
}

impl Target {
    /// `qXfer:threads:read::OFFSET,LENGTH`: all threads and their names at once.
    pub(crate) fn threads_packet(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let rest = packet.strip_prefix(b"qXfer:threads:read::")?;
        if rest.starts_with(b"0,") {
            *self.threads.borrow_mut() = self.threads_xml().into_bytes();
        }
        transfer(&self.threads.borrow(), rest)
    }

    fn threads_xml(&self) -> String {
        let all = self.ask(|k| {
            let row = |t: &llano_kernel::task::Task| (t.pid, t.tid, t.name().to_vec(), k.doing(t.tid));
            k.tables.tasks().map(row).collect::<Vec<_>>()
        });
        let mut out = String::from("<?xml version=\"1.0\"?><threads>");
        for (pid, tid, comm, doing) in all.unwrap_or_default() {
            let (comm, doing) = (xml(&comm), xml(doing.as_bytes()));
            let _ = write!(
                out,
                "<thread id=\"p1.{tid:x}\" core=\"0\" name=\"{pid}.{tid} {comm}\">{doing}</thread>"
            );
        }
        out.push_str("</threads>");
        out
    }
}
