//! Who talks to whom: names, connections, and their end.

use super::{Kind, Name, Role, Socket, shut};
use crate::error::{Errno, Result};
use crate::ipc::FileId;
use crate::wait::{WaitQueue, poll};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use llano_abi::socket::Ucred;

/// The most bytes of a name (`sun_path`).
const SUN_PATH: usize = 108;

/// What an address given by a program means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// AF_UNSPEC: no peer any more.
    None,
    /// AF_UNIX without a name: bind(2) chooses one.
    Auto,
    /// A name.
    Named(Name),
}

impl Address {
    /// Understands a `sockaddr`.
    ///
    /// # Errors
    /// `EINVAL`: wrong length or family.
    pub fn parse(bytes: &[u8]) -> Result<Address> {
        let family = bytes.get(..2).ok_or(Errno::EINVAL)?;
        match u16::from_le_bytes([family[0], family[1]]) {
            0 => Ok(Address::None),
            1 if bytes.len() == 2 => Ok(Address::Auto),
            1 if bytes.len() > 2 + SUN_PATH => Err(Errno::EINVAL),
            1 if bytes[2] == 0 => Ok(Address::Named(Name::Abstract(bytes[3..].to_vec()))),
            1 => {
                let end = bytes[2..].iter().position(|b| *b == 0).unwrap_or(bytes.len() - 2);
                Ok(Address::Named(Name::Path(bytes[2..2 + end].to_vec())))
            }
            _ => Err(Errno::EINVAL),
        }
    }
}

impl Name {
    /// As a `sockaddr_un`, of the length that getsockname(2) reports.
    pub fn to_sockaddr(name: Option<&Name>) -> Vec<u8> {
        let mut out = 1u16.to_le_bytes().to_vec();
        match name {
            None => {}
            Some(Name::Path(path)) => {
                out.extend_from_slice(path);
                out.push(0);
            }
            Some(Name::Abstract(name)) => {
                out.push(0);
                out.extend_from_slice(name);
            }
        }
        out
    }
}

/// An abstract name among sockets of one type.
type TypedName = (Kind, Vec<u8>);

/// Bound sockets, by what they are found by.
#[derive(Default)]
pub struct Bound {
    /// Each type has a namespace of its own.
    by_name: RefCell<BTreeMap<TypedName, Weak<Socket>>>,
    by_inode: RefCell<BTreeMap<FileId, Weak<Socket>>>,
    next_auto: Cell<u32>,
}

impl Bound {
    /// The socket with an abstract name.
    ///
    /// # Errors
    /// `ECONNREFUSED`: none has it.
    pub fn find_abstract(&self, kind: Kind, name: &[u8]) -> Result<Rc<Socket>> {
        let key = (kind, name.to_vec());
        self.by_name.borrow().get(&key).and_then(Weak::upgrade).ok_or(Errno::ECONNREFUSED)
    }

    /// The socket bound to an inode.
    ///
    /// # Errors
    /// `ECONNREFUSED`: none is any more.
    pub fn find_inode(&self, id: FileId) -> Result<Rc<Socket>> {
        self.by_inode.borrow().get(&id).and_then(Weak::upgrade).ok_or(Errno::ECONNREFUSED)
    }
}

impl Socket {
    /// Its name.
    pub fn name(&self) -> Option<Rc<Name>> {
        self.state.borrow().name.clone()
    }

    /// Its peer's name.
    ///
    /// # Errors
    /// `ENOTCONN`.
    pub fn peer_name(&self) -> Result<Option<Rc<Name>>> {
        let state = self.state.borrow();
        if state.role != Role::Connected {
            return Err(Errno::ENOTCONN);
        }
        Ok(match state.peer.upgrade() {
            Some(peer) => peer.name(),
            None => state.peer_name.clone(),
        })
    }

    /// Binds to an abstract name.
    ///
    /// # Errors
    /// `EINVAL`: it has a name already; `EADDRINUSE`.
    pub fn bind_abstract(self: &Rc<Socket>, name: Vec<u8>) -> Result<()> {
        if self.name().is_some() {
            return Err(Errno::EINVAL);
        }
        let mut by_name = self.env.ipc.bound.by_name.borrow_mut();
        by_name.retain(|_, s| s.strong_count() > 0);
        let key = (self.kind, name.clone());
        if by_name.contains_key(&key) {
            return Err(Errno::EADDRINUSE);
        }
        by_name.insert(key, Rc::downgrade(self));
        self.state.borrow_mut().name = Some(Rc::new(Name::Abstract(name)));
        Ok(())
    }

    /// Binds to a free abstract name of five hexadecimal digits, unless it has a name.
    pub fn bind_auto(self: &Rc<Socket>) -> Result<()> {
        let next = &self.env.ipc.bound.next_auto;
        for _ in 0..1 << 20 {
            if self.name().is_some() {
                return Ok(());
            }
            next.set((next.get() + 1) & 0xfffff);
            match self.bind_abstract(format!("{:05x}", next.get()).into_bytes()) {
                Err(Errno::EADDRINUSE) => {}
                done => return done,
            }
        }
        Err(Errno::ENOSPC)
    }

    /// Binds to an inode that was made for it at `path`.
    ///
    /// # Errors
    /// `EINVAL`: it has a name already.
    pub fn bind_inode(self: &Rc<Socket>, path: Vec<u8>, id: FileId) -> Result<()> {
        if self.name().is_some() {
            return Err(Errno::EINVAL);
        }
        let mut by_inode = self.env.ipc.bound.by_inode.borrow_mut();
        by_inode.retain(|_, s| s.strong_count() > 0);
        by_inode.insert(id, Rc::downgrade(self));
        self.state.borrow_mut().name = Some(Rc::new(Name::Path(path)));
        Ok(())
    }

    /// listen(2).
    ///
    /// # Errors
    /// `EOPNOTSUPP`: a datagram socket; `EINVAL`: no name, or connected.
    pub fn listen(&self, backlog: usize, cred: Ucred) -> Result<()> {
        let mut state = self.state.borrow_mut();
        if self.kind == Kind::Dgram {
            return Err(Errno::EOPNOTSUPP);
        }
        if state.name.is_none() || !matches!(state.role, Role::Unconnected | Role::Listening) {
            return Err(Errno::EINVAL);
        }
        let more = backlog > state.backlog_limit;
        state.role = Role::Listening;
        state.backlog_limit = backlog;
        state.peer_cred = Some(cred);
        drop(state);
        if more {
            self.room.wake(poll::OUT);
        }
        Ok(())
    }

    /// Connects to `to`, as `cred`.
    ///
    /// # Errors
    /// `EAGAIN`: `to` has its backlog full, wait on its `room`; `ECONNREFUSED`: it does not listen; `EPROTOTYPE`: it is
    /// of another type; `EISCONN`; `EINVAL`: this one listens; `EPERM`: a datagram socket that talks to another.
    pub fn connect(self: &Rc<Socket>, to: &Rc<Socket>, cred: Ucred) -> Result<()> {
        if self.kind == Kind::Dgram {
            return self.connect_dgram(to);
        }
        if to.kind != self.kind {
            return Err(Errno::EPROTOTYPE);
        }
        let mut theirs = to.state.borrow_mut();
        if theirs.role != Role::Listening || theirs.shut & shut::READ != 0 {
            return Err(Errno::ECONNREFUSED);
        }
        if theirs.backlog.len() > theirs.backlog_limit {
            return Err(Errno::EAGAIN);
        }
        // The other side is looked at first, as on Linux.
        match if Rc::ptr_eq(self, to) { Role::Listening } else { self.role() } {
            Role::Unconnected => {}
            Role::Connected => return Err(Errno::EISCONN),
            Role::Listening | Role::Closed => return Err(Errno::EINVAL),
        }
        let server = Socket::new(&self.env, self.kind, to.owner);
        server.set_options(|o| o.pass_credentials = to.options.get().pass_credentials);
        {
            let mut s = server.state.borrow_mut();
            s.role = Role::Connected;
            s.name = theirs.name.clone();
            s.peer = Rc::downgrade(self);
            s.peer_name = self.name();
            s.peer_cred = Some(cred);
        }
        {
            let mut mine = self.state.borrow_mut();
            mine.role = Role::Connected;
            mine.peer = Rc::downgrade(&server);
            mine.peer_name = theirs.name.clone();
            mine.peer_cred = theirs.peer_cred;
        }
        theirs.backlog.push_back(server);
        drop(theirs);
        to.queue.wake(poll::IN | poll::RDNORM);
        self.queue.wake(poll::OUT | poll::WRNORM);
        Ok(())
    }

    fn connect_dgram(self: &Rc<Socket>, to: &Rc<Socket>) -> Result<()> {
        if to.kind != self.kind {
            return Err(Errno::EPROTOTYPE);
        }
        if to.role() == Role::Closed {
            return Err(Errno::ECONNREFUSED);
        }
        let theirs = to.state.borrow().peer.upgrade();
        if theirs.is_some_and(|peer| !Rc::ptr_eq(&peer, self)) {
            return Err(Errno::EPERM);
        }
        self.disconnect();
        let name = to.name();
        let mut mine = self.state.borrow_mut();
        mine.role = Role::Connected;
        mine.peer = Rc::downgrade(to);
        mine.peer_name = name;
        drop(mine);
        if !Rc::ptr_eq(self, to) {
            let mut theirs = to.state.borrow_mut();
            theirs.senders.retain(|s| s.strong_count() > 0);
            theirs.senders.push(Rc::downgrade(self));
        }
        self.queue.wake(poll::OUT | poll::WRNORM);
        Ok(())
    }

    /// A datagram socket's connection ends. What it did not read is lost; a peer connected back learns of the loss by
    /// `ECONNRESET`.
    pub fn disconnect(self: &Rc<Socket>) {
        let mut mine = self.state.borrow_mut();
        if mine.role != Role::Connected {
            return;
        }
        let peer = core::mem::take(&mut mine.peer).upgrade();
        mine.role = Role::Unconnected;
        mine.peer_name = None;
        let inbox = core::mem::take(&mut mine.inbox);
        drop(mine);
        let lost = !inbox.is_empty();
        drop(inbox);
        if lost {
            self.made_room();
        }
        let Some(peer) = peer.filter(|peer| !Rc::ptr_eq(peer, self)) else { return };
        let mut theirs = peer.state.borrow_mut();
        theirs.senders.retain(|s| !core::ptr::eq(s.as_ptr(), Rc::as_ptr(self)));
        if lost && core::ptr::eq(theirs.peer.as_ptr(), Rc::as_ptr(self)) {
            theirs.error = Some(Errno::ECONNRESET);
            drop(theirs);
            peer.queue.wake(poll::ERR);
        }
    }

    /// accept(2): the oldest connection that waits.
    ///
    /// # Errors
    /// `EAGAIN`: none does; `EOPNOTSUPP`: a datagram socket; `EINVAL`: not listening, or shut down.
    pub fn accept(&self) -> Result<Rc<Socket>> {
        let mut state = self.state.borrow_mut();
        if self.kind == Kind::Dgram {
            return Err(Errno::EOPNOTSUPP);
        }
        if state.role != Role::Listening {
            return Err(Errno::EINVAL);
        }
        let down = state.shut & shut::READ != 0;
        let socket = state.backlog.pop_front();
        drop(state);
        self.room.wake(poll::OUT);
        socket.ok_or(if down { Errno::EINVAL } else { Errno::EAGAIN })
    }

    /// shutdown(2): `how` as there.
    ///
    /// # Errors
    /// `EINVAL`: no such `how`.
    pub fn shutdown(&self, how: i32) -> Result<()> {
        let bits = match how {
            0 => shut::READ,
            1 => shut::WRITE,
            2 => shut::BOTH,
            _ => return Err(Errno::EINVAL),
        };
        let mut mine = self.state.borrow_mut();
        mine.shut |= bits;
        let peer = mine.peer.upgrade().filter(|_| self.kind != Kind::Dgram);
        drop(mine);
        wake_all(&self.queue);
        self.room.wake(poll::OUT | poll::HUP);
        if let Some(peer) = peer {
            // What one side stops reading the other cannot write, and the other way round.
            let mirrored = (bits & shut::READ) << 1 | (bits & shut::WRITE) >> 1;
            peer.state.borrow_mut().shut |= mirrored;
            wake_all(&peer.queue);
        }
        Ok(())
    }

    /// No descriptor refers to it any more.
    pub(super) fn close(&self) {
        let mut state = self.state.borrow_mut();
        if state.role == Role::Closed {
            return;
        }
        state.role = Role::Closed;
        state.shut = shut::BOTH;
        let unread = !state.inbox.is_empty();
        // Dropped at the end, when nothing is borrowed: files in it may be sockets.
        let inbox = core::mem::take(&mut state.inbox);
        let backlog = core::mem::take(&mut state.backlog);
        let senders = core::mem::take(&mut state.senders);
        let peer = core::mem::take(&mut state.peer).upgrade();
        let name = state.name.clone();
        drop(state);
        if let Some(Name::Abstract(name)) = name.as_deref() {
            let mut by_name = self.env.ipc.bound.by_name.borrow_mut();
            let key = (self.kind, name.clone());
            // The name of an accepted connection is its listener's.
            if by_name.get(&key).is_some_and(|s| core::ptr::eq(s.as_ptr(), self)) {
                by_name.remove(&key);
            }
        }
        if let Some(peer) = peer.filter(|_| self.kind != Kind::Dgram) {
            peer.reset(unread);
        }
        for connection in backlog {
            let peer = connection.state.borrow().peer.upgrade();
            connection.close();
            if let Some(peer) = peer {
                peer.reset(true);
            }
        }
        for sender in senders.iter().filter_map(Weak::upgrade) {
            sender.queue.wake(poll::OUT | poll::WRNORM);
        }
        wake_all(&self.queue);
        self.room.wake(poll::OUT | poll::HUP);
        drop(inbox);
    }

    /// The peer went; with data unread, or before it was accepted, that is an error.
    fn reset(&self, lost: bool) {
        let mut state = self.state.borrow_mut();
        state.shut = shut::BOTH;
        if lost {
            state.error = Some(Errno::ECONNRESET);
        }
        drop(state);
        wake_all(&self.queue);
    }
}

fn wake_all(queue: &WaitQueue) {
    queue.wake(poll::IN | poll::OUT | poll::RDNORM | poll::WRNORM | poll::RDHUP | poll::HUP);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;
    use crate::fs::file::{File, oflag};
    use crate::ipc::tests::{env, read, write};
    use crate::ipc::unix::{Outgoing, Peek, SocketFile};
    use crate::user::{Dst, Src};
    use alloc::boxed::Box;

    const ME: Ucred = Ucred { pid: 7, uid: 8, gid: 9 };

    fn file(socket: Rc<Socket>) -> Rc<File> {
        File::new(Box::new(SocketFile(socket)), oflag::RDWR, None)
    }

    fn socket(file: &File) -> &Rc<Socket> {
        &file.downcast::<SocketFile>().unwrap().0
    }

    fn new(env: &Rc<Env>, kind: Kind) -> Rc<File> {
        file(Socket::new(env, kind, ME))
    }

    fn pair(env: &Rc<Env>, kind: Kind) -> (Rc<File>, Rc<File>) {
        let (a, b) = Socket::pair(env, kind, ME);
        (file(a), file(b))
    }

    fn ask(file: &File) -> u32 {
        file.ops().poll(file) & (poll::IN | poll::OUT | poll::HUP | poll::ERR | poll::RDHUP)
    }

    #[test]
    fn addresses() {
        let parse = Address::parse;
        assert_eq!(parse(&[1]), Err(Errno::EINVAL));
        assert_eq!(parse(&[2, 0, 1, 1]), Err(Errno::EINVAL));
        assert_eq!(parse(&[1, 0]), Ok(Address::Auto));
        let named = |address| match address {
            Ok(Address::Named(name)) => Name::to_sockaddr(Some(&name)),
            _ => Vec::new(),
        };
        assert_eq!(named(parse(b"\x01\0/a/b\0junk")), b"\x01\0/a/b\0");
        assert_eq!(named(parse(b"\x01\0\0a\0b")), b"\x01\0\0a\0b");
        assert_eq!(named(parse(&[b"\x01\0".as_slice(), &[b'x'; 108]].concat())).len(), 111);
        assert_eq!(parse(&[b"\x01\0".as_slice(), &[b'x'; 109]].concat()), Err(Errno::EINVAL));
    }

    #[test]
    fn a_connection_from_listen_to_close() {
        let env = env();
        let server = new(&env, Kind::Stream);
        assert_eq!(socket(&server).listen(1, ME), Err(Errno::EINVAL));
        socket(&server).bind_abstract(b"srv".to_vec()).unwrap();
        let client = new(&env, Kind::Stream);
        assert_eq!(socket(&client).connect(socket(&server), ME), Err(Errno::ECONNREFUSED));
        assert_eq!((ask(&client), write(&client, b"x")), (poll::OUT | poll::HUP, Err(Errno::ENOTCONN)));
        assert_eq!(read(&client, 1), Err(Errno::EINVAL));
        socket(&server).listen(1, ME).unwrap();
        assert_eq!((ask(&server), socket(&server).accept().err()), (0, Some(Errno::EAGAIN)));
        let found = env.ipc.bound.find_abstract(Kind::Stream, b"srv").unwrap();
        socket(&client).connect(&found, Ucred { pid: 33, uid: 1, gid: 1 }).unwrap();
        assert_eq!(socket(&client).connect(&found, ME), Err(Errno::EISCONN));
        write(&client, b"before accept").unwrap();
        let second = new(&env, Kind::Stream);
        socket(&second).connect(&found, ME).unwrap();
        assert_eq!(socket(&new(&env, Kind::Stream)).connect(&found, ME), Err(Errno::EAGAIN));
        assert_eq!(ask(&server), poll::IN);
        let conn = file(socket(&server).accept().unwrap());
        assert_eq!(socket(&conn).peer_cred().unwrap().pid, 33);
        assert_eq!(socket(&client).peer_cred().unwrap(), ME);
        assert_eq!(socket(&client).peer_name().unwrap().as_deref(), Some(&Name::Abstract(b"srv".to_vec())));
        assert_eq!(read(&conn, 99).unwrap(), b"before accept");
        write(&conn, b"unread").unwrap();
        write(&client, b"lost").unwrap();
        drop(conn);
        assert_eq!(ask(&client), poll::IN | poll::OUT | poll::HUP | poll::ERR | poll::RDHUP);
        assert_eq!(write(&client, b"x"), Err(Errno::EPIPE));
        assert_eq!(read(&client, 99).unwrap(), b"unread");
        assert_eq!((read(&client, 9), read(&client, 9)), (Err(Errno::ECONNRESET), Ok(Vec::new())));
        assert!(env.ipc.bound.find_abstract(Kind::Stream, b"srv").is_ok(), "the listener keeps its name");
        // Never accepted: reset when the listener goes.
        drop((server, found));
        assert_eq!(read(&second, 9), Err(Errno::ECONNRESET));
        assert_eq!(env.ipc.bound.find_abstract(Kind::Stream, b"srv").err(), Some(Errno::ECONNREFUSED));
    }

    #[test]
    fn stream_flow_control_and_shutdown() {
        let env = env();
        let (a, b) = pair(&env, Kind::Stream);
        assert_eq!(write(&a, &alloc::vec![1; 300_000]), Ok(crate::ipc::unix::BUFFER));
        assert_eq!((write(&a, b"x"), ask(&a)), (Err(Errno::EAGAIN), 0));
        a.ops().queue(&a, poll::OUT).unwrap().add(4, poll::OUT);
        read(&b, 100_000).unwrap();
        assert_eq!((ask(&a), env.wakes.pop()), (0, None));
        read(&b, 100_000).unwrap();
        assert_eq!((ask(&a), env.wakes.pop()), (poll::OUT, Some(4)));
        socket(&a).shutdown(1).unwrap();
        assert_eq!(write(&a, b"x"), Err(Errno::EPIPE));
        assert_eq!(ask(&b), poll::IN | poll::OUT | poll::RDHUP);
        assert_eq!(read(&b, 100_000).unwrap().len(), crate::ipc::unix::BUFFER - 200_000);
        assert_eq!(read(&b, 1), Ok(Vec::new()));
        write(&b, b"other way").unwrap();
        assert_eq!(read(&a, 99).unwrap(), b"other way");
    }

    #[test]
    fn datagrams_keep_their_borders_and_senders() {
        let env = env();
        let (to, from) = (new(&env, Kind::Dgram), new(&env, Kind::Dgram));
        socket(&from).bind_auto().unwrap();
        assert_eq!(write(&from, b"x"), Err(Errno::ENOTCONN));
        let send = |bytes: &[u8]| {
            let mut out = Outgoing { to: Some(socket(&to).clone()), ..Outgoing::new(ME) };
            socket(&from).send(&mut Src::Kernel(bytes), &mut out)
        };
        send(b"first").unwrap();
        send(b"").unwrap();
        send(b"third").unwrap();
        let mut buf = [0; 3];
        let got = socket(&to).receive(&mut Dst::Kernel(&mut buf, 0), Peek::Look).unwrap();
        assert_eq!((got.len, got.full_len, got.from), (3, 5, socket(&from).name()));
        assert_eq!((read(&to, 9).unwrap(), read(&to, 9).unwrap()), (b"first".to_vec(), Vec::new()));
        assert_eq!(read(&to, 2).unwrap(), b"th");
        assert_eq!(read(&to, 2), Err(Errno::EAGAIN));
        let sent = (0..).take_while(|_| send(b"y").is_ok()).count();
        assert_eq!(sent, 11);
        assert_eq!(send(&alloc::vec![0; crate::ipc::unix::BUFFER]), Err(Errno::EMSGSIZE));
        // Connected, it waits for room with poll and is woken.
        socket(&from).connect(socket(&to), ME).unwrap();
        assert_eq!(ask(&from), 0);
        from.ops().queue(&from, poll::OUT).unwrap().add(3, poll::OUT);
        read(&to, 1).unwrap();
        assert_eq!((ask(&from), env.wakes.pop()), (poll::OUT, Some(3)));
        drop(to);
        assert_eq!(
            (write(&from, b"x"), write(&from, b"x")),
            (Err(Errno::ECONNREFUSED), Err(Errno::ENOTCONN))
        );
    }

    #[test]
    fn sequenced_packets_are_connected_and_bounded() {
        let env = env();
        let (a, b) = pair(&env, Kind::SeqPacket);
        write(&a, b"one").unwrap();
        write(&a, b"two").unwrap();
        assert_eq!(read(&b, 2).unwrap(), b"on");
        drop(a);
        assert_eq!(ask(&b), poll::IN | poll::OUT | poll::HUP | poll::RDHUP);
        assert_eq!((read(&b, 9).unwrap(), read(&b, 9).unwrap()), (b"two".to_vec(), Vec::new()));
        assert_eq!(write(&b, b"x"), Err(Errno::EPIPE));
    }

    #[test]
    fn files_come_with_the_bytes_they_were_sent_with() {
        let env = env();
        let (a, b) = pair(&env, Kind::Stream);
        let send = |bytes: &[u8], files: Vec<Rc<File>>| {
            let mut out = Outgoing { files, ..Outgoing::new(ME) };
            socket(&a).send(&mut Src::Kernel(bytes), &mut out).unwrap();
        };
        send(b"plain", Vec::new());
        send(b"with", alloc::vec![a.clone()]);
        send(b"more", alloc::vec![a.clone(), b.clone()]);
        let receive = |max: usize, peek: Peek| {
            let mut buf = alloc::vec![0; max];
            let got = socket(&b).receive(&mut Dst::Kernel(&mut buf, 0), peek).unwrap();
            (got.len, got.files.len())
        };
        assert_eq!(receive(3, Peek::Take), (3, 0));
        assert_eq!(receive(99, Peek::Look), (6, 1));
        assert_eq!(receive(3, Peek::Take), (3, 1));
        assert_eq!(receive(99, Peek::Take), (7, 2));
        assert_eq!(env.ipc.flights.count.get(), 0);
        socket(&b).set_options(|o| o.pass_credentials = true);
        send(b"x", Vec::new());
        let mut buf = [0; 9];
        let got = socket(&b).receive(&mut Dst::Kernel(&mut buf, 0), Peek::Take).unwrap();
        assert_eq!(got.cred, Some(ME));
    }
}
