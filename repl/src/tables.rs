//! `llano syscalls` and `llano man`.

use crate::cli::Cli;
use crate::monitor::server::reason;
use crate::session::Failure;
use clap::CommandFactory;
use llano_kernel::syscall::table::rows;
use llano_machine::host_stream;
use std::io::Write;

/// Writes to standard output.
///
/// # Errors
/// It is closed or full.
pub fn print(text: &str) -> Result<(), Failure> {
    standard_output()?;
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|e| Failure::new(format!("standard output: {}", reason(&e))))
}

/// Fails if the caller closed standard output: Rust's runtime puts /dev/null there, which would swallow every word.
pub fn standard_output() -> Result<(), Failure> {
    if host_stream::given(1) { Ok(()) } else { Err(Failure::new("standard output: it is closed")) }
}

/// Prints the system call table.
pub fn syscalls(json: bool) -> Result<i32, Failure> {
    let mut out = String::new();
    let all = rows().collect::<Vec<_>>();
    if json {
        out.push_str("[\n");
        for (i, row) in all.iter().enumerate() {
            let mut caveat = String::new();
            llano_trace::json::string(&mut caveat, row.caveat);
            let comma = if i + 1 < all.len() { "," } else { "" };
            out.push_str(&format!(
                "  {{\"nr\": {}, \"name\": \"{}\", \"support\": \"{}\", \"caveat\": {caveat}}}{comma}\n",
                row.nr,
                llano_trace::format::name(row.nr),
                row.support.name()
            ));
        }
        out.push_str("]\n");
    } else {
        for row in &all {
            let line = format!(
                "{:>4} {:<24} {:<8} {}",
                row.nr,
                llano_trace::format::name(row.nr),
                row.support.name(),
                row.caveat
            );
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    print(&out).map(|()| 0)
}

/// Prints the completion script of a shell.
pub fn completions(shell: clap_complete::Shell) -> Result<i32, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "llano", &mut script);
    print(&String::from_utf8_lossy(&script)).map(|()| 0)
}

/// Prints the manual page.
pub fn man() -> Result<i32, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(|e| Failure::new(format!("the manual page: {e}")))?;
    print(&String::from_utf8_lossy(&page)).map(|()| 0)
}
