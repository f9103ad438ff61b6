//! `llano trace export FILE OUT`: the recording in another format; OUT's name says which.
//!
//! `.pftrace`: Perfetto's own, the one for large recordings. `.json`: Chrome trace events, which Perfetto and others open.
//! `.ctf`: the directory llano itself writes. `.lttng`: a directory as LTTng's kernel tracer writes it, for tools that know
//! that one; not opened in Trace Compass by us.
//!
//! With `--merge SELF` the file of the same run's `--trace-self` stands beside the guest's tasks, on the same clock.

use super::progress::Progress;
use super::{merge, open};
use crate::session::Failure;
use crate::traces::{self, Format};
use llano_trace::{chrome, file, perfetto};
use std::path::PathBuf;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What to write
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// What llano itself did: the file that --trace-self of the same run wrote
    #[arg(long, value_name = "SELF")]
    merge: Option<PathBuf>,
}

pub(super) fn run(options: &Export) -> Result<(), Failure> {
    let out = &options.out;
    let format =
        Format::of(out).map_err(|e| Failure { text: format!("{}: {e}", out.display()), status: 2 })?;
    format.check(out).map_err(Failure::new)?;
    let trace = open(&options.file)?;
    let records = Progress::of(trace.records(), trace.len() * format.passes());
    let now = trace.now();
    let Some(own) = &options.merge else {
        return traces::save(out, format, records, now).map_err(Failure::new);
    };
    let host = merge::read(own, &now.clock, now.now_tsc).map_err(Failure::new)?;
    match format {
        Format::Json => file::write(out, |out| chrome::write_beside(out, records, now, &host)),
        Format::Perfetto => file::write(out, |out| perfetto::write_beside(out, records, now, &host)),
        _ => Err(format!("{}: --merge is for .pftrace and .json", out.display())),
    }
    .map_err(Failure::new)
}
