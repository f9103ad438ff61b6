//! What goes into which core: one of everything that is in place, and one for each process whose addresses are taken.

use super::images::Found;
use llano_debug::arch::General;
use llano_debug::core::memory::{Area, Mapping, PageMap, mappings, segments};
use llano_debug::core::{Core, MappedFile, Process, Thread};
use llano_kernel::Kernel;
use llano_kernel::mm::Backing;
use llano_kernel::task::{Pid, Task};
use llano_kernel::wait::Tid;
use llano_machine::overlay::View;
use llano_machine::registers::Registers;
use llano_machine::space::{self, EXEC, READ, WRITE};
use std::io;
use zerocopy::IntoBytes;

/// Beginnings of files, where ELF headers are, that are stored whether they are in memory or not.
const HEAD: u64 = 1 << 20;

/// A process's memory.
struct Space {
    pid: Pid,
    view: View,
    areas: Vec<Area>,
}

/// How the address spaces are divided among cores.
#[derive(Debug, Default)]
pub struct Division {
    /// Processes in the core of everything.
    pub together: Vec<Pid>,
    /// Processes with a core of their own.
    pub apart: Vec<Pid>,
    areas: Vec<Area>,
}

/// The kernel's registers as a core has them.
pub fn general(r: &Registers) -> General {
    General { regs: r.regs, rip: r.rip, rflags: r.rflags, orig_rax: u64::MAX, fs_base: 0, gs_base: 0 }
}

/// A task's registers.
pub fn general_of(task: &Task) -> General {
    let f = task.ctx.regs();
    General {
        regs: f.regs,
        rip: f.rip,
        rflags: f.rflags,
        orig_rax: f.orig_rax,
        fs_base: task.ctx.fs_base(),
        gs_base: task.ctx.gs_base(),
    }
}

fn protection(prot: i32) -> u32 {
    [(READ, 4), (WRITE, 2), (EXEC, 1)].iter().filter(|(bit, _)| prot & bit != 0).map(|(_, flag)| flag).sum()
}

/// The address spaces, that of `first` first.
fn spaces(k: &Kernel, first: Option<Tid>) -> Vec<Space> {
    let mut out: Vec<Space> = Vec::new();
    let leading = first.and_then(|tid| k.tables.task(tid));
    for task in leading.into_iter().chain(k.tables.tasks()) {
        if out.iter().any(|s| s.view == task.view) {
            continue;
        }
        let Ok(mm) = task.mm.try_borrow() else { continue };
        let area = |v: &llano_kernel::mm::Vma| Area {
            start: v.start,
            end: v.end,
            flags: protection(v.prot),
            whole: matches!(v.backing, Backing::File(_, 0)) && v.end - v.start <= HEAD,
            bare: protection(v.prot) == 0,
        };
        out.push(Space { pid: task.pid, view: task.view, areas: mm.vmas.values().map(area).collect() });
    }
    out
}

fn overlap(a: &[Area], b: &[Area]) -> bool {
    a.iter().any(|a| b.iter().any(|b| a.start < b.end && b.start < a.end))
}

/// Divides the address spaces: that of `first` is in the core of everything, and so are all that do not overlap.
pub fn divide(k: &Kernel, first: Option<Tid>) -> Division {
    let mut out = Division::default();
    for space in spaces(k, first) {
        if overlap(&space.areas, &out.areas) {
            out.apart.push(space.pid);
        } else {
            out.areas.extend(space.areas);
            out.together.push(space.pid);
        }
    }
    out
}

/// llano's own data, heap and stacks, and the head of its program: what of it is in memory.
fn own_areas() -> io::Result<Vec<Area>> {
    let mut out = Vec::new();
    for m in mappings()? {
        let file = m.name.starts_with('/');
        let head = file && m.offset == 0 && m.flags & 2 == 0;
        let left_out = m.shared
            || m.flags == 0
            || space::contains(m.range.start, 1)
            || ["[vvar", "[vsyscall]"].iter().any(|name| m.name.starts_with(name))
            || (file && m.flags & 2 == 0 && !head);
        if !left_out {
            let end = if head { m.range.start + 4096 } else { m.range.end };
            let whole = head || m.name == "[vdso]";
            out.push(Area { start: m.range.start, end, flags: m.flags, whole, bare: true });
        }
    }
    Ok(out)
}

/// llano's own program, where gdb reads the code that is not in the core.
fn own_files() -> io::Result<Vec<MappedFile>> {
    let own = |m: &Mapping| m.name.starts_with('/') && m.flags & 2 == 0 && !space::contains(m.range.start, 1);
    let file = |m: Mapping| MappedFile {
        start: m.range.start,
        end: m.range.end,
        offset: m.offset,
        path: m.name.into_bytes(),
    };
    Ok(mappings()?.into_iter().filter(own).filter(|m| !m.shared).map(file).collect())
}

/// All of guest memory that is in place, whosever it is: when the kernel cannot be asked.
fn guest_areas() -> io::Result<Vec<Area>> {
    let guests = mappings()?.into_iter().filter(|m| space::contains(m.range.start, 1) && m.flags != 0);
    Ok(guests
        .map(|m| Area { start: m.range.start, end: m.range.end, flags: m.flags, whole: false, bare: true })
        .collect())
}

/// The kernel's thread: the first of the core of everything.
fn kernel_thread(k: Option<&Kernel>, registers: &Registers, signal: i32) -> Thread {
    let own = std::process::id() as i32;
    // Its number is the host's, unless a task has that.
    let largest = k.into_iter().flat_map(|k| k.tables.tasks().map(|t| t.tid)).max().unwrap_or(0);
    let taken = k.is_some_and(|k| k.tables.task(own).is_some());
    Thread {
        tid: if taken { largest + 1 } else { own },
        family: (0, 0, 0),
        signal,
        siginfo: None,
        signals: (0, 0),
        times: (0, 0),
        general: general(registers),
        xsave: None,
    }
}

fn thread(k: &mut Kernel, tid: Tid, death: Option<&llano_kernel::inspect::Death>) -> Option<Thread> {
    let pid = k.tables.task(tid)?.pid;
    let family = k.process(pid).map_or((0, 0, 0), |p| (p.parent, p.pgid, p.sid));
    let mine = death.filter(|d| d.pid == pid);
    let task = k.tables.task_mut(tid)?;
    let general = general_of(task);
    Some(Thread {
        tid,
        family,
        signal: mine.map_or(0, |d| d.info.signo),
        siginfo: mine.filter(|d| d.tid == tid).map(|d| d.info.as_bytes().to_vec()),
        signals: (task.pending.set.0, task.sigmask.0),
        times: (task.utime, task.stime),
        xsave: Some(task.ctx.xsave().to_vec()),
        general,
    })
}

fn sorted(mut areas: Vec<Area>) -> Vec<Area> {
    areas.sort_by_key(|a| a.start);
    areas.dedup_by(|next, last| next.start < last.end);
    areas
}

/// The core of everything. `k` `None`: of memory and the kernel's registers alone.
///
/// # Errors
/// The host does not tell what is in memory.
pub fn everything(
    k: Option<(&mut Kernel, &Division, &[Found])>,
    registers: &Registers,
    death: Option<&llano_kernel::inspect::Death>,
    signal: i32,
) -> io::Result<Core> {
    let mut areas = own_areas()?;
    let mut threads = vec![kernel_thread(k.as_ref().map(|(k, ..)| &**k), registers, signal)];
    let mut files = own_files()?;
    match k {
        Some((k, division, images)) => {
            areas.extend(division.areas.iter().cloned());
            // That of the dead first: gdb's thread 2.
            let mut tids: Vec<Tid> = k.tables.tasks().map(|t| t.tid).collect();
            tids.sort_by_key(|tid| (death.is_none_or(|d| d.tid != *tid), *tid));
            threads.extend(tids.into_iter().filter_map(|tid| thread(k, tid, death)));
            for pid in &division.together {
                files.extend(mapped_files(k, *pid, images));
            }
        }
        None => areas.extend(guest_areas()?),
    }
    files.sort_by_key(|f| f.start);
    let arguments: Vec<u8> = std::fs::read("/proc/self/cmdline").unwrap_or_default();
    Ok(Core {
        process: Process {
            pid: threads[0].tid,
            name: b"llano".to_vec(),
            arguments: spaced(&arguments),
            ..Process::default()
        },
        threads,
        auxv: std::fs::read("/proc/self/auxv")?,
        files,
        segments: segments(&PageMap::open()?, &sorted(areas)),
    })
}

/// The core of one process, whose memory is in place: as Linux would have written it.
///
/// # Errors
/// The host does not tell what is in memory.
pub fn of_process(
    k: &mut Kernel,
    pid: Pid,
    images: &[Found],
    death: Option<&llano_kernel::inspect::Death>,
) -> io::Result<Core> {
    let Some(leader) = k.tables.tasks().find(|t| t.pid == pid) else {
        return Err(io::Error::other("the process is gone"));
    };
    let space = spaces(k, Some(leader.tid)).swap_remove(0);
    let (args, auxv) = leader.mm.try_borrow().map_or(((0, 0), Vec::new()), |mm| (mm.args, mm.auxv.clone()));
    let (name, owner) = (leader.name().to_vec(), (leader.cred.uid, leader.cred.gid));
    let mut arguments = vec![0; (args.1.saturating_sub(args.0) as usize).min(4096)];
    let n = k.peek(args.0, &mut arguments).unwrap_or(0);
    arguments.truncate(n);
    let mut tids: Vec<Tid> = k.tables.tasks().filter(|t| t.pid == pid).map(|t| t.tid).collect();
    tids.sort_by_key(|tid| (death.is_none_or(|d| d.tid != *tid), *tid));
    let threads: Vec<Thread> = tids.into_iter().filter_map(|tid| thread(k, tid, death)).collect();
    Ok(Core {
        process: Process {
            pid,
            family: threads.first().map_or((0, 0, 0), |t| t.family),
            owner,
            name,
            arguments: spaced(&arguments),
        },
        threads,
        auxv,
        files: mapped_files(k, pid, images),
        segments: segments(&PageMap::open()?, &sorted(space.areas)),
    })
}

fn spaced(arguments: &[u8]) -> Vec<u8> {
    let end = arguments.iter().rposition(|b| *b != 0).map_or(0, |i| i + 1);
    arguments[..end].iter().map(|b| if *b == 0 { b' ' } else { *b }).collect()
}

/// The mappings of files that the host has.
fn mapped_files(k: &Kernel, pid: Pid, images: &[Found]) -> Vec<MappedFile> {
    let Some(tid) = k.tables.tasks().find(|t| t.pid == pid).map(|t| t.tid) else { return Vec::new() };
    let Ok(views) = k.view_maps(tid) else { return Vec::new() };
    let of = |name: &str| images.iter().find(|i| i.image.path == name.as_bytes())?.file.clone();
    let file = |v: llano_kernel::view::VmaView| {
        let path = of(&v.name)?.into_os_string().into_encoded_bytes();
        Some(MappedFile { start: v.start, end: v.end, offset: v.offset, path })
    };
    views.into_iter().filter_map(file).collect()
}
