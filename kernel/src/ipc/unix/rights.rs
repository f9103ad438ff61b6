//! What travels beside the bytes (SCM_RIGHTS, SCM_CREDENTIALS), and the inbox it travels to.

use super::{Kind, Name, Socket, SocketFile};
use crate::env::Env;
use crate::fs::file::File;
use crate::ipc::ring::Ring;
use crate::wait::{WaitQueue, poll};
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;
use llano_abi::socket::Ucred;

/// What the kernel counts for a packet beside its bytes, so that empty packets are not free.
const OVERHEAD: usize = 512;

/// Open files in a message.
pub struct Rights {
    env: Rc<Env>,
    files: Vec<Rc<File>>,
}

impl Rights {
    /// Puts files on their way.
    pub fn new(env: &Rc<Env>, files: Vec<Rc<File>>) -> Rights {
        for socket in files.iter().filter_map(|f| f.downcast::<SocketFile>()) {
            socket.0.flying.set(socket.0.flying.get() + 1);
        }
        env.ipc.flights.count.set(env.ipc.flights.count.get() + files.len());
        env.ipc.flights.note(&files);
        Rights { env: env.clone(), files }
    }

    /// Takes them out: they have arrived.
    pub fn land(mut self) -> Vec<Rc<File>> {
        self.leave();
        core::mem::take(&mut self.files)
    }

    /// The files.
    pub fn files(&self) -> &[Rc<File>] {
        &self.files
    }

    fn leave(&self) {
        for socket in self.files.iter().filter_map(|f| f.downcast::<SocketFile>()) {
            socket.0.flying.set(socket.0.flying.get() - 1);
        }
        self.env.ipc.flights.count.set(self.env.ipc.flights.count.get() - self.files.len());
    }
}

impl Drop for Rights {
    fn drop(&mut self) {
        self.leave();
        let files = core::mem::take(&mut self.files);
        if !files.is_empty() {
            self.env.ipc.flights.bury(&self.env, files);
        }
    }
}

/// A message to be sent.
pub struct Outgoing {
    /// To whom, if not to the peer.
    pub to: Option<Rc<Socket>>,
    /// Who sends it.
    pub cred: Ucred,
    /// `cred` was given by the sender (SCM_CREDENTIALS) and travels even if nobody asked for it.
    pub cred_given: bool,
    /// Files; they travel with the first bytes.
    pub files: Vec<Rc<File>>,
}

impl Outgoing {
    /// Plain bytes to the peer.
    pub fn new(cred: Ucred) -> Outgoing {
        Outgoing { to: None, cred, cred_given: false, files: Vec::new() }
    }
}

/// A message that was received.
#[derive(Default)]
pub struct Incoming {
    /// Bytes stored.
    pub len: usize,
    /// Bytes the packet had.
    pub full_len: usize,
    /// Its sender's name.
    pub from: Option<Rc<Name>>,
    /// Who sent it, if that is known.
    pub cred: Option<Ucred>,
    /// Files that came with it.
    pub files: Vec<Rc<File>>,
}

/// What a socket has sent in packets that nobody received yet.
pub(super) struct Account {
    bytes: Cell<usize>,
    queue: WaitQueue,
}

impl Account {
    pub(super) fn new(queue: &WaitQueue) -> Account {
        Account { bytes: Cell::new(0), queue: queue.clone() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.get()
    }
}

/// Some of an account; paid back when dropped.
pub(super) struct Charge {
    account: Rc<Account>,
    bytes: usize,
}

impl Charge {
    pub(super) fn new(account: &Rc<Account>, len: usize) -> Charge {
        let bytes = len + OVERHEAD;
        account.bytes.set(account.bytes.get() + bytes);
        Charge { account: account.clone(), bytes }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.account.bytes.set(self.account.bytes.get() - self.bytes);
        self.account.queue.wake(poll::OUT | poll::WRNORM);
    }
}

/// A stretch of the inbox with something beside its bytes; of a packet socket: a packet.
#[derive(Default)]
pub(super) struct Mark {
    /// Positions since the socket was made.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) from: Option<Rc<Name>>,
    pub(super) cred: Option<Ucred>,
    pub(super) rights: Option<Rights>,
    pub(super) charge: Option<Charge>,
}

impl Mark {
    pub(super) fn len(&self) -> usize {
        (self.end - self.start) as usize
    }
}

/// What was sent to a socket.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) ring: Ring,
    /// In order. A stream's cover only some of its bytes.
    pub(super) marks: VecDeque<Mark>,
    /// Position of the ring's first byte.
    pub(super) start: u64,
}

impl Inbox {
    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty() && self.marks.is_empty()
    }

    pub(super) fn packets(&self) -> usize {
        self.marks.len()
    }

    /// The position behind the last byte.
    pub(super) fn end(&self) -> u64 {
        self.start + self.ring.len() as u64
    }

    pub(super) fn discard(&mut self, n: usize) {
        self.ring.discard(n);
        self.start += n as u64;
    }

    /// FIONREAD: all bytes, or those of the next datagram.
    pub(super) fn readable(&self, kind: Kind) -> usize {
        match kind {
            Kind::Dgram => self.marks.front().map_or(0, Mark::len),
            Kind::Stream | Kind::SeqPacket => self.ring.len(),
        }
    }
}
