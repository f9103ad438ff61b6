//! The trace on disk: a directory that is a trace of the Common Trace Format 1.8, which babeltrace2 and others read.
//!
//! - `stream`: packets of 64 KiB, each a head of two lines ([`packet`]) and up to 1022 records as they are
//! - `metadata`: text that describes them ([`metadata`])
//!
//! llano's own reader needs the stream alone: what it must know beside the records - the clock, the number of the
//! first one - stands in every packet's head where the metadata leaves a gap, and the tasks and calls of the moment
//! of saving are the last records ([`now`]).
//!
//! - [`writer`]: records into packets
//! - [`reader`]: packets into records, whatever became of them

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::string::String;

use crate::file;
use crate::record::Record;
use crate::snapshot::{Calibration, Snapshot};

pub mod metadata;
pub mod now;
pub mod packet;
pub mod reader;
pub mod writer;

pub use reader::Trace;
pub use writer::Writer;

/// Name of the file with the packets.
pub const STREAM: &str = "stream";
/// Name of the file that describes them.
pub const METADATA: &str = "metadata";
/// All there is in the directory.
pub const FILES: [&str; 2] = [STREAM, METADATA];

/// Writes `records`, oldest first with their sequence numbers, and what `now` shows, as the directory `path`, which
/// appears complete or not at all.
///
/// # Errors
/// One line that says which file and why.
pub fn write(
    path: &Path,
    records: impl Iterator<Item = (u64, Record)>,
    now: &Snapshot,
) -> Result<(), String> {
    not_growing(path)?;
    file::write_dir(path, &FILES, |dir| {
        let mut writer = begin(dir, &now.clock)?;
        let mut next = 0;
        for (seq, record) in records {
            writer.record(seq, &record)?;
            next = seq + 1;
        }
        conclude(dir, writer, next, now)
    })
}

/// Writes the records of `trace` anew: whole packets, nothing but records that make sense.
///
/// # Errors
/// One line that says which file and why.
pub fn repair(path: &Path, trace: &Trace) -> Result<(), String> {
    not_growing(path)?;
    file::write_dir(path, &FILES, |dir| {
        let mut writer = begin(dir, &trace.now().clock)?;
        for (seq, record) in trace.records() {
            writer.record(seq, &record)?;
        }
        writer.finish()
    })
}

/// Begins a trace that grows where it stands, in place of one that is there.
///
/// # Errors
/// One line that says which file and why.
pub fn create(path: &Path, clock: &Calibration) -> Result<Writer<File>, String> {
    not_growing(path)?;
    // Complete, though empty, before anything is in it.
    file::write_dir(path, &FILES, |dir| begin(dir, clock).map(drop))?;
    let stream = File::options().write(true).open(path.join(STREAM));
    let stream = stream.map_err(|e| file::failure(path, &e))?;
    // Where a filesystem has no locks nobody is kept from replacing it.
    let _ = stream.try_lock();
    Ok(Writer::new(stream, *clock))
}

/// Whether `path` can be written: nothing but a trace stands there, and nobody writes that.
///
/// # Errors
/// One line that says which file and why.
pub fn check(path: &Path) -> Result<(), String> {
    not_growing(path)?;
    file::check_dir(path, &FILES)
}

/// Refuses to replace a trace that grows: whoever writes it would not notice.
fn not_growing(path: &Path) -> Result<(), String> {
    let stream = File::open(path.join(STREAM));
    match stream.map(|stream| stream.try_lock()) {
        Ok(Err(TryLockError::WouldBlock)) => {
            let busy = io::Error::new(io::ErrorKind::ResourceBusy, "it is being recorded; take another name");
            Err(file::failure(path, &busy))
        }
        _ => Ok(()),
    }
}

/// Ends a trace with what `now` shows, in records from sequence number `next` on.
///
/// # Errors
/// As writing fails.
pub fn conclude(dir: &Path, mut writer: Writer<File>, next: u64, now: &Snapshot) -> io::Result<()> {
    writer.set_clock(now.clock);
    for (seq, record) in (next..).zip(now::records(now)) {
        writer.record(seq, &record)?;
    }
    writer.finish()?;
    fs::write(dir.join(METADATA), metadata::text(&now.clock))
}

fn begin(dir: &Path, clock: &Calibration) -> io::Result<Writer<File>> {
    fs::write(dir.join(METADATA), metadata::text(clock))?;
    File::create_new(dir.join(STREAM)).map(|stream| Writer::new(stream, *clock))
}

/// Whether `path` can be taken for a trace of this format: a directory, or the stream of one.
///
/// # Errors
/// As reading the file's head fails.
pub fn is_stream(path: &Path) -> io::Result<bool> {
    if fs::metadata(path)?.is_dir() {
        return Ok(true);
    }
    let mut head = [0; 4];
    match io::Read::read_exact(&mut File::open(path)?, &mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
        Ok(()) => Ok(u32::from_le_bytes(head) == packet::MAGIC),
    }
}
