//! `llano demo`: boots the default root, runs a small shell session, records it, and says where the time went.

use crate::cli::{Cli, Run};
use crate::monitor::server::reason;
use crate::session::{self, Ended, Failure};
use crate::{tables, traces};
use clap::Parser;
use llano_trace::record::Event;
use llano_trace::stats::Stats;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;

/// What the shell runs: real programs of the root, on real files and files in RAM.
const SESSION: [&str; 12] = [
    "uname -srvm",
    "cat /proc/version",
    "ls -C -w 76 /",
    "mkdir -p /tmp/llano-demo && cd /tmp/llano-demo",
    "seq 1 50000 >numbers",
    "sort -rn numbers -o sorted",
    "sha256sum numbers sorted",
    "sort -u numbers sorted | wc -l",
    "gzip -9 sorted",
    "ls -l",
    "sleep 0.05",
    "date",
];

/// The file that is written.
const FILE: &str = "llano-demo.json";
/// Calls listed in the summary.
const TOP: usize = 8;
/// Characters of the longest bar.
const BAR: usize = 32;

/// Runs it all.
///
/// # Errors
/// The system does not boot, or no trace can be written anywhere.
pub fn run() -> Result<i32, Failure> {
    tables::standard_output()?;
    let file = place()?;
    let look = Look::of_terminal();
    // The guest's end takes standard output along: what is said afterwards needs a descriptor of its own.
    let own = std::io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .map_err(|e| Failure::new(format!("standard output: {e}")))?;
    let mut out = File::from(own);
    let mut print = |text: &str| {
        out.write_all(text.as_bytes()).map_err(|e| Failure::new(format!("standard output: {}", reason(&e))))
    };
    print(
        &look.title("llano boots on the root of this host, read-only below files in RAM, and runs a shell"),
    )?;
    let mut ended = session::run(&options(look))?;
    traces::write(&mut ended, &file).map_err(Failure::new)?;
    print(&summary(&ended, look))?;
    print(&look.title("the recording: every call of every task, on one timeline"))?;
    print(&format!("  {}\n  Open https://ui.perfetto.dev and there \"Open trace file\".\n", file.display()))?;
    Ok(ended.status)
}

/// Where the trace goes: here, or else to the directory for temporary files.
fn place() -> Result<PathBuf, Failure> {
    let here = PathBuf::from(FILE);
    let Err(why) = llano_trace::file::check(&here) else { return Ok(here) };
    let there = std::env::temp_dir().join(FILE);
    llano_trace::file::check(&there).map_err(|e| Failure::new(format!("{why}; {e}")))?;
    crate::report::say(&format!("{why}; the trace goes to {}", there.display()));
    Ok(there)
}

fn options(look: Look) -> Run {
    let (bold, plain) = if look.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let mut script = format!("run() {{ printf '{bold}$ %s{plain}\\n' \"$1\"; eval \"$1\"; }}\n");
    for line in SESSION {
        script.push_str(&format!("run '{line}'\n"));
    }
    let shell = if std::path::Path::new("/bin/dash").exists() { "/bin/dash" } else { "/bin/sh" };
    let mut options = Cli::parse_from(["llano"]).run;
    options.cmd = [shell, "-c", &script].map(Into::into).into();
    options.env = vec![("LC_ALL".into(), "C".into())];
    options
}

/// How the summary may look.
#[derive(Clone, Copy)]
struct Look {
    color: bool,
    blocks: bool,
}

impl Look {
    fn of_terminal() -> Look {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|v| std::env::var(v).ok().filter(|v| !v.is_empty()));
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        Look {
            color: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            blocks: locale.contains("utf-8") || locale.contains("utf8"),
        }
    }

    fn title(self, text: &str) -> String {
        let rule = if self.blocks { "──" } else { "--" };
        if self.color { format!("\n\x1b[1;36m{rule} {text}\x1b[0m\n") } else { format!("\n{rule} {text}\n") }
    }

    /// A bar as long as `part` of `whole`; something is never nothing.
    fn bar(self, part: u64, whole: u64) -> String {
        let length = (part * BAR as u64).div_ceil(whole.max(1)) as usize;
        let bar = if self.blocks { "█" } else { "#" }.repeat(length.min(BAR));
        if self.color { format!("\x1b[36m{bar}\x1b[0m") } else { bar }
    }
}

fn summary(ended: &Ended, look: Look) -> String {
    let (k, now) = (&ended.kernel, traces::snapshot(&ended.kernel, &ended.calibration));
    let stats = Stats::of(k.trace.iter(), &now);
    let count = |event: Event| k.trace.iter().filter(|(_, r)| r.event() == Some(event)).count();
    let boot = k
        .trace
        .iter()
        .find(|(_, r)| r.event() == Some(Event::Switch))
        .map_or(0, |(_, r)| now.clock.ns(r.tsc));
    let calls: u64 = k.call_counts.iter().sum();
    let mut out = look.title("what happened");
    out.push_str(&format!(
        "  booted in {}; then {} tasks made {calls} system calls and the CPU changed hands {} times, in {}\n",
        ms(boot),
        count(Event::Clone),
        count(Event::Switch),
        ms(stats.span_ns)
    ));
    out.push_str(&look.title("where the time went"));
    let kernel: u64 = stats.calls.iter().map(|c| c.kernel_ns()).sum();
    let running: u64 = stats.tasks.iter().map(|t| t.run_ns).sum();
    for (name, ns) in
        [("programs", running.saturating_sub(kernel)), ("kernel", kernel), ("idle", stats.idle_ns)]
    {
        out.push_str(&format!("  {name:<10} {:>10}  {}\n", ms(ns), look.bar(ns, stats.span_ns)));
    }
    out.push_str(&format!(
        "\n  {:<16} {:>8} {:>12} {:>12}\n",
        "system call", "calls", "in kernel", "waiting"
    ));
    for row in stats.calls.iter().take(TOP) {
        let waited = if row.waited_ns == 0 { String::new() } else { ms(row.waited_ns) };
        let line = format!(
            "  {:<16} {:>8} {:>12} {waited:>12}  {}",
            llano_trace::format::name(row.nr),
            row.calls,
            ms(row.kernel_ns()),
            look.bar(row.kernel_ns(), kernel)
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }
    if let Some(rest) = stats.calls.get(TOP..).filter(|r| !r.is_empty()) {
        let (calls, ns) = rest.iter().fold((0, 0), |(n, t), c| (n + c.calls, t + c.kernel_ns()));
        out.push_str(&format!("  {:<16} {calls:>8} {:>12}\n", format!("{} others", rest.len()), ms(ns)));
    }
    out.push_str(&format!("\n  {:<16} {:>8} {:>12} {:>12}\n", "task", "calls", "on the CPU", "in kernel"));
    for task in stats.tasks.iter().take(TOP) {
        let name = format!("{} {}", task.tid, task.comm);
        let bar = look.bar(task.run_ns, running);
        out.push_str(&format!(
            "  {name:<16} {:>8} {:>12} {:>12}  {bar}\n",
            task.calls,
            ms(task.run_ns),
            ms(task.kernel_ns)
        ));
    }
    out
}

/// Milliseconds with as many decimals as tell something.
fn ms(ns: u64) -> String {
    let micros = ns / 1000;
    if micros < 100_000 {
        format!("{}.{:03} ms", micros / 1000, micros % 1000)
    } else {
        format!("{} ms", micros / 1000)
    }
}
