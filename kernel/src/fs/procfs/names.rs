//! What there is in /proc: paths below it and below /proc/PID, with their permissions. Directories follow from paths.

/// What a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file with text.
    File,
    /// A magic link.
    Magic,
    /// A link to a path.
    Link(&'static str),
    /// /proc/self and /proc/thread-self.
    Caller,
    /// task, fd, fdinfo: directories whose entries are numbers.
    Threads,
    /// See `Threads`.
    Descriptors,
    /// See `Threads`.
    DescriptorInfos,
    /// The process's memory.
    Memory,
}

/// Path, permissions, kind.
pub(super) type Row = (&'static str, u32, Kind);

use Kind::*;

/// Files of the system.
pub(super) const SYSTEM: &[Row] = &[
    ("buddyinfo", 0o444, File),
    ("cmdline", 0o444, File),
    ("cpuinfo", 0o444, File),
    ("devices", 0o444, File),
    ("filesystems", 0o444, File),
    ("kmsg", 0o400, File),
    ("loadavg", 0o444, File),
    ("maps", 0o444, File),
    ("meminfo", 0o444, File),
    ("mounts", 0o777, Link("self/mounts")),
    ("net", 0o777, Link("self/net")),
    ("partitions", 0o444, File),
    ("self", 0o777, Caller),
    ("stat", 0o444, File),
    ("swaps", 0o444, File),
    ("sys/fs/file-max", 0o444, File),
    ("sys/fs/file-nr", 0o444, File),
    ("sys/fs/inotify/max_queued_events", 0o444, File),
    ("sys/fs/inotify/max_user_instances", 0o444, File),
    ("sys/fs/inotify/max_user_watches", 0o444, File),
    ("sys/fs/nr_open", 0o444, File),
    ("sys/fs/pipe-max-size", 0o444, File),
    ("sys/kernel/cap_last_cap", 0o444, File),
    ("sys/kernel/core_pattern", 0o444, File),
    ("sys/kernel/domainname", 0o644, File),
    ("sys/kernel/hostname", 0o644, File),
    ("sys/kernel/ngroups_max", 0o444, File),
    ("sys/kernel/osrelease", 0o444, File),
    ("sys/kernel/ostype", 0o444, File),
    ("sys/kernel/overflowgid", 0o444, File),
    ("sys/kernel/overflowuid", 0o444, File),
    ("sys/kernel/pid_max", 0o444, File),
    ("sys/kernel/pty/max", 0o444, File),
    ("sys/kernel/pty/nr", 0o444, File),
    ("sys/kernel/random/boot_id", 0o444, File),
    ("sys/kernel/random/entropy_avail", 0o444, File),
    ("sys/kernel/random/uuid", 0o444, File),
    ("sys/kernel/threads-max", 0o444, File),
    ("sys/kernel/version", 0o444, File),
    ("sys/net/core/somaxconn", 0o444, File),
    ("sys/vm/max_map_count", 0o444, File),
    ("sys/vm/mmap_min_addr", 0o444, File),
    ("sys/vm/nr_trim_pages", 0o644, File),
    ("sys/vm/overcommit_memory", 0o444, File),
    ("sys/vm/swappiness", 0o444, File),
    ("thread-self", 0o777, Caller),
    ("uptime", 0o444, File),
    ("version", 0o444, File),
    ("vmstat", 0o444, File),
];

/// Files of a process; those of a thread are the same but for `task`.
pub(super) const PROCESS: &[Row] = &[
    ("auxv", 0o400, File),
    ("cgroup", 0o444, File),
    ("cmdline", 0o444, File),
    ("comm", 0o644, File),
    ("cwd", 0o777, Magic),
    ("environ", 0o400, File),
    ("exe", 0o777, Magic),
    ("fd", 0o500, Descriptors),
    ("fdinfo", 0o555, DescriptorInfos),
    ("io", 0o400, File),
    ("limits", 0o444, File),
    ("loginuid", 0o444, File),
    ("maps", 0o444, File),
    ("mem", 0o600, Memory),
    ("mountinfo", 0o444, File),
    ("mounts", 0o444, File),
    ("net/dev", 0o444, File),
    ("net/unix", 0o444, File),
    ("oom_adj", 0o644, File),
    ("oom_score", 0o444, File),
    ("oom_score_adj", 0o644, File),
    ("personality", 0o400, File),
    ("root", 0o777, Magic),
    ("smaps", 0o444, File),
    ("stat", 0o444, File),
    ("statm", 0o444, File),
    ("status", 0o444, File),
    ("syscall", 0o400, File),
    ("task", 0o555, Threads),
    ("wchan", 0o444, File),
];

/// Whether a file of the system or of a process is there only with an MMU, or only without one (`--strict-nommu`).
pub(super) fn needs_mmu(of_process: bool, path: &str) -> Option<bool> {
    match (of_process, path) {
        (true, "smaps") | (false, "sys/vm/max_map_count" | "sys/vm/mmap_min_addr") => Some(true),
        (false, "buddyinfo" | "maps" | "sys/vm/nr_trim_pages") => Some(false),
        _ => None,
    }
}

/// What one level of a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The row itself.
    Row(&'static Row),
    /// A directory of this path.
    Dir(&'static str),
}

/// The part of `path` below the directory `dir`.
fn below(path: &'static str, dir: &str) -> Option<&'static str> {
    if dir.is_empty() { Some(path) } else { path.strip_prefix(dir)?.strip_prefix('/') }
}

/// What a directory of a table holds: names in order, each once.
pub(super) fn entries(
    table: &'static [Row],
    dir: &'static str,
) -> impl Iterator<Item = (&'static str, Found)> {
    let mut last = "";
    table.iter().filter_map(move |row| {
        let rest = below(row.0, dir)?;
        let name = rest.split('/').next().unwrap_or(rest);
        if core::mem::replace(&mut last, name) == name {
            return None;
        }
        let end = row.0.len() - rest.len() + name.len();
        Some((name, if name == rest { Found::Row(row) } else { Found::Dir(&row.0[..end]) }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn directories_follow_from_paths() {
        let names: Vec<_> = entries(SYSTEM, "sys").collect();
        assert_eq!(names[0], ("fs", Found::Dir("sys/fs")));
        assert_eq!(names.len(), 4);
        assert_eq!(entries(SYSTEM, "").filter(|(name, _)| *name == "sys").count(), 1);
        assert!(entries(SYSTEM, "sys/kernel").any(|(_, f)| f == Found::Dir("sys/kernel/random")));
        assert!(entries(PROCESS, "").any(|(name, f)| name == "status" && matches!(f, Found::Row(_))));
    }

    #[test]
    fn tables_are_sorted_so_that_names_are_together() {
        for table in [SYSTEM, PROCESS] {
            assert!(table.windows(2).all(|w| w[0].0 < w[1].0));
        }
    }
}
