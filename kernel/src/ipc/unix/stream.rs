//! Streams: bytes in order, with marks where files or credentials came along.

use super::rights::Mark;
use super::{Incoming, Outgoing, Peek, Rights, Role, Socket, shut};
use crate::error::{Errno, Result};
use crate::user::{Dst, Src};
use crate::wait::poll;
use alloc::rc::Rc;

impl Socket {
    pub(super) fn send_stream(self: &Rc<Socket>, src: &mut Src<'_>, out: &mut Outgoing) -> Result<usize> {
        let state = self.state.borrow();
        if state.role != Role::Connected {
            return Err(Errno::ENOTCONN);
        }
        let peer = state.peer.upgrade();
        let Some(peer) = peer.filter(|_| state.shut & shut::WRITE == 0) else { return Err(Errno::EPIPE) };
        drop(state);
        let options = self.options.get();
        let mut theirs = peer.state.borrow_mut();
        if theirs.shut & shut::READ != 0 {
            return Err(Errno::EPIPE);
        }
        if src.left() == 0 {
            return Ok(0);
        }
        let room = options.send_buffer.saturating_sub(theirs.inbox.len());
        if room == 0 {
            return Err(Errno::EAGAIN);
        }
        let start = theirs.inbox.end();
        let sent = theirs.inbox.ring.push_from(src, room)?;
        let with_cred = out.cred_given || options.pass_credentials || peer.options.get().pass_credentials;
        if with_cred || !out.files.is_empty() {
            let files = core::mem::take(&mut out.files);
            theirs.inbox.marks.push_back(Mark {
                start,
                end: start + sent as u64,
                cred: with_cred.then_some(out.cred),
                rights: (!files.is_empty()).then(|| Rights::new(&self.env, files)),
                ..Mark::default()
            });
        }
        drop(theirs);
        peer.queue.wake(poll::IN | poll::RDNORM);
        Ok(sent)
    }

    pub(super) fn receive_stream(&self, dst: &mut Dst<'_>, peek: Peek) -> Result<Incoming> {
        let mut state = self.state.borrow_mut();
        if state.role != Role::Connected {
            return Err(Errno::EINVAL);
        }
        if state.inbox.ring.is_empty() {
            return match state.error.take() {
                Some(e) => Err(e),
                None if state.shut & shut::READ != 0 => Ok(Incoming::default()),
                None => Err(Errno::EAGAIN),
            };
        }
        let inbox = &mut state.inbox;
        let pos = inbox.start;
        let mut limit = inbox.ring.len();
        let mut cred = None;
        // One read never joins bytes of different senders if asked for them, nor goes past a message with files.
        for (i, mark) in inbox.marks.iter().enumerate() {
            if self.options.get().pass_credentials && mark.cred.is_some() {
                if mark.start > pos {
                    limit = (mark.start - pos) as usize;
                    break;
                }
                cred = mark.cred;
                let mut last = mark;
                for next in inbox.marks.iter().skip(i + 1) {
                    if last.rights.is_some() || next.start != last.end || next.cred != mark.cred {
                        break;
                    }
                    last = next;
                }
                limit = (last.end - pos) as usize;
                break;
            }
            if mark.rights.is_some() {
                limit = (mark.end - pos) as usize;
                break;
            }
        }
        let len = inbox.ring.peek_into(dst, 0, limit)?;
        let end = pos + len as u64;
        let mut incoming = Incoming { len, full_len: len, cred, ..Incoming::default() };
        let carrier = inbox.marks.iter_mut().find(|m| m.rights.is_some() && m.start < end);
        match (carrier, peek) {
            (Some(mark), Peek::Look) => {
                incoming.files = mark.rights.as_ref().map(|r| r.files().to_vec()).unwrap_or_default();
            }
            (Some(mark), Peek::Take) => {
                incoming.files = mark.rights.take().map(Rights::land).unwrap_or_default();
            }
            (None, _) => {}
        }
        if peek == Peek::Look {
            return Ok(incoming);
        }
        inbox.discard(len);
        while inbox.marks.front().is_some_and(|m| m.end <= end) {
            inbox.marks.pop_front();
        }
        let left = inbox.ring.len();
        let peer = state.peer.upgrade();
        drop(state);
        if let Some(peer) = peer
            && left * 4 <= peer.options.get().send_buffer
        {
            peer.queue.wake(poll::OUT | poll::WRNORM);
        }
        Ok(incoming)
    }
}
