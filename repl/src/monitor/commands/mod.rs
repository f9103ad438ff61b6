//! The commands. One file each; the file's own description is what `help NAME` prints.

mod auxv;
mod bt;
mod cont;
mod dump;
mod fds;
mod files;
mod find;
mod focus;
mod freeze;
mod help;
mod hooks;
mod inject;
mod kill;
mod log;
mod maps;
mod mem;
mod mounts;
mod pipes;
mod quit;
mod regions;
mod regs;
mod sched;
mod set;
mod signal;
mod signals;
mod sockets;
mod source;
mod stop;
mod syscalls;
mod task;
mod tasks;
mod thaw;
mod timers;
mod trace;
mod uptime;
mod whose;
mod x;

use super::Output;
use llano_kernel::Kernel;
use llano_kernel::wait::Tid;

/// A command.
pub struct Command {
    /// What is typed.
    pub name: &'static str,
    /// Its source, whose description is its manual.
    source: &'static str,
    /// What it does.
    pub run: fn(&mut Kernel, &[&str]) -> Result<Output, String>,
}

macro_rules! commands {
    ($($name:ident)*) => {
        /// All commands, as `help` lists them.
        pub const ALL: &[Command] = &[$(Command {
            name: stringify!($name),
            source: include_str!(concat!(stringify!($name), ".rs")),
            run: $name::run,
        }),*];
    };
}

commands! {
    tasks task regs bt x find whose maps auxv regions mem fds files mounts pipes sockets sched timers signals syscalls hooks inject log uptime
    trace signal kill freeze thaw set stop cont focus dump source quit help
}

/// Those that change something: a dump does not answer them.
const CHANGING: [&str; 11] =
    ["signal", "kill", "freeze", "thaw", "set", "stop", "cont", "focus", "dump", "source", "quit"];

/// What people type who know another tool, and what it is called here.
const ELSEWHERE: [(&str, &str); 19] = [
    ("backtrace", "bt"),
    ("where", "bt"),
    ("registers", "regs"),
    ("renice", "set"),
    ("disassemble", "x/i"),
    ("dmesg", "log"),
    ("record", "trace"),
    ("ps", "tasks"),
    ("top", "tasks"),
    ("threads", "tasks"),
    ("info", "tasks"),
    ("vmmap", "maps"),
    ("mappings", "maps"),
    ("strace", "syscalls"),
    ("stats", "syscalls"),
    ("pause", "stop"),
    ("continue", "cont"),
    ("c", "cont"),
    ("q", "quit"),
];

/// The command of this name.
///
/// # Errors
/// There is none; the sentence says what to type instead.
pub fn find(name: &str) -> Result<&'static Command, String> {
    // gdbserver's word.
    let name = if name == "exit" { "quit" } else { name };
    if let Some(command) = ALL.iter().find(|c| c.name == name) {
        return Ok(command);
    }
    let shown: String = name.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect();
    let elsewhere = ELSEWHERE.iter().find(|(other, _)| *other == name).map(|(_, here)| *here);
    let near = || {
        ALL.iter().map(|c| (distance(name, c.name), c.name)).min().filter(|(d, _)| *d <= 2).map(|(_, n)| n)
    };
    let begun = || ALL.iter().find(|c| name.len() > 1 && c.name.starts_with(name)).map(|c| c.name);
    Err(match elsewhere.or_else(begun).or_else(near) {
        Some(instead) => format!("no command `{shown}`; did you mean `{instead}`? `help` lists all"),
        None => format!("no command `{shown}`; `help` lists all"),
    })
}

/// How many letters must change to make `b` of `a` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

impl Command {
    /// Its manual: the description at the head of its file.
    pub fn manual(&self) -> String {
        let lines = self.source.lines().take_while(|l| l.starts_with("//!"));
        lines.map(|l| l.trim_start_matches("//!").trim_start_matches(' ')).collect::<Vec<_>>().join("\n")
    }

    /// Whether it changes something with these words, or does something beside looking.
    pub fn changes(&self, args: &[&str]) -> bool {
        CHANGING.contains(&self.name)
            || self.name == "trace" && !matches!(args, [] | ["status"])
            || self.name == "inject" && !args.is_empty()
    }

    /// The first line of it.
    pub fn summary(&self) -> &'static str {
        self.source.lines().next().unwrap_or_default().trim_start_matches("//! ")
    }
}

/// The words after a command that takes none.
fn none(name: &str, args: &[&str]) -> Result<(), String> {
    if args.is_empty() { Ok(()) } else { Err(format!("`{name}` takes no arguments")) }
}

/// A signal's name, `SIGTERM`, `SIGRT34`.
fn signal_name(signo: i32) -> String {
    llano_abi::names::signal_name(signo as u32).map_or_else(|| format!("SIGRT{signo}"), Into::into)
}

/// A signal by number or name: `15`, `TERM`, `sigterm`.
pub(crate) fn signal_number(word: &str) -> Result<i32, String> {
    let upper = word.to_ascii_uppercase();
    let full = if upper.starts_with("SIG") { upper } else { format!("SIG{upper}") };
    let named = || (1..=64).find(|n| signal_name(*n) == full);
    let number = word.parse().ok().filter(|n| (1..=64).contains(n)).or_else(named);
    number.ok_or_else(|| {
        format!("no signal `{}`: a number from 1 to 64, or a name as TERM", word.escape_debug())
    })
}

/// The task that the words after a command name, by number or by name; `None` if there are no words.
pub(super) fn task(k: &Kernel, name: &str, args: &[&str]) -> Result<Option<Tid>, String> {
    let word = match args {
        [] => return Ok(None),
        [word] => *word,
        _ => return Err(format!("`{name}` takes at most one task, as a number or a name")),
    };
    let number: Option<Tid> = word.parse().ok();
    let found = match number {
        Some(tid) => k.tables.task(tid).map(|t| t.tid),
        None => k.tables.tasks().find(|t| t.name() == word.as_bytes()).map(|t| t.tid),
    };
    found.map(Some).ok_or_else(|| format!("no task `{}`; `tasks` lists them", word.escape_debug()))
}

/// The task that a word names, else the one that tools look at first.
fn task_or_any(k: &Kernel, name: &str, args: &[&str]) -> Result<Tid, String> {
    task(k, name, args)?.or(k.any_task()).ok_or_else(|| "there are no tasks".into())
}

/// A task's name for people.
fn comm(k: &Kernel, tid: Tid) -> String {
    let name =
        k.tables.task(tid).map_or_else(String::new, |t| String::from_utf8_lossy(t.name()).into_owned());
    name.replace(char::is_control, "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_get_advice() {
        let advice = |name| find(name).err().unwrap_or_default();
        assert!(find("tasks").is_ok());
        assert!(advice("taks").contains("`task"));
        assert!(advice("tsaks").contains("`tasks`"));
        assert!(advice("ps").contains("`tasks`"));
        assert!(advice("continue").contains("`cont`"));
        assert_eq!(advice("xyzzy"), "no command `xyzzy`; `help` lists all");
        assert!(!advice("\u{1b}[2J").contains('\u{1b}'));
    }

    #[test]
    fn every_command_has_a_manual() {
        for command in ALL {
            assert!(command.summary().len() > 10, "{}", command.name);
            assert!(command.manual().contains("```"), "{}: no example", command.name);
        }
    }
}
