//! A recording that grows while the system runs: `--trace NAME.ctf`.
//!
//! A thread asks the vCPU every few milliseconds for the records that are new, by a closure as the monitor's, and writes
//! them. So recording costs the guest a copy now and then and never a wait; what the ring overwrote in between is
//! counted as lost. The stream grows by whole packets: a llano that is killed leaves a recording that can be read.

use crate::traces::Clock;
use llano_kernel::Kernel;
use llano_kernel::inspect::Requests;
use llano_trace::ctf::{self, Writer};
use llano_trace::record::Record;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::Duration;

/// Records fetched at a time: 2 MiB, some hundred microseconds of the vCPU's time.
const CHUNK: usize = 1 << 15;
/// Time between two fetches when records come fast, and the longest when they hardly come.
const BUSY: Duration = Duration::from_millis(5);
const IDLE: Duration = Duration::from_millis(40);
/// How long the vCPU may take to answer: it may be held by a debugger, or deep in a long call.
const PATIENCE: Duration = Duration::from_secs(1);
/// The thread keeps a few packets on its stack at most.
const STACK: usize = 256 << 10;

/// The thread that writes, and the way to stop it.
pub struct Stream {
    path: PathBuf,
    stop: Sender<()>,
    thread: JoinHandle<io::Result<Written>>,
}

/// How far the thread has come.
struct Written {
    writer: Writer<File>,
    /// Sequence number of the first record that is not written.
    next: u64,
}

/// Begins a recording in the directory `path`, in place of one that is there.
///
/// # Errors
/// One line that says which file and why.
pub fn start(path: &Path, clock: &Clock, requests: &Arc<Requests<Kernel>>) -> Result<Stream, String> {
    let writer = ctf::create(path, &clock.calibration())?;
    let (stop, stopped) = channel();
    let requests = Arc::clone(requests);
    let written = Written { writer, next: 0 };
    let run = move || write(written, &requests, &stopped);
    let thread = Builder::new().name("trace-writer".into()).stack_size(STACK).spawn(run);
    let thread = thread.map_err(|e| format!("cannot start a thread: {e}"))?;
    Ok(Stream { path: path.into(), stop, thread })
}

/// Writes what comes until told to stop.
fn write(mut written: Written, requests: &Requests<Kernel>, stop: &Receiver<()>) -> io::Result<Written> {
    let mut pause = BUSY;
    let mut buffer = Vec::new();
    loop {
        match stop.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return Ok(written),
        }
        loop {
            let from = written.next;
            // Filled on the vCPU, allocated here.
            let mut chunk: Vec<(u64, Record)> = core::mem::take(&mut buffer);
            chunk.clear();
            chunk.reserve(CHUNK);
            let fetch = move |k: &mut Kernel| {
                chunk.extend(k.trace.since(from).take(CHUNK));
                chunk
            };
            // No answer: the same records are asked for again.
            let Some(chunk) = requests.ask(PATIENCE, fetch) else { break };
            for (seq, record) in &chunk {
                written.writer.record(*seq, record)?;
                written.next = seq + 1;
            }
            pause = if chunk.len() < CHUNK / 32 { (pause * 2).min(IDLE) } else { BUSY };
            buffer = chunk;
            if buffer.len() < CHUNK {
                break;
            }
        }
    }
}

impl Stream {
    /// Writes the rest: what is still in the ring, and the moment itself.
    ///
    /// # Errors
    /// One line that says which file and why, whenever it happened.
    pub fn finish(self, k: &mut Kernel, clock: &Clock) -> Result<(), String> {
        // A thread that has already failed does not listen.
        let _ = self.stop.send(());
        // It may wait for an answer that only this thread can give.
        while !self.thread.is_finished() {
            for request in k.requests.clone().take() {
                request(k);
            }
            sleep(Duration::from_micros(100));
        }
        let written = self.thread.join().unwrap_or_else(|_| Err(io::Error::other("its thread has failed")));
        let now = crate::traces::snapshot(k, clock);
        let rest = |Written { mut writer, next }: Written| {
            for (seq, record) in k.trace.since(next) {
                writer.record(seq, &record)?;
            }
            ctf::conclude(&self.path, writer, k.trace.next_seq(), &now)
        };
        written.and_then(rest).map_err(|e| llano_trace::file::failure(&self.path, &e))
    }
}
