//! `llano trace stats FILE`: calls and tasks summed up, as `strace -c`, with waiting told apart from work.

use super::{open, page};
use crate::session::Failure;
use std::path::PathBuf;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Stats {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Stats) -> Result<(), Failure> {
    let trace = open(&options.file)?;
    let stats = llano_trace::stats::Stats::of(trace.records(), trace.now());
    let text = if options.json { stats.json() } else { stats.to_string() };
    page(|out| out.write_all(text.as_bytes()))
}
