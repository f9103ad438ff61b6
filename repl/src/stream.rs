//! A recording that grows while the system runs: `--trace NAME.ctf`, or as text on standard error: `--trace -`.
//!
//! A thread asks the vCPU every few milliseconds for the records that are new, by a closure as the monitor's, and writes
//! them. So recording costs the guest a copy now and then and never a wait; what the ring overwrote in between is
//! counted as lost. A file grows by whole packets: a llano that is killed leaves a recording that can be read.

use crate::traces::Clock;
use llano_kernel::Kernel;
use llano_kernel::inspect::Requests;
use llano_trace::ctf::{self, Writer};
use llano_trace::record::Record;
use llano_trace::snapshot::Snapshot;
use llano_trace::text::{Options, Printer};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::Duration;
use tracing::trace_span;

/// The path that means text on standard error.
pub const TEXT: &str = "-";
/// Records fetched at a time: 2 MiB, some hundred microseconds of the vCPU's time.
const CHUNK: usize = 1 << 15;
/// Time between two fetches when records come fast, and the longest when they hardly come.
const BUSY: Duration = Duration::from_millis(5);
const IDLE: Duration = Duration::from_millis(40);
/// How long the vCPU may take to answer: it may be held by a debugger, or deep in a long call.
const PATIENCE: Duration = Duration::from_secs(1);
/// The thread keeps a few packets on its stack at most.
const STACK: usize = 256 << 10;

/// The thread that writes, and the way to end it: by the moment it ends with.
pub struct Stream {
    end: Sender<Snapshot>,
    thread: JoinHandle<io::Result<()>>,
}

/// Where records go.
enum Target {
    /// The directory, and its stream.
    Disk(PathBuf, Writer<File>),
    Text(Box<Printer>),
}

impl Target {
    fn records(&mut self, records: &[(u64, Record)]) -> io::Result<()> {
        match self {
            Target::Disk(_, writer) => {
                for (seq, record) in records {
                    writer.record(*seq, record)?;
                }
                Ok(())
            }
            Target::Text(printer) => {
                let mut out = io::BufWriter::with_capacity(1 << 16, io::stderr());
                for (seq, record) in records {
                    printer.record(&mut out, *seq, *record)?;
                }
                out.flush()
            }
        }
    }

    fn finish(self, next: u64, now: &Snapshot) -> io::Result<()> {
        match self {
            Target::Disk(path, writer) => ctf::conclude(&path, writer, next, now),
            Target::Text(mut printer) => printer.in_progress(&mut io::stderr(), &now.tasks),
        }
    }
}

/// Begins a recording in the directory `path`, in place of one that is there; or as text, if it is `-`.
///
/// # Errors
/// One line that says which file and why.
pub fn start(path: &Path, clock: &Clock, requests: &Arc<Requests<Kernel>>) -> Result<Stream, String> {
    let clock = clock.calibration();
    let disk = match path == Path::new(TEXT) {
        true => None,
        false => Some((path.to_path_buf(), ctf::create(path, &clock)?)),
    };
    let (end, ended) = channel();
    let requests = Arc::clone(requests);
    let run = move || {
        let target = match disk {
            Some((path, writer)) => Target::Disk(path, writer),
            None => Target::Text(Box::new(Printer::new(&[], clock, Options::default()))),
        };
        write(target, &requests, &ended)
    };
    let thread = Builder::new().name("trace-writer".into()).stack_size(STACK).spawn(run);
    let thread = thread.map_err(|e| format!("cannot start a thread: {e}"))?;
    Ok(Stream { end, thread })
}

/// Writes what comes until the end.
fn write(mut target: Target, requests: &Requests<Kernel>, end: &Receiver<Snapshot>) -> io::Result<()> {
    let (mut next, mut pause) = (0, BUSY);
    let mut chunk: Vec<(u64, Record)> = Vec::new();
    loop {
        let last = match end.recv_timeout(pause) {
            Ok(now) => Some(now),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        loop {
            // Filled on the vCPU, allocated here.
            chunk.clear();
            chunk.reserve(CHUNK);
            let work = trace_span!(target: "stream", "fetch").entered();
            let fetch = move |k: &mut Kernel| {
                chunk.extend(k.trace.since(next).take(CHUNK));
                chunk
            };
            // No answer: the same records are asked for again.
            chunk = requests.ask(PATIENCE, fetch).unwrap_or_default();
            drop(work);
            let _work = (!chunk.is_empty())
                .then(|| trace_span!(target: "stream", "write", records = chunk.len()).entered());
            target.records(&chunk)?;
            next = chunk.last().map_or(next, |(seq, _)| seq + 1);
            pause = if chunk.len() < CHUNK / 32 { (pause * 2).min(IDLE) } else { BUSY };
            if chunk.len() < CHUNK {
                break;
            }
        }
        if let Some(now) = last {
            return target.finish(next, &now);
        }
    }
}

impl Stream {
    /// Waits until the rest is written: what is still in the ring, and the moment itself.
    ///
    /// # Errors
    /// As writing failed, whenever that was.
    pub fn finish(self, k: &mut Kernel, clock: &Clock) -> io::Result<()> {
        // A thread that has already failed does not listen.
        let _ = self.end.send(crate::traces::snapshot(k, clock));
        // Its questions are the last: nobody else answers them.
        while !self.thread.is_finished() {
            for request in k.requests.clone().take() {
                request(k);
            }
            sleep(Duration::from_micros(100));
        }
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("its thread has failed")))
    }
}
