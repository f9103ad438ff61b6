//! Where debuggers knock: a TCP port or a Unix socket. One is served at a time; others are told so.

use crate::conn::{Conn, Stream};
use crate::filter::{Filter, Word};
use nix::sys::socket::{setsockopt, sockopt};
use std::fs::Permissions;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a debugger may leave a reply unread before it counts as gone.
const UNREAD: Duration = Duration::from_secs(30);
/// How long one that is refused may take to hear it.
const REFUSAL: Duration = Duration::from_secs(2);
/// A host that says nothing for this long, in seconds, is asked whether it is there, ...
const KEEPALIVE_IDLE: u32 = 30;
/// ... again after these, ...
const KEEPALIVE_INTERVAL: u32 = 10;
/// ... so many times.
const KEEPALIVE_COUNT: u32 = 4;

/// Where debuggers knock.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// What it listens at, for people.
    pub place: String,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The file of a Unix socket; it goes with this value.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another llano may have put its own there.
        if self.path.symlink_metadata().is_ok_and(|meta| meta.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Listener {
    /// Listens at `HOST:PORT` (port 0: any free one), or on a Unix socket: a path, something with a slash.
    ///
    /// # Errors
    /// The address is taken, or no address.
    pub fn bind(addr: &str) -> io::Result<(Listener, Option<SocketFile>)> {
        if addr.contains('/') {
            let (listener, file) = bind_unix(Path::new(addr))?;
            let listener = Listener { socket: Socket::Unix(listener), place: addr.into() };
            return Ok((listener, Some(file)));
        }
        // As gdbserver: no host is every host's way of saying this one.
        let addr = if addr.starts_with(':') { format!("localhost{addr}") } else { addr.to_string() };
        let listener = TcpListener::bind(addr)?;
        let place = format!("port {}", listener.local_addr()?.port());
        Ok((Listener { socket: Socket::Tcp(listener), place }, None))
    }

    /// Lets a debugger in.
    pub fn accept(&self) -> io::Result<Conn> {
        Ok(Conn::new(match &self.socket {
            Socket::Tcp(l) => {
                let (stream, _) = l.accept()?;
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(UNREAD))?;
                setsockopt(&stream, sockopt::KeepAlive, &true)?;
                setsockopt(&stream, sockopt::TcpKeepIdle, &KEEPALIVE_IDLE)?;
                setsockopt(&stream, sockopt::TcpKeepInterval, &KEEPALIVE_INTERVAL)?;
                setsockopt(&stream, sockopt::TcpKeepCount, &KEEPALIVE_COUNT)?;
                Stream::Tcp(stream)
            }
            Socket::Unix(l) => {
                let (stream, _) = l.accept()?;
                stream.set_write_timeout(Some(UNREAD))?;
                Stream::Unix(stream)
            }
        }))
    }

    /// Tells a debugger that another one is attached. It hears it as the answer to its first packet; a thread of its own
    /// waits for that, because the first debugger shall not.
    pub fn refuse(&self) {
        let stream = match &self.socket {
            Socket::Tcp(l) => l.accept().map(|(s, _)| Stream::Tcp(s)),
            Socket::Unix(l) => l.accept().map(|(s, _)| Stream::Unix(s)),
        };
        let Ok(stream) = stream else { return };
        let _ = std::thread::Builder::new().name("refusal".into()).spawn(move || refuse(stream));
    }
}

fn refuse(stream: Stream) -> io::Result<()> {
    let patience = Some(REFUSAL);
    match &stream {
        Stream::Tcp(s) => s.set_read_timeout(patience).and(s.set_write_timeout(patience))?,
        Stream::Unix(s) => s.set_read_timeout(patience).and(s.set_write_timeout(patience))?,
    }
    let mut conn = Conn::new(stream);
    let mut filter = Filter::default();
    // The end of what it says is waited for: closed before, the connection would take our answer with it.
    let mut told = false;
    loop {
        let bytes = conn.read()?;
        if bytes.is_empty() {
            return Ok(());
        }
        if !told && bytes.into_iter().any(|b| matches!(filter.push(b), Some(Word::Packet(_)))) {
            told = true;
            conn.acknowledge(b'+')?;
            conn.packet(b"E.another debugger is attached to this llano; it has to leave first")?;
            conn.finish()?;
        }
    }
}

/// Binds beside the path and moves the socket there once its mode is right: nobody else can connect before. A socket that
/// nobody listens at is replaced.
fn bind_unix(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    if path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_socket()) {
        if UnixStream::connect(path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        std::fs::remove_file(path)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let listener = UnixListener::bind(&beside)?;
    let placed = std::fs::set_permissions(&beside, Permissions::from_mode(0o600))
        .and_then(|()| std::fs::hard_link(&beside, path))
        .and_then(|()| path.symlink_metadata());
    let _ = std::fs::remove_file(&beside);
    Ok((listener, SocketFile { path: path.into(), inode: placed?.ino() }))
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(l) => l.as_fd(),
            Socket::Unix(l) => l.as_fd(),
        }
    }
}
