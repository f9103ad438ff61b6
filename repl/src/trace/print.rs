//! `llano trace print FILE`: the recording as strace would have printed it.
//!
//! A line a call, in order of return, with the time of its entry and how long it took; signals and ends of tasks
//! between them; calls in progress when it was saved at the end. See [`llano_trace::text`].

use super::{open, page};
use crate::session::Failure;
use llano_trace::filter::Filter;
use llano_trace::selection::Selection;
use llano_trace::text;
use std::path::PathBuf;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Print {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only these calls and events: as --trace-filter, but for tasks
    #[arg(long, value_name = "LIST", value_parser = crate::cli::trace_filter)]
    filter: Option<String>,
    /// Only this task
    #[arg(long, value_name = "TID")]
    task: Option<u32>,
    /// Of calls only those that failed
    #[arg(long)]
    errors: bool,
    /// Also what strace does not know: scheduling, memory, interrupts
    #[arg(long)]
    all: bool,
    /// The number of each event in front, as the monitor's `trace last` shows
    #[arg(long)]
    numbers: bool,
}

pub(super) fn run(options: &Print) -> Result<(), Failure> {
    let selection = options.filter.as_deref().map_or(Ok(Filter::ALL.into()), Selection::parse);
    let selection = selection.map_err(|e| Failure::new(format!("--filter {e}")))?;
    if !selection.tasks.is_empty() {
        return Err(Failure { text: "--filter: one task is chosen by --task TID here".into(), status: 2 });
    }
    let trace = open(&options.file)?;
    let what = text::Options {
        task: options.task,
        filter: selection.filter,
        errors_only: options.errors || selection.errors,
        all_events: options.all,
        numbers: options.numbers,
    };
    page(|out| text::write(out, trace.records(), trace.now(), what))
}
