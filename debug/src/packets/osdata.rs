//! `qXfer:osdata:read`: gdb's `info os`. Columns are named as gdbserver names them on Linux.

use super::{NOTHING, object};
use crate::filter::xml;
use crate::gdb::Target;
use llano_kernel::Kernel;
use llano_kernel::procfs::text_of;
use llano_kernel::task::Pid;

/// A table's rows: name and value of each column.
type Rows = Vec<Vec<(&'static str, Vec<u8>)>>;

/// A table: its name, what it lists, and how.
type Table = (&'static str, &'static str, fn(&mut Kernel) -> Rows);

const TABLES: [Table; 4] = [
    ("processes", "Listing of all processes", processes),
    ("procgroups", "Listing of all process groups", groups),
    ("threads", "Listing of all threads", threads),
    ("files", "Listing of all file descriptors", files),
];

pub(super) fn answer(target: &mut Target, packet: &[u8]) -> Option<Vec<u8>> {
    object(target, packet, "osdata", |target, annex| {
        let name = String::from_utf8_lossy(annex).into_owned();
        if name.is_empty() || name == "types" {
            return Ok(document("types", types()));
        }
        let (name, _, rows) = *TABLES.iter().find(|(n, ..)| *n == name).ok_or(NOTHING)?;
        target.ask(rows).map(|rows| document(name, rows)).map_err(|_| NOTHING)
    })
}

fn types() -> Rows {
    let row = |(name, what, _): &Table| {
        let title = name[..1].to_uppercase() + &name[1..];
        vec![
            ("Type", name.as_bytes().to_vec()),
            ("Description", what.as_bytes().to_vec()),
            ("Title", title.into()),
        ]
    };
    TABLES.iter().map(row).collect()
}

fn document(name: &str, rows: Rows) -> Vec<u8> {
    let mut out =
        format!("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"osdata.dtd\"><osdata type=\"{name}\">");
    for row in rows {
        out.push_str("<item>");
        for (column, value) in row {
            out.push_str(&format!("<column name=\"{column}\">{}</column>", xml(&value)));
        }
        out.push_str("</item>");
    }
    out.push_str("</osdata>");
    out.into_bytes()
}

fn number(n: i32) -> Vec<u8> {
    n.to_string().into_bytes()
}

/// The words of a process's command line; in brackets its name if there are none.
fn command(k: &mut Kernel, pid: Pid) -> Vec<u8> {
    let mut words = text_of(k, pid, "cmdline").unwrap_or_default();
    while words.last() == Some(&0) {
        words.pop();
    }
    words.iter_mut().filter(|b| **b == 0).for_each(|b| *b = b' ');
    if words.is_empty() {
        let mut comm = text_of(k, pid, "comm").unwrap_or_default();
        comm.retain(|b| *b != b'\n');
        words = [b"[", comm.as_slice(), b"]"].concat();
    }
    words
}

fn processes(k: &mut Kernel) -> Rows {
    let all: Vec<(Pid, u32)> = k
        .tables
        .processes()
        .filter_map(|p| Some((p.pid, k.tables.task(*p.threads.first()?)?.cred.euid)))
        .collect();
    let row = |(pid, uid): (Pid, u32)| {
        vec![
            ("pid", number(pid)),
            ("user", uid.to_string().into()),
            ("command", command(k, pid)),
            ("cores", b"0".into()),
        ]
    };
    all.into_iter().map(row).collect()
}

fn groups(k: &mut Kernel) -> Rows {
    let mut all: Vec<(Pid, Pid)> =
        k.tables.processes().filter(|p| !p.zombie).map(|p| (p.pgid, p.pid)).collect();
    all.sort_unstable();
    let row = |(group, pid): (Pid, Pid)| {
        vec![
            ("pgid", number(group)),
            ("leader command", command(k, group)),
            ("pid", number(pid)),
            ("command line", command(k, pid)),
        ]
    };
    all.into_iter().map(row).collect()
}

fn threads(k: &mut Kernel) -> Rows {
    let row = |t: &llano_kernel::task::Task| {
        vec![
            ("pid", number(t.pid)),
            ("command", t.name().to_vec()),
            ("tid", number(t.tid)),
            ("core", b"0".into()),
        ]
    };
    k.tables.tasks().map(row).collect()
}

fn files(k: &mut Kernel) -> Rows {
    let mut out = Rows::new();
    let root = k.mounts.root();
    let leaders = k.tables.processes().filter_map(|p| k.tables.task(*p.threads.first()?));
    for task in leaders {
        let Ok(table) = task.files.try_borrow() else { continue };
        for (number, fd) in table.iter() {
            let file = &fd.file;
            let name =
                file.path.as_ref().map_or_else(|| file.ops().label().into_bytes(), |p| p.to_bytes(&root));
            out.push(vec![
                ("pid", self::number(task.pid)),
                ("command", task.name().to_vec()),
                ("file descriptor", self::number(number)),
                ("name", name),
            ]);
        }
    }
    out
}
