//! What lldb asks beyond gdb: `jThreadsInfo`, threads with their names, and `qC`, the thread that is looked at.

use crate::filter::escape;
use crate::gdb::Target;
use crate::signals::to_gdb;
use llano_kernel::inspect::DebugStop;
use std::fmt::Write;

pub(super) fn answer(target: &mut Target, packet: &[u8]) -> Option<Vec<u8>> {
    match packet {
        b"qC" => Some(format!("QC{:x}", target.current()?).into_bytes()),
        b"jThreadsInfo" => {
            let mut reply = Vec::new();
            escape(threads(target).as_bytes(), &mut reply);
            Some(reply)
        }
        _ => None,
    }
}

fn threads(target: &Target) -> String {
    let all = target.ask(|k| {
        let rows = k.tables.tasks().map(|t| (t.pid, t.tid, t.name().to_vec()));
        rows.collect::<Vec<_>>()
    });
    let mut out = String::from("[");
    for (pid, tid, comm) in all.unwrap_or_default() {
        let comma = if out.len() > 1 { "," } else { "" };
        let name = text(&comm);
        let _ = write!(out, "{comma}{{\"tid\":{tid},\"name\":\"{pid}.{tid} {name}\"{}}}", why(target, tid));
    }
    out.push(']');
    out
}

/// The members that say why a thread stopped.
fn why(target: &Target, tid: i32) -> String {
    let (reason, signal) = match target.stop().filter(|stop| stop.tid() == tid) {
        None | Some(DebugStop::Images(_)) => return ",\"reason\":\"none\"".into(),
        Some(DebugStop::Breakpoint(_)) => ("breakpoint", 5),
        Some(DebugStop::Step(_)) => ("trace", 5),
        Some(DebugStop::Watch(_, addr)) => {
            return format!(",\"reason\":\"watchpoint\",\"signal\":5,\"description\":\"{addr}\"");
        }
        Some(DebugStop::Signal(_, signo)) => ("signal", to_gdb(signo).0),
        Some(DebugStop::Request(_)) => ("signal", 2),
        Some(_) => ("signal", 5),
    };
    format!(",\"reason\":\"{reason}\",\"signal\":{signal}")
}

/// Bytes within a JSON string.
fn text(bytes: &[u8]) -> String {
    let mut out = String::new();
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_cannot_end_a_string() {
        assert_eq!(super::text(b"a\"b\\c\n"), "a\\\"b\\\\c?");
    }
}
