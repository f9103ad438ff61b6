//! Messages over sockets: send(2), recv(2) and their relatives.

use super::Args;
use super::rw::broken_pipe;
use super::socket::{address, find, socket_of, timed};
use crate::error::{Errno, Fail, Result, SysResult};
use crate::fs::file::File;
use crate::ipc::unix::connect::Address;
use crate::ipc::unix::{Incoming, Kind, Name, Outgoing, Peek, Role, Socket, gc};
use crate::kernel::Kernel;
use crate::task::process::rlimit;
use crate::user::{self, Dst, Src, UserIov};
use crate::wait::{Tid, Wait, Why, poll};
use alloc::rc::Rc;
use alloc::vec::Vec;
use llano_abi::socket::*;

/// The most bytes of control messages in one message (`/proc/sys/net/core/optmem_max`).
const CONTROL_MAX: u64 = 131_072;
/// The most messages in one sendmmsg(2) or recvmmsg(2).
const VECTOR_MAX: u32 = 1024;

const HEADER: usize = size_of::<CmsgHdr>();

/// A message's parts as the program passes them.
struct Message {
    name: u64,
    namelen: i32,
    iov: UserIov,
    control: u64,
    controllen: u64,
}

impl Message {
    fn read(addr: u64) -> Result<Message> {
        let hdr: MsgHdr = user::get(addr)?;
        if hdr.iovlen > 1024 {
            return Err(Errno::EMSGSIZE);
        }
        Ok(Message {
            name: hdr.name,
            namelen: if hdr.name == 0 { 0 } else { hdr.namelen as i32 },
            iov: UserIov::from_iovecs(hdr.iov, hdr.iovlen as usize)?,
            control: hdr.control,
            controllen: hdr.controllen,
        })
    }

    fn plain(addr: u64, len: usize, name: u64, namelen: i32) -> Result<Message> {
        Ok(Message { name, namelen, iov: UserIov::single(addr, len)?, control: 0, controllen: 0 })
    }
}

// ---- sending -----------------------------------------------------------------------------------------------------

/// sendto(2); send(2) is this without an address.
pub fn sys_sendto(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let namelen = if a.u64(4) == 0 { 0 } else { a.i32(5) };
    let message = Message::plain(a.u64(1), a.usize(2), a.u64(4), namelen)?;
    send(k, t, a.i32(0), message, a.u32(3))
}

/// sendmsg(2).
pub fn sys_sendmsg(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    socket_of(k, t, a.i32(0))?;
    let message = Message::read(a.u64(1))?;
    send(k, t, a.i32(0), message, a.u32(2))
}

/// sendmmsg(2).
pub fn sys_sendmmsg(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let fd = a.i32(0);
    socket_of(k, t, fd)?;
    vector(k, t, a.u32(2), |k, i| {
        let at = a.u64(1) + u64::from(i) * size_of::<MmsgHdr>() as u64;
        let sent = send(k, t, fd, Message::read(at)?, a.u32(3))?;
        user::put(at + size_of::<MsgHdr>() as u64, &(sent as u32))?;
        Ok(More::Yes)
    })
}

/// Whether a vector of messages goes on.
enum More {
    Yes,
    No,
}

/// Runs `one` for each of `count` messages, going on where it waited. An error after the first message is not told.
fn vector(
    k: &mut Kernel,
    t: Tid,
    count: u32,
    mut one: impl FnMut(&mut Kernel, u32) -> core::result::Result<More, Fail>,
) -> SysResult {
    let count = count.min(VECTOR_MAX);
    // `value` counts finished messages, `done` bytes of the one in progress.
    let mut i = k.task(t).progress.value as u32;
    while i < count {
        match one(k, i) {
            Ok(more) => {
                i += 1;
                let progress = &mut k.task_mut(t).progress;
                (progress.value, progress.done) = (i.into(), 0);
                if matches!(more, More::No) {
                    break;
                }
            }
            Err(Fail::Wait(wait)) if i == 0 || !k.task(t).progress.interrupted => {
                return Err(Fail::Wait(wait));
            }
            Err(_) if i > 0 => break,
            Err(e) => return Err(e),
        }
    }
    Ok(i.into())
}

/// To whom a message goes, if not to the peer.
fn destination(k: &mut Kernel, t: Tid, socket: &Rc<Socket>, message: &Message) -> Result<Option<Rc<Socket>>> {
    if message.namelen == 0 || socket.kind == Kind::SeqPacket {
        return Ok(None);
    }
    let name = match address(message.name, message.namelen)? {
        Address::Named(name) => name,
        _ => return Err(Errno::EINVAL),
    };
    if socket.kind == Kind::Stream {
        let connected = socket.role() == Role::Connected;
        return Err(if connected { Errno::EISCONN } else { Errno::EOPNOTSUPP });
    }
    let to = find(k, t, socket.kind, &name)?;
    if to.kind != socket.kind {
        return Err(Errno::EPROTOTYPE);
    }
    Ok(Some(to))
}

/// Who a task is to those who receive from it: process, real user and group.
pub fn sender(k: &Kernel, t: Tid) -> Ucred {
    let task = k.task(t);
    Ucred { pid: task.pid, uid: task.cred.uid, gid: task.cred.gid }
}

/// Sends one message; a stream's large ones in several steps. Progress is in `progress.done`.
fn send(k: &mut Kernel, t: Tid, fd: i32, message: Message, flags: u32) -> SysResult {
    let (file, socket) = socket_of(k, t, fd)?;
    if flags & MSG_OOB != 0 {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let mut out = Outgoing::new(sender(k, t));
    let mut done = k.task(t).progress.done;
    if done == 0 {
        read_control(k, t, &message, &mut out)?;
    }
    out.to = destination(k, t, &socket, &message)?;
    let mut iov = message.iov;
    iov.advance(done);
    let stream = socket.kind == Kind::Stream;
    loop {
        match socket.send(&mut Src::User(&mut iov), &mut out) {
            Ok(n) => {
                done += n;
                if !stream || iov.left() == 0 || n == 0 {
                    return Ok(done as i64);
                }
            }
            Err(Errno::EAGAIN) => {
                if file.nonblocking()
                    || flags & MSG_DONTWAIT != 0
                    || k.task(t).progress.interrupted && done > 0
                {
                    return if done > 0 { Ok(done as i64) } else { Err(Errno::EAGAIN.into()) };
                }
                k.task_mut(t).progress.done = done;
                let (queue, room) = socket.send_queues(out.to.as_ref());
                let mut wait = Wait::new(Why::Write(fd)).on(&queue, poll::OUT);
                if let Some(room) = room {
                    wait = wait.on(&room, poll::OUT);
                }
                return match timed(k, t, wait, socket.options.get().send_timeout_ns) {
                    Ok(wait) => Err(wait),
                    Err(_) if done > 0 => Ok(done as i64),
                    Err(e) => Err(e.into()),
                };
            }
            Err(_) if done > 0 => return Ok(done as i64),
            Err(e) => {
                if e == Errno::EPIPE && stream && flags & MSG_NOSIGNAL == 0 {
                    broken_pipe(k, t);
                }
                return Err(e.into());
            }
        }
    }
}

/// Reads the control messages that go with a message.
fn read_control(k: &mut Kernel, t: Tid, message: &Message, out: &mut Outgoing) -> Result<()> {
    if message.control == 0 || message.controllen == 0 {
        return Ok(());
    }
    if message.controllen > CONTROL_MAX {
        return Err(Errno::ENOBUFS);
    }
    let bytes = user::bytes(message.control, message.controllen as usize)?;
    let mut rest = &bytes[..];
    while rest.len() >= HEADER {
        let word = |at: usize| i32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
        let len = u64::from(word(0) as u32) | u64::from(word(4) as u32) << 32;
        if len < HEADER as u64 || len > rest.len() as u64 {
            return Err(Errno::EINVAL);
        }
        let data = &rest[HEADER..len as usize];
        if word(8) == SOL_SOCKET {
            match word(12) {
                SCM_RIGHTS => read_rights(k, t, data, out)?,
                SCM_CREDENTIALS => read_cred(k, t, data, out)?,
                _ => return Err(Errno::EINVAL),
            }
        }
        rest = rest.get((len as usize).next_multiple_of(8)..).unwrap_or_default();
    }
    if !out.files.is_empty() {
        let limit = k.limit(t, rlimit::NOFILE);
        let flying = k.env.ipc.flights.count.get() + out.files.len();
        if flying as u64 > limit && !k.task(t).cred.privileged() {
            return Err(Errno::ETOOMANYREFS);
        }
        gc::before_send(&k.env);
    }
    Ok(())
}

fn read_rights(k: &Kernel, t: Tid, data: &[u8], out: &mut Outgoing) -> Result<()> {
    if out.files.len() + data.len() / 4 > SCM_MAX_FD {
        return Err(Errno::EINVAL);
    }
    for fd in data.chunks_exact(4) {
        let file = k.file(t, i32::from_le_bytes([fd[0], fd[1], fd[2], fd[3]]))?;
        out.files.push(file);
    }
    Ok(())
}

fn read_cred(k: &Kernel, t: Tid, data: &[u8], out: &mut Outgoing) -> Result<()> {
    let word = |i: usize| data.get(4 * i..4 * i + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let (Some(pid), Some(uid), Some(gid), 12) = (word(0), word(1), word(2), data.len()) else {
        return Err(Errno::EINVAL);
    };
    let (me, pid) = (&k.task(t).cred, pid as i32);
    let mine = (pid == k.task(t).pid || k.tables.process(pid).is_some() && me.privileged())
        && ([me.uid, me.euid, me.suid].contains(&uid) || me.privileged())
        && ([me.gid, me.egid, me.sgid].contains(&gid) || me.privileged());
    if !mine {
        return Err(if me.privileged() { Errno::ESRCH } else { Errno::EPERM });
    }
    (out.cred, out.cred_given) = (Ucred { pid, uid, gid }, true);
    Ok(())
}

// ---- receiving ---------------------------------------------------------------------------------------------------

/// recvfrom(2); recv(2) is this without an address.
pub fn sys_recvfrom(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let message = Message::plain(a.u64(1), a.usize(2), 0, 0)?;
    let received = receive(k, t, a.i32(0), message, a.u32(3))?;
    if a.u64(4) != 0 {
        let bytes = received.address();
        let room = match a.u64(5) {
            0 => return Err(Errno::EFAULT.into()),
            at => usize::try_from(user::get::<i32>(at)?).map_err(|_| Errno::EINVAL)?,
        };
        user::put_bytes(a.u64(4), &bytes[..room.min(bytes.len())])?;
        user::put(a.u64(5), &(bytes.len() as i32))?;
    }
    Ok(received.result)
}

/// recvmsg(2).
pub fn sys_recvmsg(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    receive_message(k, t, a.i32(0), a.u64(1), a.u32(2))
}

/// recvmmsg(2).
pub fn sys_recvmmsg(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (fd, flags) = (a.i32(0), a.u32(3));
    socket_of(k, t, fd)?;
    if let Some(timeout) = user::get_opt::<crate::time::Timespec>(a.u64(4))? {
        // It is looked at between messages only (recvmmsg(2), BUGS).
        let ns = timeout.ns()?;
        super::poll::deadline(k, t, Some(ns));
    }
    let timed = a.u64(4) != 0;
    vector(k, t, a.u32(2), |k, i| {
        let at = a.u64(1) + u64::from(i) * size_of::<MmsgHdr>() as u64;
        let later = if i > 0 && flags & MSG_WAITFORONE != 0 { MSG_DONTWAIT } else { 0 };
        let received = receive_message(k, t, fd, at, flags & !MSG_WAITFORONE | later)?;
        user::put(at + size_of::<MsgHdr>() as u64, &(received as u32))?;
        let over = timed && k.task(t).progress.deadline.is_some_and(|d| d <= k.refresh_now());
        Ok(if over { More::No } else { More::Yes })
    })
}

/// What was received.
struct Received {
    incoming: Incoming,
    /// What the call returns.
    result: i64,
    /// `MSG_*` for `msg_flags`.
    flags: u32,
}

impl Received {
    /// The sender's address; none is told of a stream, whose peer is known, or of a nameless sender.
    fn address(&self) -> Vec<u8> {
        self.incoming.from.as_ref().map(|name| Name::to_sockaddr(Some(name))).unwrap_or_default()
    }
}

fn receive_message(k: &mut Kernel, t: Tid, fd: i32, at: u64, flags: u32) -> SysResult {
    socket_of(k, t, fd)?;
    let message = Message::read(at)?;
    let (name, namelen, control, controllen) =
        (message.name, message.namelen, message.control, message.controllen as usize);
    let (_, socket) = socket_of(k, t, fd)?;
    let mut received = receive(k, t, fd, message, flags)?;
    let mut hdr: MsgHdr = user::get(at)?;
    if name != 0 {
        let bytes = received.address();
        let room = usize::try_from(namelen).map_err(|_| Errno::EINVAL)?;
        user::put_bytes(name, &bytes[..room.min(bytes.len())])?;
        hdr.namelen = bytes.len() as u32;
    }
    let mut out = Control { at: control, left: if control == 0 { 0 } else { controllen }, cut: false };
    if socket.options.get().pass_credentials {
        let unknown = Ucred { pid: 0, uid: 65534, gid: 65534 };
        let cred = received.incoming.cred.unwrap_or(unknown);
        let words = [cred.pid as u32, cred.uid, cred.gid];
        out.put(SCM_CREDENTIALS, &words.map(u32::to_le_bytes).concat())?;
    }
    let files = core::mem::take(&mut received.incoming.files);
    out.put_files(k, t, files, flags & MSG_CMSG_CLOEXEC != 0)?;
    hdr.controllen = if control == 0 { 0 } else { out.at - control };
    hdr.flags = received.flags | flags & MSG_CMSG_CLOEXEC | if out.cut { MSG_CTRUNC } else { 0 };
    user::put(at, &hdr)?;
    Ok(received.result)
}

/// Where control messages are stored.
struct Control {
    at: u64,
    left: usize,
    /// Something did not fit.
    cut: bool,
}

impl Control {
    /// Stores a control message, or as much as fits.
    fn put(&mut self, kind: i32, data: &[u8]) -> Result<()> {
        if self.left < HEADER {
            self.cut = true;
            return Ok(());
        }
        let whole = HEADER + data.len();
        let len = whole.min(self.left);
        self.cut |= len < whole;
        user::put(self.at, &CmsgHdr { len: len as u64, level: SOL_SOCKET, kind })?;
        user::put_bytes(self.at + HEADER as u64, &data[..len - HEADER])?;
        let step = whole.next_multiple_of(8).min(self.left);
        self.at += step as u64;
        self.left -= step;
        Ok(())
    }

    /// Gives as many files descriptors as there is room to tell of; the others are closed.
    fn put_files(&mut self, k: &mut Kernel, t: Tid, files: Vec<Rc<File>>, cloexec: bool) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let room = self.left.saturating_sub(HEADER) / 4;
        let mut fds: Vec<u8> = Vec::new();
        let count = files.len();
        for file in files.into_iter().take(room) {
            match k.install(t, file, cloexec) {
                Ok(fd) => fds.extend(fd.to_le_bytes()),
                Err(_) => break,
            }
        }
        self.cut |= fds.len() / 4 < count;
        if fds.is_empty() { Ok(()) } else { self.put(SCM_RIGHTS, &fds) }
    }
}

/// Receives one message; with MSG_WAITALL a stream's bytes in several steps, counted in `progress.done`.
fn receive(
    k: &mut Kernel,
    t: Tid,
    fd: i32,
    message: Message,
    flags: u32,
) -> core::result::Result<Received, Fail> {
    let (file, socket) = socket_of(k, t, fd)?;
    if flags & MSG_OOB != 0 {
        // Nobody can have sent any.
        return Err((if socket.kind == Kind::Stream { Errno::EINVAL } else { Errno::EOPNOTSUPP }).into());
    }
    let peek = if flags & MSG_PEEK != 0 { Peek::Look } else { Peek::Take };
    let mut iov = message.iov;
    let mut done = k.task(t).progress.done;
    iov.advance(done);
    let all = flags & MSG_WAITALL != 0 && peek == Peek::Take && socket.kind == Kind::Stream;
    let timeout = socket.options.get().receive_timeout_ns;
    let impatient = file.nonblocking() || flags & MSG_DONTWAIT != 0;
    let stuck = |k: &mut Kernel, done: usize| {
        if impatient || k.task(t).progress.interrupted && done > 0 {
            return Fail::Err(Errno::EAGAIN);
        }
        k.task_mut(t).progress.done = done;
        let wait = Wait::new(Why::Read(fd)).on(&socket.queue, poll::IN | poll::RDHUP);
        timed(k, t, wait, timeout).unwrap_or_else(Fail::Err)
    };
    let finished = |incoming: Incoming, done: usize| {
        let packet = socket.kind != Kind::Stream;
        let cut = packet && incoming.full_len > incoming.len;
        let result = if packet && flags & MSG_TRUNC != 0 { incoming.full_len } else { done };
        let flags = if cut { MSG_TRUNC } else { 0 };
        Ok(Received { result: result as i64, flags, incoming })
    };
    loop {
        match socket.receive(&mut Dst::User(&mut iov), peek) {
            Ok(incoming) => {
                done += incoming.len;
                let message_ends = incoming.len == 0 || !incoming.files.is_empty() || incoming.cred.is_some();
                if !all || iov.left() == 0 || message_ends {
                    return finished(incoming, done);
                }
            }
            Err(Errno::EAGAIN) if !impatient && socket.at_end() => return finished(Incoming::default(), 0),
            Err(Errno::EAGAIN) => match stuck(k, done) {
                Fail::Err(_) if done > 0 => return finished(Incoming::default(), done),
                fail => return Err(fail),
            },
            Err(_) if done > 0 => return finished(Incoming::default(), done),
            Err(e) => return Err(e.into()),
        }
    }
}
