//! `qXfer:threads:read`: all threads and their names at once.

use super::object;
use crate::filter::xml;
use crate::gdb::Target;
use llano_kernel::task::Task;
use std::fmt::Write;

pub(super) fn answer(target: &mut Target, packet: &[u8]) -> Option<Vec<u8>> {
    object(target, packet, "threads", |target, _| Ok(list(target).into_bytes()))
}

fn list(target: &Target) -> String {
    let parked = target.parked_tasks();
    let parked =
        parked.map(|tasks| tasks.into_iter().map(|t| (t.pid, t.tid, t.name, t.doing)).collect::<Vec<_>>());
    let all = parked.map_or_else(
        || {
            target.ask(|k| {
                let row = |t: &Task| (t.pid, t.tid, t.name().to_vec(), k.doing(t.tid));
                k.tables.tasks().map(row).collect::<Vec<_>>()
            })
        },
        Ok,
    );
    let mut out = String::from("<?xml version=\"1.0\"?><threads>");
    for (pid, tid, comm, doing) in all.unwrap_or_default() {
        let (comm, doing) = (xml(&comm), xml(doing.as_bytes()));
        let _ =
            write!(out, "<thread id=\"p1.{tid:x}\" core=\"0\" name=\"{pid}.{tid} {comm}\">{doing}</thread>");
    }
    out.push_str("</threads>");
    out
}
