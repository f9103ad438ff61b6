//! What llano was started with as standard input, output and error, when that is no terminal.
//!
//! Bytes go through as they are. The caller's descriptors are never made non-blocking, since others may share them:
//! pipes are opened anew with a flag of our own, sockets are asked call by call, and what allows neither is only
//! touched when poll(2) says that it is ready.

use super::file::{File, FileOps, MapRequest, Seek, oflag};
use super::hostfile::HostFile;
use super::hostfs::{self, Owners};
use super::inode::{Attr, mode};
use crate::env::Env;
use crate::error::{Errno, Result, host};
use crate::user::{self, Dst, Src};
use crate::wait::{WaitQueue, poll};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec;
use core::any::Any;
use core::cell::{Cell, RefCell};
use llano_machine::host::{self as os, HostFd};
use llano_machine::host_meta::HostStat;
use llano_machine::{host_stream, term};

/// What a write to a descriptor that may block offers at most: once poll(2) says "writable", that much fits.
const PIPE_BUF: usize = 4096;
/// How much goes through the kernel at a time.
const CHUNK: usize = 65536;
/// The bell watches for one event, then must be told again: a guest that does not read keeps nobody awake.
const ONESHOT: u32 = 1 << 30;

const TCGETS: u32 = 0x5401;
const TIOCGWINSZ: u32 = 0x5413;
const FIONREAD: u32 = 0x541b;

/// Makes guest files of the standard descriptors among 0 to 2 that `wanted` selects. Descriptors that are one open
/// file of the host become one of the guest's, so that they share a position there too.
pub fn open(env: &Rc<Env>, owners: Owners, wanted: [bool; 3]) -> [Option<Rc<File>>; 3] {
    let mut files: [Option<Rc<File>>; 3] = [None, None, None];
    for fd in 0..3 {
        let Some(std) = wanted[fd].then(|| Std::take(fd as i32, owners)).flatten() else { continue };
        let same =
            files[..fd].iter().flatten().find(|f| f.downcast::<Positioned>().is_some_and(|p| p.shares(&std)));
        if let Some(file) = same {
            files[fd] = Some(file.clone());
            continue;
        }
        let flags = std.flags & (oflag::ACCMODE | oflag::APPEND | oflag::NONBLOCK);
        let position = std.fd.seek(0, 1).unwrap_or(0);
        let ops: Result<Box<dyn FileOps>> = match std.stat.mode & mode::FMT {
            mode::REG => Positioned::new(std, position).map(|file| Box::new(file) as _),
            _ => Stream::new(env, std).map(|file| Box::new(file) as _),
        };
        // Only a host that has no descriptors left refuses; the guest finds this one closed, then.
        let Ok(ops) = ops else { continue };
        let file = File::new(ops, flags, None);
        file.pos.set(if file.ops().seek() == Seek::Stream { 0 } else { position });
        files[fd] = Some(file);
    }
    files
}

/// A standard descriptor.
struct Std {
    number: i32,
    fd: HostFd,
    stat: HostStat,
    flags: u32,
    owners: Owners,
}

impl Std {
    fn take(number: i32, owners: Owners) -> Option<Std> {
        if !host_stream::given(number) {
            return None;
        }
        let fd = HostFd::dup_of(number).ok()?;
        let (stat, flags) = (fd.stat().ok()?, fd.flags().ok()?);
        Some(Std { number, fd, stat, flags, owners })
    }

    fn attr(&self) -> Attr {
        hostfs::attr(&self.fd.stat().unwrap_or(self.stat), &self.owners)
    }

    fn label(&self) -> String {
        String::from_utf8_lossy(&self.fd.shown_name()).into_owned()
    }
}

impl Drop for Std {
    fn drop(&mut self) {
        host_stream::release(self.number);
    }
}

/// Reads once into guest memory, or a kernel buffer.
fn read_once(fd: &HostFd, dst: &mut Dst<'_>, max: usize) -> Result<usize> {
    if let Dst::User(iov) = dst
        && let Some((addr, len)) = iov.segment()
    {
        match fd.read_to_guest(addr, len.min(max)).map_err(host) {
            // The host cannot store into pages that are protected in order to see the guest's writes.
            Err(Errno::EFAULT) => {}
            done => {
                let n = done?;
                iov.advance(n);
                return Ok(n);
            }
        }
    }
    let mut buf = vec![0; dst.left().min(max).min(CHUNK)];
    let n = fd.read(&mut buf).map_err(host)?;
    dst.put(&buf[..n])
}

/// Writes once from guest memory, or a kernel buffer.
fn write_once(fd: &HostFd, src: &mut Src<'_>, max: usize) -> Result<usize> {
    let n = match src {
        Src::Kernel(buf) => fd.write(&buf[..buf.len().min(max)]),
        Src::User(iov) => {
            // Writing nothing is allowed.
            let Some((addr, len)) = iov.segment() else { return Ok(0) };
            fd.write_from_guest(addr, len.min(max))
        }
    }
    .map_err(host)?;
    src.skip(n);
    Ok(n)
}

/// A regular file, whose position on the host moves with the guest's: whoever shares it (the shell's
/// `(llano run a; llano run b) > out`) goes on where the guest stopped.
struct Positioned {
    std: Std,
    /// For reads and writes elsewhere.
    file: HostFile,
    /// Where the host's position is if nobody else moved it.
    at: Cell<u64>,
}

impl Positioned {
    fn new(std: Std, position: u64) -> Result<Positioned> {
        let file = HostFile::new(std.fd.duplicate().map_err(host)?);
        Ok(Positioned { std, file, at: Cell::new(position) })
    }

    fn shares(&self, other: &Std) -> bool {
        let identity = |s: &Std| (s.stat.dev, s.stat.ino, s.flags, s.fd.seek(0, 1).ok());
        self.std.fd.same_open_file(&other.fd).unwrap_or_else(|| identity(&self.std) == identity(other))
    }

    /// Whether an operation at `at` is one at the position, which is then the host's too. (One at an offset of its
    /// own that is the position by chance moves the host's, and the next one here moves it back.)
    fn at_position(&self, file: &File, at: u64) -> Result<bool> {
        if at == self.at.get() {
            return Ok(true);
        }
        let here = at == file.pos.get();
        if here {
            self.follow(at)?;
        }
        Ok(here)
    }

    fn follow(&self, to: u64) -> Result<()> {
        if self.at.replace(to) != to {
            self.std.fd.seek(to as i64, 0).map_err(host)?;
        }
        Ok(())
    }

    /// Repeats `once` until it moves less than what was asked for.
    fn repeat(&self, mut once: impl FnMut() -> Option<Result<usize>>) -> Result<usize> {
        let mut done = 0;
        while let Some(moved) = once() {
            match moved {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if done == 0 => return Err(e),
                Err(_) => break,
            }
        }
        self.at.set(self.at.get() + done as u64);
        Ok(done)
    }
}

impl FileOps for Positioned {
    fn read(&self, file: &File, dst: &mut Dst<'_>, at: u64) -> Result<usize> {
        if !self.at_position(file, at)? {
            return self.file.read(file, dst, at);
        }
        self.repeat(|| (dst.left() > 0).then(|| read_once(&self.std.fd, dst, usize::MAX)))
    }

    fn write(&self, file: &File, src: &mut Src<'_>, at: u64) -> Result<usize> {
        if !self.at_position(file, at)? {
            return self.file.write(file, src, at);
        }
        self.repeat(|| (src.left() > 0).then(|| write_once(&self.std.fd, src, usize::MAX)))
    }

    fn seek(&self) -> Seek {
        self.file.seek()
    }

    fn map(&self, file: &File, request: &MapRequest) -> Result<u64> {
        self.file.map(file, request)
    }

    fn attr(&self) -> Attr {
        self.std.attr()
    }

    fn label(&self) -> String {
        self.std.label()
    }

    fn reopen(&self, flags: u32) -> Result<Box<dyn FileOps>> {
        let flags = flags & (oflag::ACCMODE | oflag::TRUNC);
        Ok(Box::new(HostFile::new(self.std.fd.reopen(flags as i32).map_err(host)?)))
    }

    fn flush(&self, file: &File) {
        // What cannot be moved stays: closing does not fail for that.
        let _ = self.follow(file.pos.get());
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// How to do without waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Opened anew with O_NONBLOCK.
    OwnFlag,
    /// A socket: MSG_DONTWAIT.
    EachCall,
    /// Ask poll(2) before, and move no more than it promised.
    Ask,
}

/// What has no position: a pipe, a socket, a device, a directory.
struct Inner {
    env: Rc<Env>,
    std: Std,
    fd: HostFd,
    way: Way,
    queue: WaitQueue,
    /// Descriptors that the bell watches, for reading and for writing apart, made when first needed.
    watched: [RefCell<Option<(HostFd, u64)>>; 2],
}

struct Stream(Rc<Inner>);

impl Stream {
    fn new(env: &Rc<Env>, std: Std) -> Result<Stream> {
        let kind = std.stat.mode & mode::FMT;
        let access = (std.flags & oflag::ACCMODE) as i32;
        // A terminal or another device might notice being opened.
        let own = (kind == mode::FIFO)
            .then(|| std.fd.reopen(access | os::O_NONBLOCK | os::O_NOCTTY).ok())
            .flatten();
        let (fd, way) = match own {
            Some(fd) => (fd, Way::OwnFlag),
            None if kind == mode::SOCK => (std.fd.duplicate().map_err(host)?, Way::EachCall),
            None => (std.fd.duplicate().map_err(host)?, Way::Ask),
        };
        let queue = env.queue();
        Ok(Stream(Rc::new(Inner { env: env.clone(), std, fd, way, queue, watched: Default::default() })))
    }
}

impl Inner {
    fn kind(&self) -> u32 {
        self.std.stat.mode & mode::FMT
    }

    /// Under [`Way::Ask`]: `EAGAIN` unless the host is ready.
    fn ask(&self, events: u32) -> Result<()> {
        let ready = self.way != Way::Ask || self.kind() == mode::DIR || self.fd.poll(events) != 0;
        if ready { Ok(()) } else { Err(Errno::EAGAIN) }
    }

    /// Asks the bell to wake the queue once for an event.
    fn watch(&self, event: u32) {
        let mut slot = self.watched[usize::from(event == poll::OUT)].borrow_mut();
        if slot.is_none()
            && let Ok(fd) = self.fd.duplicate()
        {
            let mut table = self.env.watched.borrow_mut();
            table.push(Some(self.queue.clone()));
            *slot = Some((fd, table.len() as u64 - 1));
        }
        let armed =
            slot.as_ref().is_some_and(|(fd, key)| self.env.bell.watch(fd, *key, event | ONESHOT).is_ok());
        if !armed {
            // What the host cannot watch is always ready.
            self.queue.wake(event);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for slot in &mut self.watched {
            if let Some((fd, key)) = slot.get_mut().take() {
                self.env.bell.unwatch(&fd);
                self.env.watched.borrow_mut()[key as usize] = None;
            }
        }
    }
}

impl FileOps for Stream {
    fn read(&self, _: &File, dst: &mut Dst<'_>, _: u64) -> Result<usize> {
        self.0.ask(poll::IN)?;
        if self.0.way != Way::EachCall {
            return read_once(&self.0.fd, dst, usize::MAX);
        }
        let mut buf = vec![0; dst.left().min(CHUNK)];
        let n = self.0.fd.receive(&mut buf).map_err(host)?;
        dst.put(&buf[..n])
    }

    fn write(&self, _: &File, src: &mut Src<'_>, _: u64) -> Result<usize> {
        self.0.ask(poll::OUT)?;
        match self.0.way {
            Way::OwnFlag => write_once(&self.0.fd, src, usize::MAX),
            Way::Ask => write_once(&self.0.fd, src, PIPE_BUF),
            Way::EachCall => {
                let mut left = match src {
                    Src::User(iov) => Src::User(&mut iov.clone()),
                    Src::Kernel(buf) => Src::Kernel(buf),
                };
                let mut buf = vec![0; left.left().min(CHUNK)];
                let taken = left.take(&mut buf)?;
                let n = self.0.fd.send(&buf[..taken]).map_err(host)?;
                src.skip(n);
                Ok(n)
            }
        }
    }

    fn seek(&self) -> Seek {
        match self.0.kind() {
            mode::DIR => Seek::Directory,
            mode::CHR => Seek::Ignored,
            _ => Seek::Stream,
        }
    }

    fn poll(&self, _: &File) -> u32 {
        let mut events = self.0.fd.poll(poll::IN | poll::OUT | poll::PRI | poll::RDHUP);
        if events & poll::IN != 0 {
            events |= poll::RDNORM;
        }
        if events & poll::OUT != 0 {
            events |= poll::WRNORM;
        }
        events
    }

    fn queue(&self, _: &File, events: u32) -> Option<WaitQueue> {
        if events & (poll::IN | poll::RDNORM | poll::PRI | poll::RDHUP) != 0 {
            self.0.watch(poll::IN);
        }
        if events & (poll::OUT | poll::WRNORM) != 0 {
            self.0.watch(poll::OUT);
        }
        Some(self.0.queue.clone())
    }

    /// A terminal that is not the console: enough for isatty(3) and the size of the window.
    fn ioctl(&self, _: &File, cmd: u32, arg: u64) -> Result<i64> {
        let fd = self.0.fd.raw();
        match cmd {
            TCGETS => user::put_bytes(arg, &term::host_settings(fd).ok_or(Errno::ENOTTY)?)?,
            TIOCGWINSZ => {
                let (rows, columns) = term::size(fd).ok_or(Errno::ENOTTY)?;
                user::put(arg, &[rows, columns, 0, 0])?;
            }
            FIONREAD => user::put(arg, &self.0.fd.readable_bytes().map_err(host)?)?,
            _ => return Err(Errno::ENOTTY),
        }
        Ok(0)
    }

    fn attr(&self) -> Attr {
        self.0.std.attr()
    }

    fn label(&self) -> String {
        self.0.std.label()
    }

    fn reopen(&self, flags: u32) -> Result<Box<dyn FileOps>> {
        let allowed = match self.0.std.flags & oflag::ACCMODE {
            oflag::RDWR => true,
            one => flags & oflag::ACCMODE == one,
        };
        match self.0.kind() {
            mode::SOCK => Err(Errno::ENXIO),
            _ if allowed => Ok(Box::new(Stream(self.0.clone()))),
            _ => Err(Errno::EACCES),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;

    fn std_of(fd: &impl AsRawFd) -> Std {
        let fd = HostFd::dup_of(fd.as_raw_fd()).unwrap();
        let (stat, flags) = (fd.stat().unwrap(), fd.flags().unwrap());
        Std { number: -1, fd, stat, flags, owners: Owners::default() }
    }

    fn stream(fd: &impl AsRawFd, flags: u32) -> Rc<File> {
        let env = crate::ipc::tests::env();
        File::new(Box::new(Stream::new(&env, std_of(fd)).unwrap()), flags, None)
    }

    #[test]
    fn a_pipe_is_used_without_waiting_and_stays_blocking() {
        let (mut reader, mut writer) = std::io::pipe().unwrap();
        let input = stream(&reader, oflag::RDONLY);
        let output = stream(&writer, oflag::WRONLY);
        let mut buf = [0; 8];
        let read = |buf: &mut [u8]| input.ops().read(&input, &mut Dst::Kernel(buf, 0), 0);
        assert_eq!(read(&mut buf), Err(Errno::EAGAIN));
        assert_eq!(input.ops().poll(&input) & poll::IN, 0);
        writer.write_all(b"abc").unwrap();
        assert_eq!(read(&mut buf), Ok(3));
        let mut nothing = crate::user::UserIov::default();
        assert_eq!(output.ops().write(&output, &mut Src::User(&mut nothing), 0), Ok(0));
        let mut filled = 0;
        while let Ok(n) = output.ops().write(&output, &mut Src::Kernel(&[1; 4096]), 0) {
            filled += n;
        }
        assert_eq!(filled, 65536);
        assert_eq!(std_of(&reader).flags & oflag::NONBLOCK, 0);
        assert_eq!(std_of(&writer).flags & oflag::NONBLOCK, 0);
        reader.read_exact(&mut vec![0; filled]).unwrap();
        drop((input, reader));
        assert_eq!(output.ops().write(&output, &mut Src::Kernel(b"x"), 0), Err(Errno::EPIPE));
    }

    #[test]
    fn a_socket_is_used_without_waiting_and_stays_blocking() {
        let (a, mut b) = std::os::unix::net::UnixStream::pair().unwrap();
        let file = stream(&a, oflag::RDWR);
        let mut buf = [0; 8];
        assert_eq!(file.ops().read(&file, &mut Dst::Kernel(&mut buf, 0), 0), Err(Errno::EAGAIN));
        assert_eq!(file.ops().write(&file, &mut Src::Kernel(b"hi"), 0), Ok(2));
        b.read_exact(&mut buf[..2]).unwrap();
        assert_eq!(&buf[..2], b"hi");
        assert_eq!(std_of(&a).flags & oflag::NONBLOCK, 0);
    }

    #[test]
    fn a_regular_file_shares_its_position() {
        let path = std::env::temp_dir().join(std::format!("llano-console-{}", std::process::id()));
        let mut out = std::fs::File::create(&path).unwrap();
        out.write_all(b"before ").unwrap();
        let open = |std: Std| {
            let at = std.fd.seek(0, 1).unwrap();
            let file = File::new(Box::new(Positioned::new(std, at).unwrap()), oflag::WRONLY, None);
            file.pos.set(at);
            file
        };
        let file = open(std_of(&out));
        assert!(file.downcast::<Positioned>().unwrap().shares(&std_of(&out)));
        let write = |text: &[u8]| {
            let n = file.ops().write(&file, &mut Src::Kernel(text), file.pos.get()).unwrap();
            file.pos.set(file.pos.get() + n as u64);
        };
        write(b"guest ");
        out.write_all(b"host ").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"before guest host ");
        file.pos.set(0);
        write(b"BEFORE");
        file.ops().flush(&file);
        out.write_all(b"_").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"BEFORE_guest host ");
        std::fs::remove_file(path).unwrap();
    }
}
