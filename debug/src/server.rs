//! The listening thread, and the kernel's side of it.

use crate::gdb::{Monitor, Target};
use crate::listener::{Listener, SocketFile};
use crate::session::{self, End, OnDetach};
use llano_kernel::Kernel;
use llano_kernel::inspect::own::park::{self, Why};
use llano_kernel::inspect::{DebugStop, Requests, look};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// How long the end of the system waits for a debugger to be told.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What the vCPU tells the debug thread.
pub enum Event {
    /// The system stands still.
    Stopped(DebugStop),
    /// The vCPU is parked in llano's own code.
    Parked(Why),
    /// The system is over.
    Exited {
        /// wait(2) status.
        status: i32,
        /// To be told when the debugger was.
        told: Sender<()>,
    },
}

/// Whether the debug thread must be woken for an event.
#[derive(Default)]
struct Attention {
    /// Events told and not yet taken.
    waiting: AtomicUsize,
    /// The debug thread sleeps, or is about to.
    sleeps: AtomicBool,
}

/// Where the debug thread gets its events: a queue, and a byte on a socket while it sleeps, so that one poll(2) waits for all.
pub struct Inbox {
    events: Receiver<Event>,
    attention: Arc<Attention>,
    bell: UnixStream,
    /// The other end; the server's.
    ringer: RawFd,
}

impl Inbox {
    /// An event that is there already.
    pub fn take(&self) -> Option<Event> {
        let parked = park::news().map(Event::Parked);
        parked.or_else(|| self.events.try_recv().ok().inspect(|_| self.taken()))
    }

    fn taken(&self) {
        self.attention.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    fn any(&self) -> bool {
        self.attention.waiting.load(Ordering::SeqCst) != 0 || park::is_news()
    }

    /// Whether there is an event within a moment: most stops follow soon on what the debugger asked for.
    pub fn soon(&self) -> bool {
        look(|| self.any())
    }

    /// The descriptor by which a parked vCPU rings.
    pub fn ringer(&self) -> i32 {
        self.ringer
    }

    /// Waits until there is an event, for so long.
    pub fn wait_for(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        self.attention.sleeps.store(true, Ordering::SeqCst);
        while !self.any() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let mut fds = [PollFd::new(self.bell.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
            let _ = (&self.bell).read(&mut [0; 64]);
        }
        self.attention.sleeps.store(false, Ordering::SeqCst);
        self.any()
    }

    /// Waits for the first of: bytes from the debugger, an event, another debugger at the door. Bytes come before an event
    /// that is there too.
    pub fn wait(&self, conn: &impl AsFd, door: &Listener) -> io::Result<Heard> {
        let fd = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = [fd(self.bell.as_fd()), fd(conn.as_fd()), fd(door.as_fd())];
        self.sleep(&mut fds, &[Heard::Bytes, Heard::Knock])
    }

    /// Waits for an event or a debugger at the door.
    fn wait_for_knock(&self, door: &Listener) -> io::Result<Heard> {
        let fd = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = [fd(self.bell.as_fd()), fd(door.as_fd())];
        self.sleep(&mut fds, &[Heard::Knock])
    }

    /// Waits for events and for what stands in `fds` behind the bell; `what` names it.
    fn sleep(&self, fds: &mut [PollFd<'_>], what: &[Heard]) -> io::Result<Heard> {
        let heard = loop {
            self.attention.sleeps.store(true, Ordering::SeqCst);
            // Events that are there already rang nobody; then poll(2) only looks.
            let timeout = if self.any() { PollTimeout::ZERO } else { PollTimeout::NONE };
            match poll(fds, timeout) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(e) => break Err(e.into()),
            }
            let mut ready = fds.iter().map(|fd| fd.revents().is_some_and(|r| !r.is_empty()));
            // A bell without its ringer: there will be no events any more.
            let over = ready.next() == Some(true) && matches!((&self.bell).read(&mut [0; 64]), Ok(0));
            let which = ready.position(|r| r).map(|at| what[at]);
            match which {
                Some(Heard::Bytes) => break Ok(Heard::Bytes),
                _ if over || self.any() => break Ok(Heard::Event),
                Some(heard) => break Ok(heard),
                None => {}
            }
        };
        self.attention.sleeps.store(false, Ordering::SeqCst);
        heard
    }
}

/// What the debug thread waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The debugger said something, or went away.
    Bytes,
    /// The inbox has an event.
    Event,
    /// A debugger wants to come in.
    Knock,
}

/// The kernel's side: tells the debug thread what happens.
pub struct Server {
    events: Sender<Event>,
    attention: Arc<Attention>,
    bell: UnixStream,
    /// Goes with the server.
    _socket: Option<SocketFile>,
}

impl Server {
    /// Listens at `HOST:PORT` (port 0: any free one) or on a Unix socket's path, says so on standard error, and serves one
    /// debugger after another on a thread. `monitor` answers gdb's `monitor`.
    ///
    /// # Errors
    /// The address is taken or no address.
    pub fn start(
        addr: &str,
        on_detach: OnDetach,
        requests: Arc<Requests<Kernel>>,
        monitor: Arc<Monitor>,
    ) -> io::Result<Server> {
        let (listener, socket) = Listener::bind(addr)?;
        let (bell, heard) = UnixStream::pair()?;
        let (events, receiver) = channel();
        eprintln!("Listening on {}", listener.place);
        heard.set_nonblocking(true)?;
        let attention = Arc::<Attention>::default();
        let ringer = bell.as_raw_fd();
        let inbox = Inbox { events: receiver, attention: attention.clone(), bell: heard, ringer };
        std::thread::Builder::new()
            .name("debug".into())
            .spawn(move || listen(&listener, &inbox, &requests, &monitor, on_detach))?;
        Ok(Server { events, attention, bell, _socket: socket })
    }

    fn tell(&self, event: Event) {
        self.attention.waiting.fetch_add(1, Ordering::SeqCst);
        if self.events.send(event).is_ok() && self.attention.sleeps.swap(false, Ordering::SeqCst) {
            let _ = (&self.bell).write_all(&[1]);
        }
    }

    /// The system stopped: tells the debugger, and returns when it says how to run on.
    pub fn stopped(&self, k: &mut Kernel, stop: DebugStop) {
        k.debug.held = true;
        park::quietly(|| {
            self.tell(Event::Stopped(stop));
            k.stand_still();
        });
    }

    /// Lets the system stand still until a debugger came and said how to run on.
    pub fn wait(&self, k: &mut Kernel) {
        k.debug.held = true;
        park::quietly(|| k.stand_still());
    }

    /// The system is over, with this wait(2) status; returns when the debugger knows.
    pub fn ended(&self, k: &Kernel, status: i32) {
        if k.debug.attached {
            park::quietly(|| {
                let (told, wait) = channel();
                self.tell(Event::Exited { status, told });
                let _ = wait.recv_timeout(LAST_WORDS);
            });
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is to ring any more.
        park::disarm();
    }
}

/// The debug thread: one debugger after another.
fn listen(
    listener: &Listener,
    inbox: &Inbox,
    requests: &Arc<Requests<Kernel>>,
    monitor: &Arc<Monitor>,
    on_detach: OnDetach,
) {
    loop {
        // Events of a debugger that left are nobody's.
        match inbox.wait_for_knock(listener) {
            Ok(Heard::Event) => match inbox.take() {
                Some(Event::Exited { .. }) => return,
                Some(Event::Stopped(_) | Event::Parked(_)) | None => {}
            },
            Ok(_) => {
                let Ok(conn) = listener.accept() else { continue };
                match session::serve(
                    conn,
                    Target::new(requests.clone(), monitor.clone()),
                    inbox,
                    listener,
                    on_detach,
                ) {
                    End::Left => {}
                    End::Over => return,
                }
            }
            Err(_) => return,
        }
    }
}
