//! Sockets: making, naming and connecting them. Messages are in [`super::message`], options in [`super::sockopt`].

use super::Args;
use super::inotify;
use super::place::{AT_FDCWD, Entry, Seeker, base};
use crate::error::{Errno, Fail, Result, SysResult};
use crate::fs::file::{File, oflag};
use crate::fs::inode::mode;
use crate::fs::namei::Follow;
use crate::ipc::unix::connect::Address;
use crate::ipc::unix::{Kind, Name, Socket, SocketFile};
use crate::kernel::{Kernel, log};
use crate::user;
use crate::wait::{OnSignal, Tid, Wait, Why, poll};
use alloc::boxed::Box;
use alloc::rc::Rc;
use llano_abi::socket::*;

/// `struct sockaddr_storage`'s size: no address is longer.
const ADDRESS_MAX: usize = 128;

/// What `socket(domain, type, protocol)` asks for.
///
/// # Errors
/// `EAFNOSUPPORT` for all families but AF_UNIX; `EINVAL`, `ESOCKTNOSUPPORT`, `EPROTONOSUPPORT`.
fn kind_of(a: &Args) -> Result<(Kind, u32)> {
    let (family, given, protocol) = (a.i32(0), a.i32(1), a.i32(2));
    let (kind, flags) = (given & SOCK_TYPE_MASK, given & !SOCK_TYPE_MASK);
    if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    if family != i32::from(AF_UNIX) {
        return Err(Errno::EAFNOSUPPORT);
    }
    if kind >= SOCK_MAX {
        return Err(Errno::EINVAL);
    }
    if protocol != 0 && protocol != i32::from(AF_UNIX) {
        return Err(Errno::EPROTONOSUPPORT);
    }
    let kind = match kind {
        SOCK_STREAM => Kind::Stream,
        SOCK_DGRAM | SOCK_RAW => Kind::Dgram,
        SOCK_SEQPACKET => Kind::SeqPacket,
        _ => return Err(Errno::ESOCKTNOSUPPORT),
    };
    Ok((kind, flags as u32))
}

/// Says in the log which socket there is not.
fn refused(k: &mut Kernel, t: Tid, a: &Args, error: Errno) {
    let (family, kind, protocol) = (a.i32(0), a.i32(1), a.i32(2));
    log!(k, DEBUG, "net", "task {t}: socket({family}, {kind:#x}, {protocol}): {}", error.message());
}

/// Who a task is to its peers: process, effective user and group.
fn identity(k: &Kernel, t: Tid) -> Ucred {
    let task = k.task(t);
    Ucred { pid: task.pid, uid: task.cred.euid, gid: task.cred.egid }
}

fn install(k: &mut Kernel, t: Tid, socket: Rc<Socket>, flags: u32) -> Result<i32> {
    let status = oflag::RDWR | flags & oflag::NONBLOCK;
    let file = File::new(Box::new(SocketFile(socket)), status, None);
    k.install(t, file, flags & oflag::CLOEXEC != 0)
}

/// The socket behind a descriptor, and its file.
///
/// # Errors
/// `EBADF`, `ENOTSOCK`.
pub fn socket_of(k: &Kernel, t: Tid, fd: i32) -> Result<(Rc<File>, Rc<Socket>)> {
    let file = k.file(t, fd)?;
    if file.is_path() {
        return Err(Errno::EBADF);
    }
    let socket = file.downcast::<SocketFile>().ok_or(Errno::ENOTSOCK)?.0.clone();
    Ok((file, socket))
}

/// Reads an address argument.
///
/// # Errors
/// `EINVAL` for a bad length or a family other than AF_UNIX, `EFAULT`.
pub fn address(addr: u64, len: i32) -> Result<Address> {
    match usize::try_from(len) {
        Ok(len) if len <= ADDRESS_MAX => Address::parse(&user::bytes(addr, len)?),
        _ => Err(Errno::EINVAL),
    }
}

/// The socket that has a name; a path may lead to one of another type.
///
/// # Errors
/// `ECONNREFUSED`: nobody listens there; `EACCES`; those of the walk.
pub fn find(k: &Kernel, t: Tid, kind: Kind, name: &Name) -> Result<Rc<Socket>> {
    match name {
        Name::Abstract(name) => k.env.ipc.bound.find_abstract(kind, name),
        Name::Path(path) => {
            let seeker = Seeker::new(k, t);
            let at = seeker.walk(&base(k, t, AT_FDCWD, path)?, path, Follow::Yes)?;
            let attr = at.inode().attr()?;
            seeker.may(2, &attr)?;
            if attr.kind() != mode::SOCK {
                return Err(Errno::ECONNREFUSED);
            }
            k.env.ipc.bound.find_inode((attr.dev, attr.ino))
        }
    }
}

/// Stores a `sockaddr` as far as there is room, and its whole length.
///
/// # Errors
/// `EINVAL`: negative room; `EFAULT`.
fn put_address(name: Option<&Name>, addr: u64, len_addr: u64) -> Result<()> {
    let bytes = Name::to_sockaddr(name);
    let room = usize::try_from(user::get::<i32>(len_addr)?).map_err(|_| Errno::EINVAL)?;
    user::put_bytes(addr, &bytes[..room.min(bytes.len())])?;
    user::put(len_addr, &(bytes.len() as i32))
}

/// socket(2).
pub fn sys_socket(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (kind, flags) = kind_of(a).inspect_err(|e| refused(k, t, a, *e))?;
    let socket = Socket::new(&k.env, kind, identity(k, t));
    Ok(install(k, t, socket, flags)?.into())
}

/// socketpair(2).
pub fn sys_socketpair(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (kind, flags) = kind_of(a)?;
    let (one, two) = Socket::pair(&k.env, kind, identity(k, t));
    let one = install(k, t, one, flags)?;
    let two = install(k, t, two, flags);
    let stored = two.and_then(|two| user::put(a.u64(3), &[one, two]));
    if let Err(e) = stored {
        let mut files = k.task(t).files.borrow_mut();
        let made = [files.remove(one), two.and_then(|fd| files.remove(fd))];
        drop(files);
        drop(made);
        return Err(e.into());
    }
    Ok(0)
}

/// bind(2).
pub fn sys_bind(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (_, socket) = socket_of(k, t, a.i32(0))?;
    match address(a.u64(1), a.i32(2))? {
        Address::None => return Err(Errno::EINVAL.into()),
        Address::Auto => socket.bind_auto()?,
        Address::Named(Name::Abstract(name)) => socket.bind_abstract(name)?,
        Address::Named(Name::Path(path)) => bind_path(k, t, &socket, &path)?,
    }
    Ok(0)
}

fn bind_path(k: &mut Kernel, t: Tid, socket: &Rc<Socket>, path: &[u8]) -> Result<()> {
    if socket.name().is_some() {
        return Err(Errno::EINVAL);
    }
    let entry = Entry::find_path(k, t, AT_FDCWD, path)?;
    let taken = |e| if e == Errno::EEXIST { Errno::EADDRINUSE } else { e };
    let name = entry.to_create(mode::SOCK).map_err(taken)?;
    let new = entry.seeker.new_file(&entry.dir_attr, mode::SOCK | 0o777, 0);
    let inode = entry.dir.inode().create(name, &new).map_err(taken)?;
    let attr = inode.attr()?;
    inotify::tell_created(k, &entry.dir, name, mode::SOCK);
    socket.bind_inode(path.to_vec(), (attr.dev, attr.ino))
}

/// listen(2).
pub fn sys_listen(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (_, socket) = socket_of(k, t, a.i32(0))?;
    // A negative backlog is a large one.
    let backlog = a.u32(1).min(SOMAXCONN as u32) as usize;
    socket.listen(backlog, identity(k, t))?;
    Ok(0)
}

/// connect(2).
pub fn sys_connect(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (file, socket) = socket_of(k, t, a.i32(0))?;
    let name = match address(a.u64(1), a.i32(2))? {
        Address::Named(name) => name,
        Address::None if socket.kind == Kind::Dgram => {
            socket.disconnect();
            return Ok(0);
        }
        _ => return Err(Errno::EINVAL.into()),
    };
    let to = find(k, t, socket.kind, &name)?;
    match socket.connect(&to, identity(k, t)) {
        Err(Errno::EAGAIN) if !file.nonblocking() => {
            let timeout = socket.options.get().send_timeout_ns;
            let wait = Wait::new(Why::Write(a.i32(0))).on(&to.room, poll::OUT);
            Err(timed(k, t, wait, timeout)?)
        }
        result => Ok(result.map(|()| 0)?),
    }
}

/// A wait that ends with `EAGAIN` after SO_RCVTIMEO or SO_SNDTIMEO; calls with a timeout are not restarted
/// (signal(7)).
pub fn timed(k: &mut Kernel, t: Tid, wait: Wait, timeout_ns: Option<u64>) -> Result<Fail> {
    let deadline = super::poll::deadline(k, t, timeout_ns);
    if super::poll::over(k, t, deadline) {
        return Err(Errno::EAGAIN);
    }
    let on_signal = if deadline.is_some() { OnSignal::Interrupt } else { OnSignal::Restart };
    Ok(wait.until(deadline).signals(on_signal).into())
}

/// accept(2).
pub fn sys_accept(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    accept(k, t, a, 0)
}

/// accept4(2).
pub fn sys_accept4(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    accept(k, t, a, a.u32(3))
}

fn accept(k: &mut Kernel, t: Tid, a: &Args, flags: u32) -> SysResult {
    if flags & !(oflag::CLOEXEC | oflag::NONBLOCK) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let (file, socket) = socket_of(k, t, a.i32(0))?;
    k.task(t).files.borrow().free(0, k.limit(t, crate::task::process::rlimit::NOFILE))?;
    let connection = match socket.accept() {
        Err(Errno::EAGAIN) if !file.nonblocking() => {
            let timeout = socket.options.get().receive_timeout_ns;
            let wait = Wait::new(Why::Read(a.i32(0))).on(&socket.queue, poll::IN);
            return Err(timed(k, t, wait, timeout)?);
        }
        result => result?,
    };
    let fd = install(k, t, connection.clone(), flags)?;
    if a.u64(1) != 0 {
        let peer = connection.peer_name().unwrap_or_default();
        if let Err(e) = put_address(peer.as_deref(), a.u64(1), a.u64(2)) {
            let file = k.task(t).files.borrow_mut().remove(fd);
            drop(file);
            return Err(e.into());
        }
    }
    Ok(fd.into())
}

/// getsockname(2).
pub fn sys_getsockname(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (_, socket) = socket_of(k, t, a.i32(0))?;
    put_address(socket.name().as_deref(), a.u64(1), a.u64(2))?;
    Ok(0)
}

/// getpeername(2).
pub fn sys_getpeername(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (_, socket) = socket_of(k, t, a.i32(0))?;
    put_address(socket.peer_name()?.as_deref(), a.u64(1), a.u64(2))?;
    Ok(0)
}

/// shutdown(2).
pub fn sys_shutdown(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (_, socket) = socket_of(k, t, a.i32(0))?;
    socket.shutdown(a.i32(1))?;
    Ok(0)
}
