//! The llano binary: the parts, assembled.
#![forbid(unsafe_code)]

use clap::{CommandFactory, Parser};
use llano_repl::cli::{Cli, Command, Run};
use llano_repl::session::{self, Failure};
use std::process::exit;

/// The vCPU allocates from a heap of its own; all other threads from the system's.
#[global_allocator]
static ALLOC: llano_machine::heap::VcpuAlloc = llano_machine::heap::VcpuAlloc;

fn main() {
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => run(&cli.run),
        Some(Command::Run(options)) => run(&options),
        Some(Command::Program(cmd)) => run(&Run { cmd, ..cli.run }),
        Some(Command::Syscalls { json }) => llano_repl::tables::syscalls(json),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "llano", &mut std::io::stdout());
            Ok(0)
        }
        Some(Command::Man) => llano_repl::tables::man(),
        Some(Command::Monitor(options)) => llano_repl::monitor::client::run(&options),
        Some(Command::Demo) => Err(Failure::new("not in this build")),
    };
    match outcome {
        Ok(status) => exit(status),
        Err(failure) => {
            eprintln!("llano: {}", failure.text);
            exit(failure.status);
        }
    }
}

fn run(options: &Run) -> Result<i32, Failure> {
    let ended = session::run(options)?;
    llano_repl::report::at_exit(&ended.kernel, options);
    if let Some(path) = options.trace.as_deref().filter(|p| *p != std::path::Path::new("off")) {
        llano_repl::traces::write(&ended.kernel, &ended.calibration, path)
            .map_err(|e| Failure { text: format!("--trace {e}"), status: ended.status.max(1) })?;
    }
    Ok(ended.status)
}
