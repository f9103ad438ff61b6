//! gdb's commands for a core: symbols at their places, names of threads.

use super::cores::Division;
use super::images::Found;
use llano_kernel::Kernel;
use llano_kernel::inspect::Death;
use llano_kernel::task::Pid;
use std::fmt::Write as _;
use std::path::Path;

/// A name between quotes, as gdb reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn beginning(exe: &Path, core: &Path) -> String {
    // What gdb wants to know of threads stands in the core.
    let mut out =
        String::from("set pagination off\nset confirm off\nset libthread-db-search-path /dev/null\n");
    // The libraries are named below, by files that are there.
    out.push_str("set auto-solib-add off\n");
    let _ = writeln!(out, "file {}\ncore-file {}", quoted(exe), core.display());
    out
}

fn symbols(out: &mut String, images: &[&Found]) {
    let mut done: Vec<(&Path, u64)> = Vec::new();
    for image in images {
        let Some(file) = image.file.as_deref() else { continue };
        let place = (file, image.image.bias);
        if !done.contains(&place) {
            let _ = writeln!(out, "add-symbol-file {} -o {:#x}", quoted(file), image.image.bias);
            done.push(place);
        }
    }
}

/// Names for gdb's threads, from `first` on.
fn names(out: &mut String, k: &Kernel, tids: &[i32], first: usize, apart: &[Pid], death: Option<&Death>) {
    for (n, tid) in (first..).zip(tids) {
        let Some(task) = k.tables.task(*tid) else { continue };
        let name: String = String::from_utf8_lossy(task.name()).chars().filter(|c| !c.is_control()).collect();
        let doing = match death.filter(|d| d.tid == *tid) {
            Some(death) => {
                let mut text = String::from("killed by ");
                let _ = llano_trace::format::signal(&mut text, death.info.signo as u32);
                text
            }
            None => k.doing(*tid),
        };
        let _ = write!(out, "thread apply {n} -q thread name {}.{tid} {name} [{doing}]", task.pid);
        let memory =
            if apart.contains(&task.pid) { format!(", memory: core.{}", task.pid) } else { String::new() };
        let _ = writeln!(out, "{memory}");
    }
}

/// For the core of everything: llano is the program, and who died (thread 2, the first of `tids`) is looked at first.
pub fn everything(
    k: &Kernel,
    core: &Path,
    exe: &Path,
    tids: &[i32],
    images: &[Found],
    division: &Division,
    death: Option<&Death>,
) -> String {
    let mut out = beginning(exe, core);
    let own: Vec<&Found> = images.iter().filter(|i| division.together.contains(&i.pid)).collect();
    symbols(&mut out, &own);
    out.push_str("thread apply 1 -q thread name kernel\n");
    names(&mut out, k, tids, 2, &division.apart, death);
    if death.is_some() {
        out.push_str("thread 2\n");
    }
    for pid in &division.apart {
        let _ =
            writeln!(out, "# Process {pid} has pages of its own at these addresses: gdb -x gdb.{pid}.cmd");
    }
    out
}

/// For the core of memory alone, when the kernel could not be asked.
pub fn memory(core: &Path, exe: &Path) -> String {
    beginning(exe, core) + "thread apply 1 -q thread name kernel\n"
}

/// For the core of one process: its own program is the program.
pub fn process(
    k: &Kernel,
    core: &Path,
    pid: Pid,
    tids: &[i32],
    images: &[Found],
    death: Option<&Death>,
) -> Option<String> {
    let own: Vec<&Found> = images.iter().filter(|i| i.pid == pid).collect();
    let (exe, others) = own.split_first()?;
    let mut out = beginning(exe.file.as_deref()?, core);
    symbols(&mut out, others);
    names(&mut out, k, tids, 1, &[], death);
    Some(out)
}
