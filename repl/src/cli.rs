//! The command line, as data: what users and outside checks rely on.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// A Linux-compatible kernel without an MMU, in one process, built to be looked into.
#[derive(Debug, Parser)]
#[command(name = "llano", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(
    after_help = "Without a command: an interactive shell on the default root (the host's / read-only, with a RAM overlay)."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of `run`, which is the default.
    #[command(flatten)]
    pub run: Run,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a program (the default; `run --` escapes names of subcommands)
    Run(Box<Run>),
    /// Boot the default root, run a short shell session, record it and say where the time went
    Demo,
    /// Ask a running llano: commands over its monitor socket
    Monitor(Monitor),
    /// Look at a recording: what `--trace NAME.ctf` wrote
    #[command(subcommand)]
    Trace(crate::trace::Command),
    /// Print the system call table
    Syscalls {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a completion script for a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (troff)
    Man,
}

/// How guest syscalls are caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Intercept {
    /// The best that works here: patch
    Auto,
    /// Sites are rewritten to jumps when they first trap; traps by the best of the others that works here
    Patch,
    /// Syscall User Dispatch
    Sud,
    /// A seccomp filter on the instruction pointer
    Seccomp,
}

/// What idle time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Time {
    /// As long as it is
    Real,
    /// Skipped: idle jumps to the next timer
    Virtual,
}

/// What the guest does when a debugger leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnDetach {
    /// It runs on
    Run,
    /// It stands still until the next one comes
    Stop,
}

impl From<OnDetach> for llano_debug::OnDetach {
    fn from(value: OnDetach) -> Self {
        match value {
            OnDetach::Run => llano_debug::OnDetach::Run,
            OnDetach::Stop => llano_debug::OnDetach::Stop,
        }
    }
}

/// What a trace keeps of the memory that calls read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Detail {
    /// Paths and other strings
    Strings,
    /// Structures and the heads of buffers too, in and out, at whatever that costs
    Full,
}

/// What network there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Net {
    /// No network: sockets within the guest only (AF_UNIX)
    None,
}

/// Options of `run`.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// Root filesystem: a directory, or a .tar, .tar.gz or .tar.zst (default: / read-only below a RAM overlay)
    #[arg(long, value_name = "SRC", value_parser = root)]
    pub root: Option<PathBuf>,
    /// Write through to a directory root
    #[arg(long)]
    pub rw: bool,
    /// RAM, as 512M or 2G
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size)]
    pub mem: u64,
    /// As Linux without an MMU: no fork, no chosen addresses, no page protection, no memory beside RAM
    #[arg(long)]
    pub strict_nommu: bool,
    /// Stack of programs that name no size, with --strict-nommu (default: 128K)
    #[arg(long, value_name = "SIZE", requires = "strict_nommu", value_parser = stack)]
    pub stack: Option<u64>,
    /// Working directory in the guest (default: the caller's)
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// Set an environment variable
    #[arg(long, value_name = "K=V", value_parser = env_pair)]
    pub env: Vec<(OsString, OsString)>,
    /// Who the first process is, by numbers
    #[arg(long, value_name = "UID[:GID]", value_parser = user)]
    pub user: Option<(u32, Option<u32>)>,
    /// Host name in the guest
    #[arg(long, value_name = "NAME", value_parser = hostname)]
    pub hostname: Option<String>,
    /// How guest syscalls are caught
    #[arg(long, value_enum, default_value = "auto")]
    pub intercept: Intercept,
    /// Real or virtual time
    #[arg(long, value_enum, default_value = "real")]
    pub time: Time,
    /// Network
    #[arg(long, value_enum, default_value = "none")]
    pub net: Net,
    /// Record: NAME.ctf while it runs, for `llano trace`; NAME.pftrace or NAME.json at exit, for Perfetto; NAME.lttng, as LTTng writes it; `-`: text on standard error, as strace; `off`: no trace ring at all
    #[arg(long, value_name = "PATH|-|off", value_parser = trace)]
    pub trace: Option<PathBuf>,
    /// Trace only these: %file, %process, %network, %signal, %memory, %desc, or names; of calls those that failed: errors; of one process: task:PID or task:NAME
    #[arg(long, value_name = "LIST", value_parser = trace_filter)]
    pub trace_filter: Option<String>,
    /// What is kept of a call: strings, or also the structures and heads of buffers it reads and writes, as strace shows
    /// them
    #[arg(long, value_enum, default_value = "strings", value_name = "LEVEL")]
    pub trace_detail: Detail,
    /// Size of the trace ring
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size)]
    pub trace_ring: u64,
    /// Wait for what is written meanwhile, and lose no record
    #[arg(long)]
    pub trace_lossless: bool,
    /// Record what llano itself does on the host as Chrome trace events; `llano trace export --merge FILE` lays it beside a recording
    #[arg(long, value_name = "FILE")]
    pub trace_self: Option<PathBuf>,
    /// What the kernel's log (dmesg, `llano monitor SOCKET -c log`) keeps, as RUST_LOG: exec=debug,gdb=trace (default: LLANO_LOG in the environment, or info)
    #[arg(long, value_name = "FILTER", value_parser = log_filter)]
    pub log: Option<String>,
    /// Let gdb attach: HOST:PORT, or the path of a Unix socket
    #[arg(long, value_name = "ADDR", value_parser = gdb)]
    pub gdb: Option<String>,
    /// Wait for gdb before the first guest instruction
    #[arg(long, requires = "gdb")]
    pub gdb_wait: bool,
    /// When gdb detaches or its connection is lost: the guest runs on, or stands still until gdb comes again
    #[arg(long, value_enum, default_value = "run", value_name = "WHAT", requires = "gdb")]
    pub gdb_on_detach: OnDetach,
    /// Answer the monitor on this Unix socket
    #[arg(long, value_name = "PATH")]
    pub monitor_socket: Option<PathBuf>,
    /// Interfere with calls, as the monitor's `inject` and as strace: openat:error=ENOSPC:when=2+2, 'read delay 20ms in sh'
    #[arg(long, value_name = "SPEC", value_parser = inject)]
    pub inject: Vec<String>,
    /// When a program dies by a signal or the kernel fails, leave trace, cores, gdb commands and a report in DIR
    #[arg(long, value_name = "DIR")]
    pub post_mortem: Option<PathBuf>,
    /// No words of llano's own at exit
    #[arg(long)]
    pub quiet: bool,
    /// The program and its arguments (default: a shell)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    pub cmd: Vec<OsString>,
}

/// Options of `monitor`.
#[derive(Debug, Args)]
pub struct Monitor {
    /// The socket that a llano was given by --monitor-socket, or the directory of a dump
    #[arg(value_name = "SOCKET|DUMPDIR")]
    pub socket: PathBuf,
    /// A command; may be given several times (default: commands from standard input)
    #[arg(short, value_name = "CMD")]
    pub commands: Vec<String>,
    /// Answers as JSON
    #[arg(long)]
    pub json: bool,
    /// Ask again every so many seconds, until interrupted
    #[arg(long, value_name = "SECONDS", requires = "commands", value_parser = seconds)]
    pub watch: Option<f64>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|s| (0.01..=86400.0).contains(s));
    seconds.ok_or_else(|| "a number of seconds from 0.01 to 86400".into())
}

fn size(text: &str) -> Result<u64, String> {
    bytes(text).and_then(|n| if n >= 1 << 20 { Ok(n) } else { Err("at least 1M".into()) })
}

fn stack(text: &str) -> Result<u64, String> {
    bytes(text).and_then(|n| if n >= 8 << 10 { Ok(n) } else { Err("at least 8K".into()) })
}

fn bytes(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let shift = match unit.to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err("a size is a number with K, M, G or T, as 512M".into()),
    };
    let number: u64 =
        digits.parse().map_err(|_| "a size is a number with K, M, G or T, as 512M".to_string())?;
    number.checked_mul(1 << shift).ok_or_else(|| "that is too much".into())
}

fn env_pair(text: &str) -> Result<(OsString, OsString), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.into(), value.into())),
        _ => Err("expected KEY=VALUE".into()),
    }
}

fn user(text: &str) -> Result<(u32, Option<u32>), String> {
    let number = |s: &str| s.parse::<u32>().map_err(|_| format!("'{s}' is not a user or group number"));
    match text.split_once(':') {
        Some((uid, gid)) => Ok((number(uid)?, Some(number(gid)?))),
        None => Ok((number(text)?, None)),
    }
}

/// What values answer that a later build may know.
pub const NOT_YET: &str = "not in this build";

fn root(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let image =
        [".cpio", ".cpio.gz", ".cpio.zst", ".squashfs", ".sqfs"].iter().any(|end| text.ends_with(end));
    if (image && !path.is_dir()) || path.join("oci-layout").is_file() {
        Err(NOT_YET.into())
    } else {
        Ok(path)
    }
}

fn trace(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match crate::traces::Format::of(&path) {
        Err(why) if !["off", crate::stream::TEXT].contains(&text) => {
            Err(format!("{why}, or be `-` (text on standard error) or `off`"))
        }
        _ => Ok(path),
    }
}

/// Accepts a list that [`Selection`](llano_trace::selection::Selection) understands.
pub(crate) fn trace_filter(text: &str) -> Result<String, String> {
    llano_trace::selection::Selection::parse(text).map(|_| text.into()).map_err(|e| e.to_string())
}

fn inject(text: &str) -> Result<String, String> {
    crate::inject::parse(text).map(|_| text.into())
}

fn log_filter(text: &str) -> Result<String, String> {
    crate::logging::filter(text).map(|_| text.into())
}

fn gdb(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_some() || text.contains('/') {
        Ok(text.into())
    } else {
        Err("expected HOST:PORT, as localhost:1234 (port 0: any free one), or the path of a Unix socket"
            .into())
    }
}

fn hostname(text: &str) -> Result<String, String> {
    if text.len() <= 64 { Ok(text.into()) } else { Err("a host name has at most 64 bytes".into()) }
}
