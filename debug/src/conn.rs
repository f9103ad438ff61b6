//! The bytes to and from a debugger.

use gdbstub::conn::Connection;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

/// What gdb connected by.
#[derive(Debug)]
pub enum Stream {
    /// `target remote HOST:PORT`
    Tcp(TcpStream),
    /// `target remote PATH`
    Unix(UnixStream),
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Tcp(s) => s.as_fd(),
            Stream::Unix(s) => s.as_fd(),
        }
    }
}

/// Features that the filter answers, told to gdb beside those of `gdbstub`.
const MORE_FEATURES: &[u8] = b";qXfer:threads:read+";

/// As much of a reply as the log shows.
const SHOWN: usize = 80;

/// A connection whose outgoing packets are mended where `gdbstub` cannot say what is meant.
#[derive(Debug)]
pub struct Conn {
    stream: Stream,
    out: Vec<u8>,
    /// The next reply is that to `qSupported`.
    pub supported_follows: bool,
    /// Packets are not acknowledged any more.
    pub no_ack: bool,
}

impl Conn {
    /// Wraps a connected stream.
    pub fn new(stream: Stream) -> Conn {
        Conn { stream, out: Vec::new(), supported_follows: false, no_ack: false }
    }

    /// Reads what has come; empty: the debugger went away.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut buf = [0; 4096];
        let n = match &mut self.stream {
            Stream::Tcp(s) => s.read(&mut buf)?,
            Stream::Unix(s) => s.read(&mut buf)?,
        };
        Ok(buf[..n].to_vec())
    }

    /// Sends a packet with this body, which contains nothing that must be escaped.
    pub fn packet(&mut self, body: &[u8]) -> io::Result<()> {
        if !self.no_ack {
            self.out.push(b'+');
        }
        self.out.push(b'$');
        self.out.extend_from_slice(body);
        self.close_packet();
        self.flush()
    }

    /// Sends text for the console of a debugger that waits for a stop.
    pub fn console(&mut self, text: &str) -> io::Result<()> {
        self.out.extend_from_slice(b"$O");
        self.out.extend(text.bytes().flat_map(|b| format!("{b:02x}").into_bytes()));
        self.close_packet();
        self.flush()
    }

    /// Ends the packet in `out` with its checksum.
    fn close_packet(&mut self) {
        let start = self.out.iter().position(|b| *b == b'$').map_or(0, |p| p + 1);
        let sum = self.out[start..].iter().fold(0u8, |a, b| a.wrapping_add(*b));
        self.out.extend_from_slice(format!("#{sum:02x}").as_bytes());
    }

    /// Replaces the body of the packet in `out`.
    fn mend(&mut self, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(hash) = self.out.iter().rposition(|b| *b == b'#') {
            self.out.truncate(hash);
            change(&mut self.out);
            self.close_packet();
        }
    }
}

impl AsFd for Conn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Connection for Conn {
    type Error = io::Error;

    fn write(&mut self, byte: u8) -> io::Result<()> {
        self.out.push(byte);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.supported_follows) {
            self.mend(|out| out.extend_from_slice(MORE_FEATURES));
        }
        // A new list of libraries is no trap: T00 is silent in lldb too.
        if self.out.starts_with(b"$T05thread:") && self.out.windows(9).any(|w| w == b";library:") {
            self.mend(|out| out[2..4].copy_from_slice(b"00"));
        }
        let bytes = std::mem::take(&mut self.out);
        tracing::trace!(target: "gdb", "{} bytes to the debugger: {}", bytes.len(), bytes[..bytes.len().min(SHOWN)].escape_ascii());
        match &mut self.stream {
            Stream::Tcp(s) => Write::write_all(s, &bytes),
            Stream::Unix(s) => Write::write_all(s, &bytes),
        }
    }
}
