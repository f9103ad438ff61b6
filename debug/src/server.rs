//! The listening thread, and the kernel's side of it.

use crate::conn::{Conn, Stream};
use crate::gdb::Target;
use crate::session::{self, End};
use llano_kernel::Kernel;
use llano_kernel::inspect::{DebugStop, Requests};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How long the end of the system waits for a debugger to be told.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What the vCPU tells the debug thread.
pub enum Event {
    /// The system stands still.
    Stopped(DebugStop),
    /// The system is over.
    Exited {
        /// wait(2) status.
        status: i32,
        /// To be told when the debugger was.
        told: Sender<()>,
    },
}

/// Where the debug thread gets its events: a queue, and a byte on a socket for each, so that one poll(2) waits for all.
pub struct Inbox {
    events: Receiver<Event>,
    bell: UnixStream,
}

impl Inbox {
    /// Waits for the next event; `None`: there will be none.
    pub fn receive(&self) -> Option<Event> {
        let event = self.events.recv().ok()?;
        let _ = (&self.bell).read(&mut [0]);
        Some(event)
    }

    /// An event that is there already.
    pub fn take(&self) -> Option<Event> {
        let event = self.events.try_recv().ok()?;
        let _ = (&self.bell).read(&mut [0]);
        Some(event)
    }

    /// Waits until `other` is readable (`false`) or there is an event (`true`).
    pub fn wait_or_readable(&self, other: &impl AsFd) -> io::Result<bool> {
        let mut fds = [
            PollFd::new(self.bell.as_fd(), PollFlags::POLLIN),
            PollFd::new(other.as_fd(), PollFlags::POLLIN),
        ];
        loop {
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) => break,
                Err(nix::errno::Errno::EINTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        let ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|r| !r.is_empty());
        Ok(!ready(&fds[1]) && ready(&fds[0]))
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// `HOST:PORT`, or the path of a Unix socket: something with a slash.
    fn bind(addr: &str) -> io::Result<Listener> {
        if addr.contains('/') {
            return UnixListener::bind(addr).map(Listener::Unix);
        }
        // As gdbserver: no host is every host's way of saying this one.
        let addr = if addr.starts_with(':') { format!("localhost{addr}") } else { addr.to_string() };
        TcpListener::bind(addr).map(Listener::Tcp)
    }

    fn accept(&self) -> io::Result<Stream> {
        match self {
            Listener::Tcp(l) => {
                let (stream, _) = l.accept()?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Listener::Unix(l) => l.accept().map(|(s, _)| Stream::Unix(s)),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Listener::Tcp(l) => l.as_fd(),
            Listener::Unix(l) => l.as_fd(),
        }
    }
}

/// The kernel's side: tells the debug thread what happens.
pub struct Server {
    events: Sender<Event>,
    bell: UnixStream,
    socket: Option<String>,
}

impl Server {
    /// Listens at `HOST:PORT` (port 0: any free one) or on a Unix socket's path, says so on standard error, and serves one
    /// debugger after another on a thread.
    ///
    /// # Errors
    /// The address is taken or no address.
    pub fn start(addr: &str, requests: Arc<Requests<Kernel>>) -> io::Result<Server> {
        let listener = Listener::bind(addr)?;
        let (bell, heard) = UnixStream::pair()?;
        let (events, receiver) = channel();
        let socket = match &listener {
            Listener::Tcp(l) => {
                eprintln!("Listening on port {}", l.local_addr()?.port());
                None
            }
            Listener::Unix(_) => {
                eprintln!("Listening on {addr}");
                Some(addr.to_string())
            }
        };
        let inbox = Inbox { events: receiver, bell: heard };
        std::thread::Builder::new()
            .name("debug".into())
            .spawn(move || listen(&listener, &inbox, &requests))?;
        Ok(Server { events, bell, socket })
    }

    fn tell(&self, event: Event) {
        if self.events.send(event).is_ok() {
            let _ = (&self.bell).write_all(&[1]);
        }
    }

    /// The system stopped: tells the debugger, and returns when it says how to run on.
    pub fn stopped(&self, k: &mut Kernel, stop: DebugStop) {
        k.debug.held = true;
        self.tell(Event::Stopped(stop));
        k.stand_still();
    }

    /// Lets the system stand still until a debugger came and said how to run on.
    pub fn wait(&self, k: &mut Kernel) {
        k.debug.held = true;
        k.stand_still();
    }

    /// The system is over, with this wait(2) status; returns when the debugger knows.
    pub fn ended(&self, k: &Kernel, status: i32) {
        if k.debug.attached {
            let (told, wait) = channel();
            self.tell(Event::Exited { status, told });
            let _ = wait.recv_timeout(LAST_WORDS);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(path) = &self.socket {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The debug thread: one debugger after another.
fn listen(listener: &Listener, inbox: &Inbox, requests: &Arc<Requests<Kernel>>) {
    loop {
        // Events of a debugger that left are nobody's.
        match inbox.wait_or_readable(listener) {
            Ok(true) => match inbox.take() {
                Some(Event::Exited { .. }) | None => return,
                Some(Event::Stopped(_)) => {}
            },
            Ok(false) => {
                let Ok(stream) = listener.accept() else { continue };
                match session::serve(Conn::new(stream), Target::new(requests.clone()), inbox) {
                    End::Left => {}
                    End::Over => return,
                }
            }
            Err(_) => return,
        }
    }
}
