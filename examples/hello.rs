//! Boots a kernel in this process, runs one real program in it, and looks at what the program asked of the kernel.
//!
//! `cargo run --example hello` or `cargo run --example hello -- ls /`
#![forbid(unsafe_code)]

use llano_repl::session::{self, Failure};
use llano_repl::usage::{self, Asked};
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;

/// The kernel's thread allocates from a heap of its own.
#[global_allocator]
static ALLOC: llano_machine::heap::VcpuAlloc = llano_machine::heap::VcpuAlloc;

fn main() -> Result<(), String> {
    let mut program: Vec<OsString> = std::env::args_os().skip(1).collect();
    if program.is_empty() {
        program = ["uname", "-srv"].map(OsString::from).into();
    }
    // The guest's standard output is this process's, and the guest closes it when it ends: keep one.
    let mut out =
        std::io::stdout().as_fd().try_clone_to_owned().map(File::from).map_err(|e| e.to_string())?;
    let kernel = run(program).map_err(|failure| failure.text)?;
    for (nr, count) in kernel.call_counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        writeln!(out, "{count:>6} {}", llano_trace::format::name(nr)).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn run(program: Vec<OsString>) -> Result<Box<llano_kernel::Kernel>, Failure> {
    let args: Vec<OsString> = ["run".into(), "--".into()].into_iter().chain(program).collect();
    let Asked::Do(cli) = usage::parse(&args)? else { return Err(Failure::new("nothing to run")) };
    let options = match cli.command {
        Some(llano_repl::cli::Command::Run(options)) => *options,
        _ => cli.run,
    };
    Ok(session::run(&options)?.kernel)
}
