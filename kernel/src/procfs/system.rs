//! Files of the system (proc(5)).

use super::{line, put};
use crate::error::{Errno, Result};
use crate::kernel::Kernel;
use crate::syscall::misc::{RELEASE, VERSION};
use crate::task::State;
use crate::task::table::PID_MAX;
use crate::time::SECOND;
use crate::wait::Tid;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use llano_machine::host;

/// The highest capability that this Linux knows (CAP_CHECKPOINT_RESTORE).
pub(super) const CAP_LAST: u32 = 40;

/// Clock ticks a second, as user space counts (USER_HZ).
const TICK: u64 = SECOND / 100;

/// What is in a file.
pub(super) fn text(k: &mut Kernel, caller: Tid, name: &str) -> Result<Vec<u8>> {
    if let Some(value) = constant(name) {
        return Ok(line(value));
    }
    k.charge_current();
    Ok(match name {
        "version" => line(format!("Linux version {RELEASE} (llano) {VERSION}")),
        "sys/kernel/hostname" => [&k.uts.nodename[..], b"\n"].concat(),
        "sys/kernel/domainname" => [&k.uts.domainname[..], b"\n"].concat(),
        "sys/kernel/random/uuid" => line(uuid(host::random())),
        "sys/kernel/random/boot_id" => line(uuid(k.env.boot_id)),
        "sys/kernel/pty/nr" => line(k.terminals.numbers().len()),
        "sys/fs/file-nr" => {
            let open: usize = k.tables.tasks().map(|t| t.files.borrow().iter().count()).sum();
            line(format!("{open}\t0\t{}", i64::MAX))
        }
        "uptime" => {
            let now = k.refresh_now();
            let idle = now.saturating_sub(cpu_time(k));
            let shown = |ns: u64| format!("{}.{:02}", ns / SECOND, ns % SECOND / (SECOND / 100));
            line(format!("{} {}", shown(now), shown(idle)))
        }
        "loadavg" => loadavg(k, caller),
        "meminfo" => meminfo(k),
        "cpuinfo" => cpuinfo(),
        "stat" => stat(k),
        "vmstat" => line(format!("nr_free_pages {}", (k.ram - used(k)) / 4096)),
        "cmdline" => line("llano"),
        "filesystems" => filesystems(k),
        "devices" => line(
            "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:",
        ),
        "partitions" => line("major minor  #blocks  name\n"),
        "swaps" => line("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority"),
        "kmsg" => kmsg(k),
        "sys/kernel/threads-max" => line(k.tables.max),
        "buddyinfo" => buddyinfo(k),
        "maps" => super::memory::regions(k, caller),
        "sys/vm/nr_trim_pages" => line(k.space.strict.as_ref().map_or(0, |s| s.trim_pages)),
        _ => return Err(Errno::EIO),
    })
}

/// Files that always say the same.
fn constant(name: &str) -> Option<&'static str> {
    const VALUES: &[(&str, &str)] = &[
        ("sys/fs/file-max", "9223372036854775807"),
        ("sys/fs/inotify/max_queued_events", "16384"),
        ("sys/fs/inotify/max_user_instances", "128"),
        ("sys/fs/inotify/max_user_watches", "65536"),
        ("sys/fs/nr_open", "1048576"),
        ("sys/fs/pipe-max-size", "1048576"),
        ("sys/kernel/cap_last_cap", "40"),
        ("sys/kernel/core_pattern", "core"),
        ("sys/kernel/ngroups_max", "65536"),
        ("sys/kernel/osrelease", RELEASE),
        ("sys/kernel/ostype", "Linux"),
        ("sys/kernel/overflowgid", "65534"),
        ("sys/kernel/overflowuid", "65534"),
        ("sys/kernel/pid_max", "32768"),
        ("sys/kernel/pty/max", "4096"),
        ("sys/kernel/random/entropy_avail", "256"),
        ("sys/kernel/version", VERSION),
        ("sys/net/core/somaxconn", "4096"),
        ("sys/vm/max_map_count", "65530"),
        ("sys/vm/mmap_min_addr", "65536"),
        ("sys/vm/overcommit_memory", "0"),
        ("sys/vm/swappiness", "60"),
    ];
    const _: () = assert!(PID_MAX == 32768 && CAP_LAST == 40);
    VALUES.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// Writes a file; the walk has checked that the caller may.
pub(super) fn store(k: &mut Kernel, name: &str, bytes: &[u8]) -> Result<usize> {
    let value = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if value.len() > 64 {
        return Err(Errno::EINVAL);
    }
    match name {
        "sys/kernel/hostname" => k.uts.nodename = value.to_vec(),
        "sys/kernel/domainname" => k.uts.domainname = value.to_vec(),
        "sys/vm/nr_trim_pages" => {
            let text = core::str::from_utf8(value).map_err(|_| Errno::EINVAL)?;
            let pages: u32 = text.trim().parse().map_err(|_| Errno::EINVAL)?;
            k.space.strict.as_mut().ok_or(Errno::EACCES)?.trim_pages = pages.into();
        }
        _ => return Err(Errno::EACCES),
    }
    Ok(bytes.len())
}

fn uuid(mut b: [u8; 16]) -> String {
    b[6] = b[6] & 0x0f | 0x40;
    b[8] = b[8] & 0x3f | 0x80;
    let hex = |part: &[u8]| part.iter().map(|b| format!("{b:02x}")).collect::<String>();
    format!("{}-{}-{}-{}-{}", hex(&b[..4]), hex(&b[4..6]), hex(&b[6..8]), hex(&b[8..10]), hex(&b[10..]))
}

/// Bytes of RAM in use.
fn used(k: &Kernel) -> u64 {
    k.used_ram().min(k.ram)
}

/// CPU time of all tasks, ns: those that live and those that are over.
fn cpu(k: &Kernel) -> (u64, u64) {
    let live = k.tables.tasks().fold((0, 0), |sum, t| (sum.0 + t.utime, sum.1 + t.stime));
    k.tables.processes().fold(live, |sum, p| {
        let (own, children) = (&p.own_usage, &p.child_usage);
        (sum.0 + own.utime + children.utime, sum.1 + own.stime + children.stime)
    })
}

fn cpu_time(k: &Kernel) -> u64 {
    let (user, system) = cpu(k);
    user + system
}

fn loadavg(k: &mut Kernel, caller: Tid) -> Vec<u8> {
    k.refresh_now();
    k.update_load();
    let [one, five, fifteen] =
        k.load.0.map(|load| format!("{}.{:02}", load >> 16, ((load & 0xffff) * 100) >> 16));
    let running = k.tables.tasks().filter(|t| t.state == State::Runnable).count();
    // The last number is that of the newest process.
    let last = k.tables.processes().max_by_key(|p| p.started).map_or(caller, |p| p.pid);
    line(format!("{one} {five} {fifteen} {running}/{} {last}", k.tables.count()))
}

fn meminfo(k: &Kernel) -> Vec<u8> {
    let kb = |bytes: u64| bytes / 1024;
    let (total, used) = (k.ram, used(k));
    let files = k.env.pool.borrow().used().min(used);
    let mut out = Vec::new();
    let mut row = |name: &str, bytes: u64| put!(out, "{:<16}{:8} kB\n", format!("{name}:"), kb(bytes));
    row("MemTotal", total);
    row("MemFree", total - used);
    row("MemAvailable", total - used);
    row("Buffers", 0);
    row("Cached", files);
    row("SwapCached", 0);
    row("Active", used - files);
    row("Inactive", 0);
    row("SwapTotal", 0);
    row("SwapFree", 0);
    row("Dirty", 0);
    row("Writeback", 0);
    row("AnonPages", used - files);
    row("Mapped", 0);
    row("Shmem", files);
    row("Slab", 0);
    row("CommitLimit", total);
    row("Committed_AS", used);
    row("VmallocTotal", 0);
    row("VmallocUsed", 0);
    out
}

/// Free blocks by order, up to the largest one that RAM holds.
fn buddyinfo(k: &Kernel) -> Vec<u8> {
    let mut out = Vec::new();
    put!(out, "Node 0, zone   Normal ");
    k.space.free_blocks().iter().for_each(|count| put!(out, "{count:6} "));
    out.push(b'\n');
    out
}

/// The host's first processor: guests run on it as it is.
fn cpuinfo() -> Vec<u8> {
    let mut all = Vec::new();
    if let Ok(file) = host::HostFd::open(c"/proc/cpuinfo", host::O_RDONLY) {
        let mut buf = [0; 4096];
        while let Ok(n @ 1..) = file.read(&mut buf) {
            all.extend_from_slice(&buf[..n]);
        }
    }
    let end = all.windows(2).position(|w| w == b"\n\n").map_or(all.len(), |at| at + 2);
    all.truncate(end);
    // There is one processor here, however many the host has.
    let text = String::from_utf8_lossy(&all);
    let mut out = Vec::new();
    for row in text.lines() {
        let one = match row.split(['\t', ' ', ':']).next() {
            Some("siblings" | "cores") => false,
            _ => !row.starts_with("cpu cores"),
        };
        let name = row.split(':').next().unwrap_or(row);
        match row.strip_prefix("processor") {
            Some(_) => out.extend_from_slice(b"processor\t: 0\n"),
            None if one => put!(out, "{row}\n"),
            None => put!(out, "{name}: 1\n"),
        }
    }
    out
}

fn stat(k: &mut Kernel) -> Vec<u8> {
    let now = k.refresh_now();
    let (user, system) = cpu(k);
    let idle = now.saturating_sub(user + system);
    let mut out = Vec::new();
    let numbers = format!("{} 0 {} {} 0 0 0 0 0 0", user / TICK, system / TICK, idle / TICK);
    put!(out, "cpu  {numbers}\ncpu0 {numbers}\nintr {}\n", k.ticks);
    let switches: u64 = k.tables.tasks().map(|t| t.switches.0 + t.switches.1).sum();
    let btime = k.env.realtime_ns().saturating_sub(now) / SECOND;
    put!(out, "ctxt {switches}\nbtime {btime}\nprocesses {}\n", k.tables.processes().count());
    let running = k.tables.tasks().filter(|t| t.state == State::Runnable).count();
    let blocked = 0;
    put!(out, "procs_running {running}\nprocs_blocked {blocked}\n");
    out
}

fn filesystems(k: &Kernel) -> Vec<u8> {
    let mut names: Vec<&str> = k.mounts.list().iter().map(|m| m.fs_type).collect();
    names.extend(["ramfs", "tmpfs"]);
    names.sort_unstable();
    names.dedup();
    names.iter().flat_map(|name| line(format!("nodev\t{name}"))).collect()
}

fn kmsg(k: &Kernel) -> Vec<u8> {
    let mut out = Vec::new();
    let mut seq = 0;
    while let Some(record) = k.env.log.get(seq) {
        let (s, us) = (record.at / SECOND, record.at % SECOND / 1000);
        put!(out, "<{}>[{s:5}.{us:06}] {}\n", record.priority, record.line());
        seq = record.seq + 1;
    }
    out
}
