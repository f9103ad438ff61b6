//! AF_UNIX sockets (unix(7)): stream, datagram and sequenced packets.
//!
//! A socket's `Inbox` holds what was sent *to* it; peers know each other weakly, so the one that is closed first simply
//! goes. By aspect:
//!
//! - [`connect`]: names, listen, connect, accept, shutdown, close
//! - [`stream`] and [`packet`]: sending and receiving
//! - [`rights`]: files and credentials on the way
//! - [`gc`]: sockets that only sockets on the way refer to

pub mod connect;
pub mod gc;
pub mod packet;
pub mod rights;
pub mod stream;

use crate::env::Env;
use crate::error::{Errno, Result};
use crate::fs::file::{File, FileOps};
use crate::fs::inode::{Attr, mode};
use crate::user::{self, Dst, Src};
use crate::wait::{WaitQueue, poll};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};
use llano_abi::socket::Ucred;
use rights::{Account, Inbox};
pub use rights::{Incoming, Outgoing, Rights};

/// The default of SO_SNDBUF and SO_RCVBUF (`/proc/sys/net/core/wmem_default`).
pub const BUFFER: usize = 212_992;
/// How many packets wait at a socket before its senders do (`/proc/sys/net/unix/max_dgram_qlen`).
const QUEUE_LENGTH: usize = 10;

const FIONREAD: u32 = 0x541b;
const TIOCOUTQ: u32 = 0x5411;

/// What a socket transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Bytes.
    Stream,
    /// Packets, to anyone.
    Dgram,
    /// Packets, over a connection.
    SeqPacket,
}

/// A socket's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A path, as it was given to bind(2).
    Path(Vec<u8>),
    /// A name in the abstract namespace, without the leading NUL.
    Abstract(Vec<u8>),
}

/// What a socket is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Neither connected nor listening.
    Unconnected,
    /// Waiting for connections.
    Listening,
    /// Connected, or was until the peer went.
    Connected,
    /// No descriptor refers to it any more.
    Closed,
}

/// Bits of `State::shut`.
pub(crate) mod shut {
    pub(crate) const READ: u8 = 1;
    pub(crate) const WRITE: u8 = 2;
    pub(crate) const BOTH: u8 = 3;
}

/// What setsockopt(2) sets.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// SO_SNDBUF, bytes.
    pub send_buffer: usize,
    /// SO_RCVBUF, bytes; kept and reported only: what limits a connection is the sender's buffer.
    pub receive_buffer: usize,
    /// SO_RCVTIMEO, ns.
    pub receive_timeout_ns: Option<u64>,
    /// SO_SNDTIMEO, ns.
    pub send_timeout_ns: Option<u64>,
    /// SO_PASSCRED.
    pub pass_credentials: bool,
    /// SO_RCVLOWAT, kept and reported only.
    pub receive_low: i32,
    /// Options without meaning here, kept and reported: bit `n` is option `n` (SO_REUSEADDR, SO_KEEPALIVE, ...).
    pub flags: u64,
}

/// A socket.
pub struct Socket {
    env: Rc<Env>,
    /// What it transports.
    pub kind: Kind,
    /// Where its readers, writers and pollers wait.
    pub queue: WaitQueue,
    /// Where those wait who found its inbox or backlog full.
    pub room: WaitQueue,
    /// Options.
    pub options: Cell<Options>,
    /// Whoever made it.
    pub owner: Ucred,
    /// Who writes to it with write(2), which brings no credentials of its own.
    pub writer: Cell<Ucred>,
    ino: u64,
    /// What it has sent in packets that nobody received yet.
    account: Rc<Account>,
    /// How many of its files are on their way in messages.
    flying: Cell<usize>,
    /// It is on the list of those that were.
    listed: Cell<bool>,
    state: RefCell<State>,
}

struct State {
    role: Role,
    name: Option<Rc<Name>>,
    peer: Weak<Socket>,
    /// The peer's name, for after it is gone.
    peer_name: Option<Rc<Name>>,
    peer_cred: Option<Ucred>,
    shut: u8,
    error: Option<Errno>,
    inbox: Inbox,
    /// Connections nobody accepted yet, and how many there may be.
    backlog: VecDeque<Rc<Socket>>,
    backlog_limit: usize,
    /// Datagram sockets connected to this one: their writers wait for room here.
    senders: Vec<Weak<Socket>>,
}

impl Socket {
    /// A new socket.
    pub fn new(env: &Rc<Env>, kind: Kind, owner: Ucred) -> Rc<Socket> {
        let queue = env.queue();
        Rc::new(Socket {
            kind,
            account: Rc::new(Account::new(&queue)),
            queue,
            room: env.queue(),
            options: Cell::new(Options {
                send_buffer: BUFFER,
                receive_buffer: BUFFER,
                receive_timeout_ns: None,
                send_timeout_ns: None,
                pass_credentials: false,
                receive_low: 1,
                flags: 0,
            }),
            owner,
            writer: Cell::new(owner),
            ino: env.new_ino(),
            flying: Cell::new(0),
            listed: Cell::new(false),
            env: env.clone(),
            state: RefCell::new(State {
                role: Role::Unconnected,
                name: None,
                peer: Weak::new(),
                peer_name: None,
                peer_cred: None,
                shut: 0,
                error: None,
                inbox: Inbox::default(),
                backlog: VecDeque::new(),
                backlog_limit: 0,
                senders: Vec::new(),
            }),
        })
    }

    /// socketpair(2).
    pub fn pair(env: &Rc<Env>, kind: Kind, owner: Ucred) -> (Rc<Socket>, Rc<Socket>) {
        let (a, b) = (Socket::new(env, kind, owner), Socket::new(env, kind, owner));
        for (one, other) in [(&a, &b), (&b, &a)] {
            let mut state = one.state.borrow_mut();
            state.role = Role::Connected;
            state.peer = Rc::downgrade(other);
            state.peer_cred = Some(owner);
        }
        (a, b)
    }

    /// What it is doing.
    pub fn role(&self) -> Role {
        self.state.borrow().role
    }

    /// Its inode's number, as `socket:[12]` shows it.
    pub fn number(&self) -> u64 {
        self.ino
    }

    /// The number of the socket it is connected to, while that is there.
    pub fn peer_number(&self) -> Option<u64> {
        self.state.borrow().peer.upgrade().map(|peer| peer.ino)
    }

    /// Bytes that wait to be received.
    pub fn received(&self) -> usize {
        self.state.borrow().inbox.len()
    }

    /// SO_ERROR: the error that waits, which is thereby forgotten.
    pub fn take_error(&self) -> Option<Errno> {
        self.state.borrow_mut().error.take()
    }

    /// SO_PEERCRED: who connected, or listened.
    pub fn peer_cred(&self) -> Option<Ucred> {
        self.state.borrow().peer_cred
    }

    /// Changes options.
    pub fn set_options(&self, change: impl FnOnce(&mut Options)) {
        let mut options = self.options.get();
        change(&mut options);
        self.options.set(options);
    }

    /// Sends once; may take part of a stream's bytes. A stream's bytes and a packet's go straight into the receiver's
    /// inbox.
    ///
    /// # Errors
    /// `EAGAIN`: no room, wait on [`Socket::send_queues`]; `EPIPE`; `ENOTCONN`; `EMSGSIZE`; `ECONNREFUSED`.
    pub fn send(self: &Rc<Socket>, src: &mut Src<'_>, out: &mut Outgoing) -> Result<usize> {
        match self.kind {
            Kind::Stream => self.send_stream(src, out),
            Kind::Dgram | Kind::SeqPacket => self.send_packet(src, out),
        }
    }

    /// Receives once; `peek` leaves everything where it is.
    ///
    /// # Errors
    /// `EAGAIN`: nothing there, wait on [`Socket::queue`]; `EINVAL`, `ENOTCONN`: not connected; `ECONNRESET`.
    pub fn receive(&self, dst: &mut Dst<'_>, peek: Peek) -> Result<Incoming> {
        match self.kind {
            Kind::Stream => self.receive_stream(dst, peek),
            Kind::Dgram | Kind::SeqPacket => self.receive_packet(dst, peek),
        }
    }

    /// Where a sender that got `EAGAIN` waits for `poll::OUT`.
    pub fn send_queues(&self, to: Option<&Rc<Socket>>) -> (WaitQueue, Option<WaitQueue>) {
        let room = match (self.kind, to) {
            (Kind::Stream, _) => None,
            (_, Some(to)) => Some(to.room.clone()),
            (_, None) => self.state.borrow().peer.upgrade().map(|peer| peer.room.clone()),
        };
        (self.queue.clone(), room)
    }

    /// Bytes sent that nobody received yet.
    fn unreceived(&self) -> usize {
        if self.kind != Kind::Stream {
            return self.account.bytes();
        }
        let peer = self.state.borrow().peer.upgrade();
        peer.map_or(0, |peer| peer.state.borrow().inbox.len())
    }

    fn writable(&self) -> bool {
        self.unreceived() * 4 <= self.options.get().send_buffer && !self.peer_is_full()
    }

    /// A datagram socket's writer waits for its peer's inbox, unless the peer is connected back.
    fn peer_is_full(&self) -> bool {
        let Some(peer) = self.state.borrow().peer.upgrade() else { return false };
        if self.kind == Kind::Stream || core::ptr::eq(&*peer, self) {
            return false;
        }
        let theirs = peer.state.borrow();
        !core::ptr::eq(theirs.peer.as_ptr(), self) && theirs.inbox.packets() > QUEUE_LENGTH
    }

    fn poll_bits(&self) -> u32 {
        let state = self.state.borrow();
        let mut bits = 0;
        if state.error.is_some() {
            bits |= poll::ERR;
        }
        if state.shut == shut::BOTH || self.kind != Kind::Dgram && state.role == Role::Unconnected {
            bits |= poll::HUP;
        }
        if state.shut & shut::READ != 0 {
            bits |= poll::RDHUP | poll::IN | poll::RDNORM;
        }
        if !state.inbox.is_empty() || !state.backlog.is_empty() {
            bits |= poll::IN | poll::RDNORM;
        }
        let listening = state.role == Role::Listening;
        drop(state);
        if !listening && self.writable() {
            bits |= poll::OUT | poll::WRNORM | poll::WRBAND;
        }
        bits
    }
}

/// Whether receiving takes the message away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peek {
    /// It does.
    Take,
    /// It stays (MSG_PEEK).
    Look,
}

/// The operations of an open socket; dropping them closes it.
pub struct SocketFile(pub Rc<Socket>);

impl FileOps for SocketFile {
    fn read(&self, file: &File, dst: &mut Dst<'_>, _at: u64) -> Result<usize> {
        match self.0.receive(dst, Peek::Take) {
            Err(Errno::EAGAIN) if !file.nonblocking() && self.0.at_end() => Ok(0),
            received => received.map(|incoming| incoming.len),
        }
    }

    fn write(&self, _file: &File, src: &mut Src<'_>, _at: u64) -> Result<usize> {
        self.0.send(src, &mut Outgoing::new(self.0.writer.get()))
    }

    fn poll(&self, _file: &File) -> u32 {
        self.0.poll_bits()
    }

    fn queue(&self, _file: &File, _events: u32) -> Option<WaitQueue> {
        Some(self.0.queue.clone())
    }

    fn ioctl(&self, _file: &File, cmd: u32, arg: u64) -> Result<i64> {
        let bytes = match cmd {
            FIONREAD if self.0.role() == Role::Listening => return Err(Errno::EINVAL),
            FIONREAD => self.0.state.borrow().inbox.readable(self.0.kind),
            TIOCOUTQ => self.0.unreceived(),
            _ => return Err(Errno::ENOTTY),
        };
        user::put(arg, &(bytes as i32)).map(|()| 0)
    }

    fn timeout_ns(&self, events: u32) -> Option<u64> {
        let options = self.0.options.get();
        if events & poll::IN != 0 { options.receive_timeout_ns } else { options.send_timeout_ns }
    }

    fn attr(&self) -> Attr {
        let owner = self.0.owner;
        Attr {
            dev: 0x8,
            ino: self.0.ino,
            mode: mode::SOCK | 0o777,
            nlink: 1,
            uid: owner.uid,
            gid: owner.gid,
            blksize: 4096,
            ..Attr::default()
        }
    }

    fn label(&self) -> String {
        format!("socket:[{}]", self.0.ino)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.0.close();
        gc::after_close(&self.0.env);
    }
}
