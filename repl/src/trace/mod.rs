//! `llano trace`: what can be done with a recording, a file a command.

use crate::session::Failure;
use clap::Subcommand;
use llano_trace::ctf::Trace;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

pub mod export;
pub mod info;
mod merge;
pub mod print;
mod progress;
pub mod repair;
pub mod stats;
pub mod view;

/// Commands about a recording. FILE is what `--trace NAME.ctf` wrote, or `-`: its stream on standard input.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What a recording is: when, how long, how much, how whole
    Info(info::Info),
    /// Print it as strace would
    Print(print::Print),
    /// Where the time went: calls and tasks summed up
    Stats(stats::Stats),
    /// Write it in another format, for Perfetto or readers of LTTng
    Export(export::Export),
    /// Show it in the Perfetto UI
    View(view::View),
    /// Write a torn or damaged one anew, with what can be read
    Repair(repair::Repair),
}

/// Runs one.
///
/// # Errors
/// One line: the file cannot be read, or what is made of it not written.
pub fn run(command: &Command) -> Result<i32, Failure> {
    match command {
        Command::Info(options) => info::run(options),
        Command::Print(options) => print::run(options),
        Command::Stats(options) => stats::run(options),
        Command::Export(options) => export::run(options),
        Command::View(options) => view::run(options),
        Command::Repair(options) => repair::run(options),
    }
    .map(|()| 0)
}

/// Opens a recording; what of it cannot be read is said on standard error.
fn open(path: &Path) -> Result<Trace, Failure> {
    let trace = if path == Path::new("-") {
        spooled().and_then(|file| Trace::from_file(file, &"standard input").map_err(Failure::new))
    } else {
        Trace::open(path).map_err(Failure::new)
    }?;
    if !trace.damage().none() {
        crate::report::say(&format!("{}: {}", path.display(), trace.damage()));
    }
    Ok(trace)
}

/// Standard input as a file: a recording is read more than once.
fn spooled() -> Result<File, Failure> {
    let dir = std::env::temp_dir();
    let copy = || {
        let path = dir.join(format!("llano-trace.{}", std::process::id()));
        let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
        fs::remove_file(&path)?;
        io::copy(&mut io::stdin().lock(), &mut file)?;
        Ok(file)
    };
    copy().map_err(|e: io::Error| {
        let why = crate::monitor::server::reason(&e);
        Failure::new(format!("cannot keep a copy of standard input in {}: {why}", dir.display()))
    })
}

/// Prints what `fill` writes. A reader that has seen enough is no failure.
fn page(fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    crate::tables::standard_output()?;
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match fill(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("standard output: {}", crate::monitor::server::reason(&error))))
        }
        _ => Ok(()),
    }
}
