//! `llano trace repair FILE [OUT]`: a torn or damaged recording written anew.
//!
//! What a killed llano or a bad disk leaves, other readers refuse. This keeps every record that makes sense, in whole
//! packets under the numbers they had, and the metadata. Without OUT it takes FILE's place.

use super::open;
use crate::session::Failure;
use llano_trace::ctf;
use std::path::{Path, PathBuf};

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Repair {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The directory to write (default: in place)
    #[arg(value_name = "OUT")]
    out: Option<PathBuf>,
}

pub(super) fn run(options: &Repair) -> Result<(), Failure> {
    let out = match &options.out {
        Some(out) => out,
        None if options.file == Path::new("-") => {
            return Err(Failure {
                text: "standard input has no place: name a directory to write".into(),
                status: 2,
            });
        }
        // The stream of a directory stands for it.
        None => match options.file.parent() {
            Some(dir) if options.file.ends_with(ctf::STREAM) && dir != Path::new("") => dir,
            _ => options.file.as_path(),
        },
    };
    let trace = open(&options.file)?;
    ctf::repair(out, &trace).map_err(Failure::new)?;
    crate::report::say(&format!("{}: {} records", out.display(), trace.len()));
    Ok(())
}
