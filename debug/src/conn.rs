//! The bytes to and from a debugger.

use crate::filter::sum;
use gdbstub::conn::Connection;
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

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

impl Read for &Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(s) => (&mut &*s).read(buf),
            Stream::Unix(s) => (&mut &*s).read(buf),
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(s) => (&mut &*s).write(bytes),
            Stream::Unix(s) => (&mut &*s).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As much of a reply as the log shows.
const SHOWN: usize = 80;

#[derive(Debug, Default)]
struct Out {
    /// The packet under way.
    packet: Vec<u8>,
    /// The last that was sent, for a debugger that asks for it again.
    last: Vec<u8>,
    /// Features that are told beside those of `gdbstub`, if the next reply is that to `qSupported`.
    features: Option<String>,
    /// What `gdbstub` says is for nobody.
    muted: bool,
}

/// A connection whose outgoing packets are mended where `gdbstub` cannot say what is meant. Clones are the same connection.
#[derive(Debug, Clone)]
pub struct Conn {
    stream: Rc<Stream>,
    out: Rc<RefCell<Out>>,
}

impl Conn {
    /// Wraps a connected stream.
    pub fn new(stream: Stream) -> Conn {
        Conn { stream: Rc::new(stream), out: Rc::default() }
    }

    /// Reads what has come; empty: the debugger went away.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut buf = [0; 4096];
        let n = loop {
            match (&*self.stream).read(&mut buf) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        Ok(buf[..n].to_vec())
    }

    /// Sends a packet with this body, which contains nothing that must be escaped.
    pub fn packet(&mut self, body: &[u8]) -> io::Result<()> {
        {
            let out = &mut *self.out.borrow_mut();
            out.packet.clear();
            out.packet.push(b'$');
            out.packet.extend_from_slice(body);
            out.close();
        }
        self.flush()
    }

    /// Sends text for the console of a debugger that waits for a stop.
    pub fn console(&mut self, text: &str) -> io::Result<()> {
        self.packet(&[b"O".as_slice(), &crate::filter::hex(text.as_bytes())].concat())
    }

    /// Says that a packet arrived (`+`) or not (`-`).
    pub fn acknowledge(&mut self, sign: u8) -> io::Result<()> {
        (&*self.stream).write_all(&[sign])
    }

    /// Sends the last packet again.
    pub fn again(&mut self) -> io::Result<()> {
        (&*self.stream).write_all(&self.out.borrow().last)
    }

    /// Ends what is sent; what comes can still be read.
    pub fn finish(&self) -> io::Result<()> {
        match &*self.stream {
            Stream::Tcp(s) => s.shutdown(Shutdown::Write),
            Stream::Unix(s) => s.shutdown(Shutdown::Write),
        }
    }

    /// Whether what follows is for nobody; what was begun is dropped.
    pub fn mute(&mut self, muted: bool) {
        let mut out = self.out.borrow_mut();
        out.packet.clear();
        out.features = None;
        out.muted = muted;
    }

    /// The next packet is the reply to `qSupported`, and tells of these features too.
    pub fn announce(&mut self, features: String) {
        self.out.borrow_mut().features = Some(features);
    }
}

impl Out {
    /// Ends the packet with its checksum.
    fn close(&mut self) {
        let sum = sum(self.packet.get(1..).unwrap_or_default());
        self.packet.extend_from_slice(format!("#{sum:02x}").as_bytes());
    }

    /// Changes the body of a packet that is complete.
    fn mend(&mut self, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(hash) = self.packet.iter().rposition(|b| *b == b'#') {
            self.packet.truncate(hash);
            change(&mut self.packet);
            self.close();
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
        self.out.borrow_mut().packet.push(byte);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let out = &mut *self.out.borrow_mut();
        if out.muted {
            out.packet.clear();
            return Ok(());
        }
        if let Some(features) = out.features.take() {
            out.mend(|packet| packet.extend_from_slice(features.as_bytes()));
        }
        // A new list of libraries is no trap: T00 is silent in lldb too.
        if out.packet.starts_with(b"$T05thread:") && out.packet.windows(9).any(|w| w == b";library:") {
            out.mend(|packet| packet[2..4].copy_from_slice(b"00"));
        }
        std::mem::swap(&mut out.packet, &mut out.last);
        out.packet.clear();
        tracing::trace!(
            target: "gdb", "{} bytes to the debugger: {}", out.last.len(), out.last[..out.last.len().min(SHOWN)].escape_ascii()
        );
        (&*self.stream).write_all(&out.last)
    }
}
