//! `llano trace export FILE OUT`: the recording in another format; OUT's name says which.
//!
//! `.pftrace`: Perfetto's own, the one for large recordings. `.json`: Chrome trace events, which Perfetto and others open.
//! `.ctf`: the directory llano itself writes. `.lttng`: a directory as LTTng's kernel tracer writes it, for tools that know
//! that one; not opened in Trace Compass by us.

use super::open;
use super::progress::Progress;
use crate::session::Failure;
use crate::traces::{self, Format};
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
}

pub(super) fn run(options: &Export) -> Result<(), Failure> {
    let out = &options.out;
    let format =
        Format::of(out).map_err(|e| Failure { text: format!("{}: {e}", out.display()), status: 2 })?;
    format.check(out).map_err(Failure::new)?;
    let trace = open(&options.file)?;
    let records = Progress::of(trace.records(), trace.len() * format.passes());
    traces::save(out, format, records, trace.now()).map_err(Failure::new)
}
