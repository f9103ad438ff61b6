//! A recording that grows while the system runs: `--trace NAME.ctf`, or as text on standard error: `--trace -`.
//!
//! A thread reads the ring beside the vCPU, which notices nothing of it, and writes what is new. What the ring overwrote
//! before it was read is counted as lost; with `--trace-lossless` the vCPU waits instead. A file grows by whole packets:
//! a llano that is killed leaves a recording that can be read.

use crate::traces::Clock;
use llano_kernel::Kernel;
use llano_machine::bell;
use llano_trace::ctf::{self, Writer};
use llano_trace::record::Record;
use llano_trace::ring::Reader;
use llano_trace::snapshot::Snapshot;
use llano_trace::text::{Options, Printer};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use tracing::trace_span;

/// The path that means text on standard error.
pub const TEXT: &str = "-";
/// Records read at a time: few enough to stay in the cache until they are written.
const CHUNK: usize = 4096;
/// Time between two looks when records come fast, and the longest when they hardly come.
const BUSY: Duration = Duration::from_micros(500);
const IDLE: Duration = Duration::from_millis(40);
/// How long somebody who was told to end waits for the reader of its text.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// The thread keeps a few packets on its stack at most.
const STACK: usize = 256 << 10;

/// The thread that writes, and the way to end it: by the moment it ends with.
pub struct Stream {
    text: bool,
    end: Sender<Snapshot>,
    thread: JoinHandle<io::Result<()>>,
}

/// Where records go.
enum Target {
    /// The directory, and its stream.
    Disk(PathBuf, Writer<File>),
    Text(Box<Printer>),
}

/// Standard error that may have been made non-blocking by whoever shares it.
struct Patient(io::Stderr);

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    let _ = poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLOUT)], PollTimeout::NONE);
                }
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Target {
    /// `first` is the sequence number of the first of `records`.
    fn records(&mut self, first: u64, records: &[Record]) -> io::Result<()> {
        match self {
            Target::Disk(_, writer) => {
                for (seq, record) in (first..).zip(records) {
                    writer.record(seq, record)?;
                }
                Ok(())
            }
            Target::Text(printer) => {
                let mut out = io::BufWriter::with_capacity(1 << 16, Patient(io::stderr()));
                for (seq, record) in (first..).zip(records) {
                    printer.record(&mut out, seq, *record)?;
                }
                out.flush()
            }
        }
    }

    fn finish(self, next: u64, now: &Snapshot) -> io::Result<()> {
        match self {
            Target::Disk(path, writer) => ctf::conclude(&path, writer, next, now),
            Target::Text(mut printer) => printer.in_progress(&mut Patient(io::stderr()), &now.tasks),
        }
    }
}

/// Begins a recording of what `reader` reads in the directory `path`, in place of one that is there; or as text, if it
/// is `-`.
///
/// # Errors
/// One line that says which file and why.
pub fn start(path: &Path, clock: &Clock, reader: Reader) -> Result<Stream, String> {
    let clock = clock.calibration();
    let disk = match path == Path::new(TEXT) {
        true => None,
        false => Some((path.to_path_buf(), ctf::create(path, &clock)?)),
    };
    let (text, (end, ended)) = (disk.is_none(), channel());
    let run = move || {
        let target = match disk {
            Some((path, writer)) => Target::Disk(path, writer),
            None => Target::Text(Box::new(Printer::new(&[], clock, Options::default()))),
        };
        write(target, reader, &ended)
    };
    let thread = Builder::new().name("trace-writer".into()).stack_size(STACK).spawn(run);
    let thread = thread.map_err(|e| format!("cannot start a thread: {e}"))?;
    Ok(Stream { text, end, thread })
}

/// Writes what comes until the end.
fn write(mut target: Target, mut reader: Reader, end: &Receiver<Snapshot>) -> io::Result<()> {
    let mut pause = BUSY;
    let mut records: Vec<Record> = Vec::with_capacity(CHUNK);
    loop {
        let last = match end.recv_timeout(pause) {
            Ok(now) => Some(now),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        let mut some = false;
        loop {
            let first = reader.read(&mut records, CHUNK);
            let work = (!records.is_empty())
                .then(|| trace_span!(target: "stream", "write", records = records.len()).entered());
            target.records(first, &records)?;
            drop(work);
            some |= records.len() > CHUNK / 32;
            if records.len() < CHUNK {
                break;
            }
        }
        pause = if some { BUSY } else { (pause * 2).min(IDLE) };
        if let Some(now) = last {
            return target.finish(reader.next(), &now);
        }
    }
}

impl Stream {
    /// Whether it goes to standard error, which whoever reads it may have left full.
    pub fn is_text(&self) -> bool {
        self.text
    }

    /// Waits until the rest is written: what is still in the ring, and the moment itself.
    ///
    /// # Errors
    /// As writing failed, whenever that was.
    pub fn finish(self, k: &Kernel, clock: &Clock) -> io::Result<()> {
        // A thread that has already failed does not listen.
        let _ = self.end.send(crate::traces::snapshot(k, clock));
        let patience = Instant::now() + LAST_WORDS;
        while self.text && bell::asked_to_end() && !self.thread.is_finished() {
            if Instant::now() > patience {
                return Ok(()); // to say that the rest is lost would wait for the same reader
            }
            std::thread::sleep(BUSY);
        }
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("its thread has failed")))
    }
}
