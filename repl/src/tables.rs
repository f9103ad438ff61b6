//! `llano syscalls` and `llano man`.

use crate::cli::Cli;
use crate::session::Failure;
use clap::CommandFactory;
use llano_kernel::syscall::table::rows;
use std::io::Write;

fn written(r: std::io::Result<()>) -> Result<i32, Failure> {
    r.map(|()| 0).map_err(|e| Failure::new(format!("standard output: {e}")))
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
            let line = format!("{:>4} {:<24} {:<8} {}", row.nr, llano_trace::format::name(row.nr), row.support.name(), row.caveat);
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    written(std::io::stdout().write_all(out.as_bytes()))
}

/// Prints the manual page.
pub fn man() -> Result<i32, Failure> {
    written(clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout()))
}
