//! The llano binary: the parts, assembled.
#![forbid(unsafe_code)]

use llano_repl::cli::{Command, Run};
use llano_repl::session::{self, Failure};
use llano_repl::usage::{self, Asked};
use llano_repl::{demo, monitor, report, tables, trace, traces};
use std::process::exit;

/// The vCPU allocates from a heap of its own; all other threads from the system's.
#[global_allocator]
static ALLOC: llano_machine::heap::VcpuAlloc = llano_machine::heap::VcpuAlloc;

fn main() {
    match ask() {
        Ok(status) => exit(status),
        Err(failure) => {
            report::say(&failure.text);
            exit(failure.status);
        }
    }
}

fn ask() -> Result<i32, Failure> {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let cli = match usage::parse(&args)? {
        Asked::Do(cli) => cli,
        Asked::Text(text) => return tables::print(&text).map(|()| 0),
    };
    match cli.command {
        None => run(&cli.run),
        Some(Command::Run(options)) => run(&options),
        Some(Command::Demo) => demo::run(),
        Some(Command::Monitor(options)) => monitor::client::run(&options),
        Some(Command::Trace(command)) => trace::run(&command),
        Some(Command::Syscalls { json }) => tables::syscalls(json),
        Some(Command::Completions { shell }) => tables::completions(shell),
        Some(Command::Man) => tables::man(),
    }
}

fn run(options: &Run) -> Result<i32, Failure> {
    let mut ended = session::run(options)?;
    report::at_exit(&ended.kernel, options);
    if let Some(path) = options.trace.as_deref().filter(|p| *p != std::path::Path::new("off")) {
        traces::write(&mut ended, path)
            .map_err(|e| Failure { text: format!("--trace {e}"), status: ended.status.max(1) })?;
    }
    match ended.logging.finish() {
        Ok(()) => Ok(ended.status),
        Err(e) => Err(Failure { text: format!("--trace-self: {e}"), status: ended.status.max(1) }),
    }
}
