//! Files of a process (proc(5)).

use super::{line, memory, process, put, task};
use crate::error::{Errno, Result};
use crate::fs::mount::flag;
use crate::fs::procfs::Who;
use crate::kernel::Kernel;
use crate::mm::seen_by;
use crate::sigstate::{SIG_DFL, SIG_IGN, SigSet};
use crate::task::process::UNLIMITED;
use crate::task::{Process, State, Task};
use crate::time::SECOND;
use crate::wait::Tid;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use llano_abi::stat::{major, minor};
use llano_machine::overlay::View;
use llano_machine::usermem;

/// Clock ticks a second, as user space counts (USER_HZ).
const HZ: u64 = 100;

/// What is in a file; the process exists.
pub(super) fn text(k: &mut Kernel, caller: Tid, who: Who, name: &str) -> Result<Vec<u8>> {
    k.charge_current();
    Ok(match name {
        "stat" => stat(k, who)?,
        "status" => status(k, who)?,
        "statm" => {
            let m = memory::sizes(k, who);
            let [size, resident, shared, text, data] =
                [m.size, m.resident, m.shared, m.text, m.data].map(|bytes| bytes / 4096);
            line(format!("{size} {resident} {shared} {text} 0 {data} 0"))
        }
        "maps" => memory::maps(k, caller, who),
        "smaps" => memory::smaps(k, caller, who),
        "comm" => [comm(k, who)?, b"\n".to_vec()].concat(),
        "cmdline" => task(k, who).map(|t| (t.view, t.mm.borrow().args)).map_or(Vec::new(), strings),
        "environ" => task(k, who).map(|t| (t.view, t.mm.borrow().env)).map_or(Vec::new(), strings),
        "auxv" => task(k, who).map(|t| t.mm.borrow().auxv.clone()).unwrap_or_default(),
        "limits" => limits(process(k, who.pid)?),
        "mounts" => mounts(k, caller),
        "mountinfo" => mountinfo(k, caller),
        "cgroup" => line("0::/"),
        "wchan" => match task(k, who).ok().and_then(|t| t.wait.as_ref()) {
            Some(wait) => format!("{}", wait.why).into_bytes(),
            None => b"0".to_vec(),
        },
        "syscall" => match task(k, who).ok().and_then(|t| Some((t.call?, t))) {
            Some((call, t)) if t.state != State::Runnable => {
                let args: Vec<_> = call.args.iter().map(|a| format!("{a:#x}")).collect();
                let regs = t.ctx.regs();
                let sp = regs.regs[llano_machine::cpu::reg::RSP];
                line(format!("{} {} {sp:#x} {:#x}", call.nr, args.join(" "), regs.rip))
            }
            _ => line("running"),
        },
        "io" => line(
            "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0",
        ),
        "loginuid" => b"4294967295".to_vec(),
        "oom_score" => line(0),
        "oom_score_adj" | "oom_adj" => line(process(k, who.pid)?.oom_score_adj),
        "personality" => line(format!("{:08x}", task(k, who).map_or(0, |t| t.settings.personality))),
        "net/dev" => line(
            "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop \
             fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
        ),
        "net/unix" => line("Num       RefCount Protocol Flags    Type St Inode Path"),
        _ => return Err(Errno::EIO),
    })
}

/// Writes a file.
pub(super) fn store(k: &mut Kernel, who: Who, name: &str, bytes: &[u8]) -> Result<usize> {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    match name {
        "comm" => {
            let tid = task(k, who)?.tid;
            k.rename(tid, text);
        }
        "oom_score_adj" | "oom_adj" => {
            let value: i32 =
                core::str::from_utf8(text).ok().and_then(|t| t.trim().parse().ok()).ok_or(Errno::EINVAL)?;
            if !(-1000..=1000).contains(&value) {
                return Err(Errno::EINVAL);
            }
            let pid = process(k, who.pid)?.pid;
            k.tables.process_mut(pid).ok_or(Errno::ESRCH)?.oom_score_adj = value;
        }
        _ => return Err(Errno::EACCES),
    }
    Ok(bytes.len())
}

/// The strings between two addresses, as the process has them now; nothing if it unmapped them.
fn strings((view, (start, end)): (View, (u64, u64))) -> Vec<u8> {
    let mut buf = vec![0; end.saturating_sub(start) as usize];
    let n = seen_by(view, || usermem::copy_in_some(start, &mut buf)).unwrap_or(0);
    buf.truncate(n);
    buf
}

fn comm(k: &Kernel, who: Who) -> Result<Vec<u8>> {
    match (task(k, who), &process(k, who.pid)?.last) {
        (Ok(task), _) => Ok(task.name().to_vec()),
        (Err(_), Some(last)) => Ok(last.comm.split(|b| *b == 0).next().unwrap_or_default().to_vec()),
        (Err(e), None) => Err(e),
    }
}

fn state(k: &Kernel, who: Who, process: &Process) -> (char, &'static str) {
    let task = task(k, who);
    match task.map(|t| t.state) {
        _ if process.zombie => ('Z', "zombie"),
        _ if process.stopped => ('T', "stopped"),
        Ok(State::Runnable) => ('R', "running"),
        Ok(State::Blocked) if task.is_ok_and(Task::is_uninterruptible) => ('D', "disk sleep"),
        Ok(State::Blocked) => ('S', "sleeping"),
        Ok(State::Stopped) => ('T', "stopped"),
        Ok(State::Frozen) => ('t', "tracing stop"),
        Ok(State::Dead) | Err(_) => ('X', "dead"),
    }
}

/// CPU time in ns, in the guest's code and in the kernel: of a thread, or of a process with all its threads.
fn times(k: &Kernel, who: Who, process: &Process) -> (u64, u64) {
    let mut sum = if who.tid.is_some() { (0, 0) } else { (process.own_usage.utime, process.own_usage.stime) };
    for tid in process.threads.iter().filter(|tid| who.tid.is_none_or(|one| one == **tid)) {
        if let Some(task) = k.tables.task(*tid) {
            sum = (sum.0 + task.utime, sum.1 + task.stime);
        }
    }
    sum
}

/// Signals: pending for the thread, for the process, blocked, ignored, caught.
fn signals(k: &Kernel, who: Who, process: &Process) -> [u64; 5] {
    let Ok(task) = task(k, who) else { return [0; 5] };
    let SigSet(pending) = task.pending.set;
    let SigSet(shared) = process.pending.set;
    let handlers = task.sighand.borrow();
    let which = |wanted: &dyn Fn(u64) -> bool| {
        handlers.0.iter().enumerate().filter(|(_, a)| wanted(a.handler)).fold(0, |set, (i, _)| set | 1 << i)
    };
    let ignored = which(&|handler| handler == SIG_IGN);
    [pending, shared, task.sigmask.0, ignored, which(&|handler| handler != SIG_DFL && handler != SIG_IGN)]
}

fn stat(k: &Kernel, who: Who) -> Result<Vec<u8>> {
    let p = process(k, who.pid)?;
    let t = task(k, who).ok();
    let ticks = |ns: u64| ns / (SECOND / HZ);
    let (utime, stime) = times(k, who, p);
    let m = memory::sizes(k, who);
    let (tty, foreground) = match &p.tty {
        Some(tty) => (tty.rdev(), tty.look(|pair| pair.slave.foreground())),
        None => (0, -1),
    };
    let nice = t.map_or(0, |t| t.nice);
    let [pending, _, blocked, ignored, caught] = signals(k, who, p);
    let mut out = Vec::new();
    put!(out, "{} (", who.tid.unwrap_or(p.pid));
    out.extend_from_slice(&comm(k, who)?);
    put!(out, ") {} {} {} {} {tty} {foreground} ", state(k, who, p).0, p.parent, p.pgid, p.sid);
    // flags, faults: minor, of children, major, of children
    put!(out, "4194304 0 0 0 0 {} {} ", ticks(utime), ticks(stime));
    put!(out, "{} {} ", ticks(p.child_usage.utime), ticks(p.child_usage.stime));
    put!(
        out,
        "{} {nice} {} 0 {} ",
        20 + nice,
        p.threads.len().max(1),
        ticks(t.map_or(p.started, |t| t.started))
    );
    let limit = p.limits[crate::task::process::rlimit::DATA].0;
    put!(out, "{} {} {limit} ", m.size, m.resident / 4096);
    let (code, stack, args, env, brk, sp, ip) = match t {
        Some(t) => {
            let mm = t.mm.borrow();
            // Registers of others are shown only while they sleep in a call, and then as zero, as Linux does.
            (mm.code, mm.stack.1, mm.args, mm.env, mm.brk.0, 0u64, 0u64)
        }
        None => ((0, 0), 0, (0, 0), (0, 0), 0, 0, 0),
    };
    put!(out, "{} {} {stack} {sp} {ip} ", code.0, code.1);
    put!(
        out,
        "{} {} {} {} ",
        pending & 0x7fff_ffff,
        blocked & 0x7fff_ffff,
        ignored & 0x7fff_ffff,
        caught & 0x7fff_ffff
    );
    let asleep = u64::from(t.is_some_and(|t| t.state == State::Blocked));
    let (policy, priority) = t.map_or((0, 0), |t| t.policy);
    // wchan, swapped pages, exit signal, CPU, real-time priority, policy, I/O delay, guest times
    put!(out, "{asleep} 0 0 {} 0 {priority} {policy} 0 0 0 ", p.exit_signal);
    let status = p.exit_status.unwrap_or(0);
    put!(out, "{} {} {brk} {} {} {} {} {status}\n", code.1, brk, args.0, args.1, env.0, env.1);
    Ok(out)
}

fn status(k: &Kernel, who: Who) -> Result<Vec<u8>> {
    let p = process(k, who.pid)?;
    let t = task(k, who).ok();
    let (letter, word) = state(k, who, p);
    let mut out = b"Name:\t".to_vec();
    out.extend_from_slice(&comm(k, who)?);
    put!(out, "\nUmask:\t{:04o}\n", t.map_or(0, |t| t.fs.borrow().umask));
    put!(out, "State:\t{letter} ({word})\nTgid:\t{}\nNgid:\t0\nPid:\t{}\n", p.pid, who.tid.unwrap_or(p.pid));
    put!(out, "PPid:\t{}\nTracerPid:\t0\n", p.parent);
    if let Some(t) = t {
        let c = &t.cred;
        put!(out, "Uid:\t{}\t{}\t{}\t{}\n", c.uid, c.euid, c.suid, c.fsuid);
        put!(out, "Gid:\t{}\t{}\t{}\t{}\n", c.gid, c.egid, c.sgid, c.fsgid);
        put!(out, "FDSize:\t{}\nGroups:\t", t.files.borrow().len().next_power_of_two().max(64));
        for group in &c.groups {
            put!(out, "{group} ");
        }
    } else {
        let (uid, gid) = super::owner(k, who)?;
        put!(
            out,
            "Uid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{gid}\t{gid}\t{gid}\t{gid}\nFDSize:\t0\nGroups:\t"
        );
    }
    put!(
        out,
        "\nNStgid:\t{}\nNSpid:\t{}\nNSpgid:\t{}\nNSsid:\t{}\n",
        p.pid,
        who.tid.unwrap_or(p.pid),
        p.pgid,
        p.sid
    );
    if k.space.strict.is_some() {
        memory::without_mmu(k, who, &mut out);
    } else if !p.zombie {
        let m = memory::sizes(k, who);
        let kb = |bytes: u64| bytes / 1024;
        put!(out, "VmPeak:\t{:8} kB\nVmSize:\t{:8} kB\nVmLck:\t       0 kB\n", kb(m.size), kb(m.size));
        put!(
            out,
            "VmPin:\t       0 kB\nVmHWM:\t{:8} kB\nVmRSS:\t{:8} kB\n",
            kb(p.own_usage.max_rss.max(m.resident)),
            kb(m.resident)
        );
        put!(out, "RssAnon:\t{:8} kB\nRssFile:\t{:8} kB\n", kb(m.resident - m.shared), kb(m.shared));
        put!(out, "RssShmem:\t       0 kB\nVmData:\t{:8} kB\nVmStk:\t{:8} kB\n", kb(m.data), kb(m.stack));
        put!(
            out,
            "VmExe:\t{:8} kB\nVmLib:\t       0 kB\nVmPTE:\t       0 kB\nVmSwap:\t       0 kB\n",
            kb(m.text)
        );
    }
    put!(out, "CoreDumping:\t0\nThreads:\t{}\n", p.threads.len().max(1));
    let queued = p.pending.len() + t.map_or(0, |t| t.pending.len());
    put!(out, "SigQ:\t{queued}/{}\n", p.limits[crate::task::process::rlimit::SIGPENDING].0);
    let names = ["SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"];
    for (name, set) in names.iter().zip(signals(k, who, p)) {
        put!(out, "{name}:\t{set:016x}\n");
    }
    let all = (1u64 << (super::system::CAP_LAST + 1)) - 1;
    let caps = if t.is_some_and(|t| t.cred.privileged()) { all } else { 0 };
    put!(out, "CapInh:\t{:016x}\nCapPrm:\t{caps:016x}\nCapEff:\t{caps:016x}\nCapBnd:\t{all:016x}\n", 0);
    let no_new_privs = u8::from(t.is_some_and(|t| t.settings.no_new_privs));
    put!(out, "CapAmb:\t{:016x}\nNoNewPrivs:\t{no_new_privs}\nSeccomp:\t0\nSeccomp_filters:\t0\n", 0);
    put!(out, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
    let (voluntary, other) = t.map_or(p.own_usage.switches, |t| t.switches);
    put!(out, "voluntary_ctxt_switches:\t{voluntary}\nnonvoluntary_ctxt_switches:\t{other}\n");
    Ok(out)
}

fn limits(p: &Process) -> Vec<u8> {
    /// Name, unit; in the order of the numbers.
    const NAMES: [(&str, &str); 16] = [
        ("Max cpu time", "seconds"),
        ("Max file size", "bytes"),
        ("Max data size", "bytes"),
        ("Max stack size", "bytes"),
        ("Max core file size", "bytes"),
        ("Max resident set", "bytes"),
        ("Max processes", "processes"),
        ("Max open files", "files"),
        ("Max locked memory", "bytes"),
        ("Max address space", "bytes"),
        ("Max file locks", "locks"),
        ("Max pending signals", "signals"),
        ("Max msgqueue size", "bytes"),
        ("Max nice priority", ""),
        ("Max realtime priority", ""),
        ("Max realtime timeout", "us"),
    ];
    let mut out = line(format!("{:<25} {:<20} {:<20} {:<10}", "Limit", "Soft Limit", "Hard Limit", "Units"));
    let shown = |n: u64| if n == UNLIMITED { "unlimited".into() } else { format!("{n}") };
    for ((name, unit), (soft, hard)) in NAMES.iter().zip(p.limits) {
        put!(out, "{name:<25} {:<20} {:<20} {unit:<10}\n", shown(soft), shown(hard));
    }
    out
}

/// Spaces, tabs, line breaks and backslashes of a path, as octal numbers.
fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for b in bytes {
        if b" \t\n\\".contains(b) {
            put!(out, "\\{b:03o}");
        } else {
            out.push(*b);
        }
    }
    out
}

/// Mount options as text.
fn options(flags: u64) -> Vec<u8> {
    const NAMES: &[(u64, &str)] = &[
        (flag::NOSUID, ",nosuid"),
        (flag::NODEV, ",nodev"),
        (flag::NOEXEC, ",noexec"),
        (flag::SYNCHRONOUS, ",sync"),
        (flag::NOATIME, ",noatime"),
        (flag::NODIRATIME, ",nodiratime"),
        (flag::RELATIME, ",relatime"),
    ];
    let mut out = if flags & flag::RDONLY != 0 { b"ro".to_vec() } else { b"rw".to_vec() };
    for (_, name) in NAMES.iter().filter(|(bit, _)| flags & bit != 0) {
        out.extend_from_slice(name.as_bytes());
    }
    out
}

fn mounts(k: &Kernel, caller: Tid) -> Vec<u8> {
    let root = k.task(caller).fs.borrow().root.clone();
    let mut out = Vec::new();
    for mount in k.mounts.list() {
        let at = crate::fs::Path { node: mount.root.clone(), mount: mount.clone() };
        out.extend_from_slice(&escaped(&mount.source));
        out.push(b' ');
        out.extend_from_slice(&escaped(&at.to_bytes(&root)));
        put!(out, " {} ", mount.fs_type);
        out.extend_from_slice(&options(mount.flags.get()));
        out.extend_from_slice(b" 0 0\n");
    }
    out
}

fn mountinfo(k: &Kernel, caller: Tid) -> Vec<u8> {
    let root = k.task(caller).fs.borrow().root.clone();
    let mut out = Vec::new();
    for mount in k.mounts.list() {
        let at = crate::fs::Path { node: mount.root.clone(), mount: mount.clone() };
        let parent = mount.covers.as_ref().map_or(1, |covered| covered.mount.id);
        let dev = mount.root.inode.attr().map_or(0, |a| a.dev);
        put!(out, "{} {parent} {}:{} / ", mount.id, major(dev), minor(dev));
        out.extend_from_slice(&escaped(&at.to_bytes(&root)));
        out.push(b' ');
        out.extend_from_slice(&options(mount.flags.get()));
        put!(out, " - {} ", mount.fs_type);
        out.extend_from_slice(&escaped(&mount.source));
        out.extend_from_slice(if mount.flags.get() & flag::RDONLY != 0 { b" ro\n" } else { b" rw\n" });
    }
    out
}
