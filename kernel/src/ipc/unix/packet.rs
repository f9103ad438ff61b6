//! Packets: datagrams and sequenced packets, each whole or not at all.

use super::rights::{Charge, Mark};
use super::{Incoming, Kind, Outgoing, Peek, QUEUE_LENGTH, Rights, Role, Socket, shut};
use crate::error::{Errno, Result};
use crate::user::{Dst, Src};
use crate::wait::poll;
use alloc::rc::{Rc, Weak};

impl Socket {
    /// Who gets a packet.
    fn destination(self: &Rc<Socket>, out: &Outgoing) -> Result<Rc<Socket>> {
        if let Some(to) = out.to.as_ref().filter(|_| self.kind == Kind::Dgram) {
            return Ok(to.clone());
        }
        if self.role() != Role::Connected {
            return Err(Errno::ENOTCONN);
        }
        let peer = self.state.borrow().peer.upgrade();
        match (peer.filter(|peer| peer.role() != Role::Closed), self.kind) {
            (Some(peer), _) => Ok(peer),
            (None, Kind::SeqPacket) => Err(Errno::EPIPE),
            (None, _) => {
                // A datagram socket learns that its peer is gone once, and is unconnected then.
                self.disconnect();
                Err(Errno::ECONNREFUSED)
            }
        }
    }

    pub(super) fn send_packet(self: &Rc<Socket>, src: &mut Src<'_>, out: &mut Outgoing) -> Result<usize> {
        let options = self.options.get();
        let len = src.left();
        if let Some(e) = self.take_error() {
            return Err(e);
        }
        if self.state.borrow().shut & shut::WRITE != 0 {
            return Err(Errno::EPIPE);
        }
        if len + 32 > options.send_buffer {
            return Err(Errno::EMSGSIZE);
        }
        let to = self.destination(out)?;
        let itself = Rc::ptr_eq(&to, self);
        let mut theirs = to.state.borrow_mut();
        let their_peer = theirs.peer.as_ptr();
        let connected_back = core::ptr::eq(their_peer, Rc::as_ptr(self));
        if theirs.role == Role::Closed {
            return Err(Errno::ECONNREFUSED);
        }
        if self.kind == Kind::Dgram && theirs.peer.strong_count() > 0 && !connected_back {
            return Err(Errno::EPERM);
        }
        if theirs.shut & shut::READ != 0 {
            return Err(Errno::EPIPE);
        }
        let full = !itself && !connected_back && theirs.inbox.packets() > QUEUE_LENGTH;
        if full || self.account.bytes() >= options.send_buffer {
            return Err(Errno::EAGAIN);
        }
        let (start, before) = (theirs.inbox.end(), theirs.inbox.len());
        let sent = theirs.inbox.ring.push_from(src, len);
        if sent != Ok(len) {
            theirs.inbox.ring.truncate(before);
            return Err(Errno::EFAULT);
        }
        let files = core::mem::take(&mut out.files);
        let passes = out.cred_given || options.pass_credentials || to.options.get().pass_credentials;
        // Borrowed already if it sends to itself.
        let from = if itself { theirs.name.clone() } else { self.state.borrow().name.clone() };
        theirs.inbox.marks.push_back(Mark {
            start,
            end: start + len as u64,
            from,
            cred: passes.then_some(out.cred),
            rights: (!files.is_empty()).then(|| Rights::new(&self.env, files)),
            charge: Some(Charge::new(&self.account, len)),
        });
        drop(theirs);
        to.queue.wake(poll::IN | poll::RDNORM);
        Ok(len)
    }

    pub(super) fn receive_packet(&self, dst: &mut Dst<'_>, peek: Peek) -> Result<Incoming> {
        let mut state = self.state.borrow_mut();
        if self.kind == Kind::SeqPacket && state.role != Role::Connected {
            return Err(Errno::ENOTCONN);
        }
        if let Some(e) = state.error.take() {
            return Err(e);
        }
        let closed = state.shut & shut::READ != 0;
        let inbox = &mut state.inbox;
        let Some(packet) = inbox.marks.front() else {
            let over = closed && self.kind == Kind::SeqPacket;
            return if over { Ok(Incoming::default()) } else { Err(Errno::EAGAIN) };
        };
        let full_len = packet.len();
        let mut incoming = Incoming {
            len: inbox.ring.peek_into(dst, 0, full_len)?,
            full_len,
            from: packet.from.clone(),
            cred: packet.cred,
            ..Incoming::default()
        };
        if peek == Peek::Look {
            incoming.files = packet.rights.as_ref().map(|r| r.files().to_vec()).unwrap_or_default();
            return Ok(incoming);
        }
        inbox.discard(full_len);
        let packet = inbox.marks.pop_front();
        drop(state);
        if let Some(packet) = packet {
            incoming.files = packet.rights.map(Rights::land).unwrap_or_default();
            drop(packet.charge);
        }
        self.made_room();
        Ok(incoming)
    }

    /// A datagram socket will not receive any more, and has nothing: who would wait gets the end, who would not gets
    /// `EAGAIN`.
    pub fn at_end(&self) -> bool {
        let state = self.state.borrow();
        self.kind == Kind::Dgram && state.shut & shut::READ != 0 && state.inbox.is_empty()
    }

    /// Tells those who wait for room in this socket's inbox.
    pub(super) fn made_room(&self) {
        self.room.wake(poll::OUT);
        let mut state = self.state.borrow_mut();
        if state.senders.is_empty() {
            return;
        }
        state.senders.retain(|s| s.strong_count() > 0);
        let senders = state.senders.clone();
        drop(state);
        for sender in senders.iter().filter_map(Weak::upgrade) {
            sender.queue.wake(poll::OUT | poll::WRNORM);
        }
    }
}
