//! The monitor's socket: a thread that accepts, and a small one for each client.
//!
//! No client can hold up the kernel: the vCPU only runs a command and hands its answer over; reading requests and
//! writing answers, however slowly someone takes them, happens here. A kernel that does not look up within a second
//! is reported as busy, and the command is withdrawn.

use super::Form;
use crate::traces::Clock;
use llano_kernel::Kernel;
use llano_machine::requests::Requests;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tracing::debug_span;

/// The longest request, bytes.
const MAX_LINE: u64 = 64 << 10;
/// Clients at one time.
const MAX_CLIENTS: usize = 32;
/// How long a client may take to accept an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the kernel may take to look up.
const BUSY: Duration = Duration::from_secs(1);
/// A client's thread moves lines, and writes the trace if it is asked to: a few packets on its stack.
const STACK: usize = 512 << 10;

/// A running server; its socket goes when it is dropped.
pub struct Server {
    path: PathBuf,
    inode: u64,
    shared: Arc<Shared>,
}

struct Shared {
    requests: Arc<Requests<Kernel>>,
    clock: Clock,
    clients: AtomicUsize,
    /// Answers that are on their way: the end of llano waits for them, shortly.
    answering: AtomicUsize,
}

/// Listens on a Unix socket at `path`, which only its owner may use. A socket that nobody listens on is replaced.
///
/// # Errors
/// One line that names the path and says why.
pub fn start(path: &Path, requests: &Arc<Requests<Kernel>>, clock: Clock) -> Result<Server, String> {
    let fail = |e: &dyn std::fmt::Display| format!("--monitor-socket {}: {e}", path.display());
    if let Ok(meta) = path.symlink_metadata() {
        if !meta.file_type().is_socket() {
            return Err(fail(&"the file exists and is no socket"));
        }
        if UnixStream::connect(path).is_ok() {
            return Err(fail(&"another llano listens there"));
        }
        std::fs::remove_file(path).map_err(|e| fail(&reason(&e)))?;
    }
    let (listener, inode) = bind(path).map_err(|e| fail(&reason(&e)))?;
    let shared = Arc::new(Shared {
        requests: requests.clone(),
        clock,
        clients: AtomicUsize::new(0),
        answering: AtomicUsize::new(0),
    });
    let server = Server { path: path.into(), inode, shared: shared.clone() };
    let accept = move || {
        for client in listener.incoming() {
            match client {
                Ok(client) => welcome(&shared, client),
                // Out of descriptors: those who are served will give theirs back.
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    };
    let started = thread::Builder::new().name("monitor".into()).stack_size(STACK).spawn(accept);
    started.map_err(|e| fail(&reason(&e)))?;
    Ok(server)
}

/// Binds beside the path and moves the socket there once its mode is right: nobody else can connect before.
fn bind(path: &Path) -> std::io::Result<(UnixListener, u64)> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let listener = UnixListener::bind(&beside)?;
    let placed = std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600))
        .and_then(|()| std::fs::hard_link(&beside, path))
        .and_then(|()| path.symlink_metadata());
    let _ = std::fs::remove_file(&beside);
    placed.map(|meta| (listener, meta.ino()))
}

impl Drop for Server {
    fn drop(&mut self) {
        let until = Instant::now() + Duration::from_millis(200);
        while self.shared.answering.load(Ordering::Acquire) > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        if self.path.symlink_metadata().is_ok_and(|meta| meta.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn welcome(shared: &Arc<Shared>, mut client: UnixStream) {
    let _ = client.set_write_timeout(Some(PATIENCE));
    if shared.clients.fetch_add(1, Ordering::AcqRel) >= MAX_CLIENTS {
        shared.clients.fetch_sub(1, Ordering::AcqRel);
        let _ = answer(&mut client, Err(format!("{MAX_CLIENTS} clients are connected already")));
        return;
    }
    let mine = shared.clone();
    let serve = move || {
        serve(&mine, client);
        mine.clients.fetch_sub(1, Ordering::AcqRel);
    };
    let started = thread::Builder::new().name("monitor-client".into()).stack_size(STACK).spawn(serve);
    if started.is_err() {
        shared.clients.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Answers a client's requests until it leaves, or does what no client does.
fn serve(shared: &Shared, client: UnixStream) {
    let Ok(mut out) = client.try_clone() else { return };
    let mut input = BufReader::new(client);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut input).take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        if line.len() as u64 == MAX_LINE && line.last() != Some(&b'\n') {
            let _ = answer(&mut out, Err(format!("a request is a line of at most {} KiB", MAX_LINE >> 10)));
            return;
        }
        shared.answering.fetch_add(1, Ordering::AcqRel);
        let result = match std::str::from_utf8(&line) {
            Ok(text) => ask(&shared.requests, shared.clock, text.trim()),
            Err(_) => Err("a request is a line of UTF-8".into()),
        };
        let written = answer(&mut out, result);
        shared.answering.fetch_sub(1, Ordering::AcqRel);
        if written.is_err() {
            return;
        }
    }
}

/// Answers a request: `tasks`, `json tasks`. Mostly the vCPU does.
///
/// # Errors
/// One line: what is wrong with it, or that the kernel does not answer.
pub fn ask(requests: &Requests<Kernel>, clock: Clock, request: &str) -> Result<String, String> {
    let (form, line) = match request.strip_prefix("json ") {
        Some(line) => (Form::Json, line.to_owned()),
        None => (Form::Text, request.to_owned()),
    };
    let _work = debug_span!(target: "monitor", "request", line).entered();
    if let Some(result) = super::ring::answer(requests, clock, &line, form) {
        return result;
    }
    // Writing much takes as long as it takes.
    let patience = if line.trim_start().starts_with("dump ") { super::DUMP } else { BUSY };
    let withdrawn = Arc::new(AtomicBool::new(false));
    let seen = withdrawn.clone();
    let run = move |k: &mut Kernel| {
        if seen.load(Ordering::Acquire) {
            return Err(String::new());
        }
        super::note(k, &line);
        super::run(k, &line, form)
    };
    requests.ask(patience, run).unwrap_or_else(|| {
        withdrawn.store(true, Ordering::Release);
        Err("[kernel busy] no answer within a second; the command was withdrawn".into())
    })
}

fn answer(out: &mut UnixStream, result: Result<String, String>) -> std::io::Result<()> {
    let (word, body) = match result {
        Ok(text) => ("ok", text),
        Err(text) => ("error", text + "\n"),
    };
    out.write_all(format!("{word} {}\n{body}", body.len()).as_bytes())
}

/// The host's words without Rust's "(os error 2)".
pub(crate) fn reason(e: &std::io::Error) -> String {
    e.to_string().split(" (os error").next().unwrap_or_default().to_string()
}
