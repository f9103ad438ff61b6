//! Pipes and FIFOs (pipe(7)).
//!
//! A ring of bytes with two kinds of ends. Writes of up to [`PIPE_BUF`] bytes are all or nothing. What O_DIRECT writes
//! are packets; only while some are in the pipe are boundaries kept at all.

use super::ring::Ring;
use crate::env::Env;
use crate::error::{Errno, Result};
use crate::fs::file::{File, FileOps, oflag};
use crate::fs::inode::{Attr, mode};
use crate::user::{self, Dst, Src};
use crate::wait::{WaitQueue, poll};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;
use core::cell::{Cell, RefCell};

/// Writes up to this size are atomic.
pub const PIPE_BUF: usize = 4096;
/// The default capacity, bytes.
pub const CAPACITY: usize = 65536;
/// What F_SETPIPE_SZ allows without privilege (`/proc/sys/fs/pipe-max-size`).
pub const MAX_SIZE: usize = 1 << 20;

const FIONREAD: u32 = 0x541b;

/// A pipe. It exists as long as it has ends.
pub struct Pipe {
    queue: WaitQueue,
    /// Those who wait in open(2) for the other side.
    waiting_readers: WaitQueue,
    waiting_writers: WaitQueue,
    ino: u64,
    created: i64,
    /// Who made it: user and group.
    pub owner: Cell<(u32, u32)>,
    state: RefCell<State>,
}

struct State {
    ring: Ring,
    /// Boundaries, while packets are in the pipe; then the lengths sum up to the ring's.
    chunks: VecDeque<Chunk>,
    capacity: usize,
    readers: u32,
    writers: u32,
    /// How often each side was ever opened.
    read_opens: u64,
    write_opens: u64,
}

#[derive(Clone, Copy)]
struct Chunk {
    len: usize,
    packet: bool,
}

/// Which side an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// For reading.
    Read,
    /// For writing.
    Write,
    /// A FIFO opened O_RDWR.
    Both,
}

impl Side {
    fn of(flags: u32) -> Side {
        match flags & oflag::ACCMODE {
            oflag::RDONLY => Side::Read,
            oflag::WRONLY => Side::Write,
            _ => Side::Both,
        }
    }
}

/// One end of a pipe: the operations of an open file.
pub struct PipeEnd {
    pipe: Rc<Pipe>,
    side: Side,
    /// Writers that had come and gone when a FIFO was opened without one: until another comes it is not hung up.
    seen: u64,
}

impl Pipe {
    /// A pipe without ends.
    pub fn new(env: &Env) -> Rc<Pipe> {
        Rc::new(Pipe {
            queue: env.queue(),
            waiting_readers: env.queue(),
            waiting_writers: env.queue(),
            ino: env.new_ino(),
            created: env.realtime_ns() as i64,
            owner: Cell::default(),
            state: RefCell::new(State {
                ring: Ring::default(),
                chunks: VecDeque::new(),
                capacity: CAPACITY,
                readers: 0,
                writers: 0,
                read_opens: 0,
                write_opens: 0,
            }),
        })
    }

    /// pipe(2): both ends of a new pipe, for reading and for writing.
    pub fn pair(env: &Env) -> (Box<dyn FileOps>, Box<dyn FileOps>) {
        let pipe = Pipe::new(env);
        (Box::new(pipe.end(Side::Read)), Box::new(pipe.end(Side::Write)))
    }

    /// Its inode's number, as `pipe:[12]` shows it.
    pub fn number(&self) -> u64 {
        self.ino
    }

    fn end(self: &Rc<Pipe>, side: Side) -> PipeEnd {
        let mut state = self.state.borrow_mut();
        if side != Side::Write {
            state.readers += 1;
            state.read_opens += 1;
        }
        if side != Side::Read {
            state.writers += 1;
            state.write_opens += 1;
        }
        drop(state);
        PipeEnd { pipe: self.clone(), side, seen: 0 }
    }

    /// Opens an end of a FIFO with these open flags. It counts from now on, but open(2) is only over when it has
    /// [`Pipe::met`] the other side.
    ///
    /// # Errors
    /// `ENXIO`: O_WRONLY and O_NONBLOCK without a reader.
    pub fn attach(self: &Rc<Pipe>, flags: u32) -> Result<Box<dyn FileOps>> {
        let side = Side::of(flags);
        if side == Side::Write && flags & oflag::NONBLOCK != 0 && !self.has_readers() {
            return Err(Errno::ENXIO);
        }
        let (alone, opens) = (!self.has_writers(), self.opens());
        let mut end = self.end(side);
        if side == Side::Read && alone {
            end.seen = opens.1;
        }
        if side != Side::Write {
            self.waiting_writers.wake(poll::OUT);
        }
        if side != Side::Read {
            self.waiting_readers.wake(poll::IN);
        }
        Ok(Box::new(end))
    }

    /// Whether an end attached with these flags has another side, or had one: `since` is what [`Pipe::opens`] said
    /// before it was attached.
    pub fn met(&self, flags: u32, since: (u64, u64)) -> bool {
        let opens = self.opens();
        match Side::of(flags) {
            Side::Read => flags & oflag::NONBLOCK != 0 || self.has_writers() || opens.1 != since.1,
            Side::Write => self.has_readers() || opens.0 != since.0,
            Side::Both => true,
        }
    }

    /// How often it was opened for reading and for writing.
    pub fn opens(&self) -> (u64, u64) {
        let state = self.state.borrow();
        (state.read_opens, state.write_opens)
    }

    /// Where an open(2) with these flags waits for the other side, and the event it waits for.
    pub fn open_queue(&self, flags: u32) -> (&WaitQueue, u32) {
        if flags & oflag::ACCMODE == oflag::RDONLY {
            (&self.waiting_readers, poll::IN)
        } else {
            (&self.waiting_writers, poll::OUT)
        }
    }

    /// Someone has an end.
    pub fn in_use(&self) -> bool {
        self.has_readers() || self.has_writers()
    }

    /// Someone can read.
    pub fn has_readers(&self) -> bool {
        self.state.borrow().readers > 0
    }

    /// Someone can write.
    pub fn has_writers(&self) -> bool {
        self.state.borrow().writers > 0
    }

    fn read(&self, dst: &mut Dst<'_>) -> Result<usize> {
        let mut state = self.state.borrow_mut();
        if state.ring.is_empty() && state.chunks.is_empty() {
            drop(state);
            return if self.has_writers() { Err(Errno::EAGAIN) } else { Ok(0) };
        }
        let done = state.read(dst)?;
        let room = state.free() >= PIPE_BUF;
        drop(state);
        self.made_room(room);
        Ok(done)
    }

    fn made_room(&self, room: bool) {
        if room {
            self.queue.wake(poll::OUT | poll::WRNORM);
        }
    }

    fn write(&self, src: &mut Src<'_>, packets: bool) -> Result<usize> {
        let len = src.left();
        if len == 0 {
            return Ok(0);
        }
        if !self.has_readers() {
            return Err(Errno::EPIPE);
        }
        let mut state = self.state.borrow_mut();
        let free = state.free();
        if free == 0 || len <= PIPE_BUF && free < len {
            return Err(Errno::EAGAIN);
        }
        let done = state.write(src, free, packets)?;
        drop(state);
        self.queue.wake(poll::IN | poll::RDNORM);
        Ok(done)
    }

    /// F_GETPIPE_SZ.
    pub fn capacity(&self) -> usize {
        self.state.borrow().capacity
    }

    /// F_SETPIPE_SZ: rounds up to a power of two of pages; returns the new capacity.
    ///
    /// # Errors
    /// `EINVAL`: beyond 2^31; `EPERM`: beyond [`MAX_SIZE`] without privilege; `EBUSY`: more than that is in the pipe.
    pub fn set_capacity(&self, size: usize, privileged: bool) -> Result<usize> {
        if size > 1 << 31 || size == 0 {
            return Err(Errno::EINVAL);
        }
        let capacity = size.max(PIPE_BUF).next_power_of_two();
        let mut state = self.state.borrow_mut();
        if capacity > state.capacity && capacity > MAX_SIZE && !privileged {
            return Err(Errno::EPERM);
        }
        if state.ring.len().max(state.chunks.len() * PIPE_BUF) > capacity {
            return Err(Errno::EBUSY);
        }
        state.capacity = capacity;
        let room = state.free() >= PIPE_BUF;
        drop(state);
        self.made_room(room);
        Ok(capacity)
    }

    /// Bytes in it.
    pub fn len(&self) -> usize {
        self.state.borrow().ring.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies what is in it, from `skip` bytes on, and leaves it there (tee).
    pub fn peek(&self, dst: &mut Dst<'_>, skip: usize) -> Result<usize> {
        let want = dst.left();
        self.state.borrow().ring.peek_into(dst, skip, want)
    }

    /// Bytes that can be written now.
    pub fn room(&self) -> usize {
        self.state.borrow().free()
    }

    /// Drops bytes that were peeked at (splice). Packets lose their borders.
    pub fn discard(&self, n: usize) {
        let mut state = self.state.borrow_mut();
        state.ring.discard(n);
        state.chunks.clear();
        let room = state.free() >= PIPE_BUF;
        drop(state);
        self.made_room(room);
    }
}

impl State {
    /// Bytes that fit; packets take a page each, however small they are.
    fn free(&self) -> usize {
        let free = self.capacity.saturating_sub(self.ring.len());
        if self.chunks.len() * PIPE_BUF >= self.capacity { 0 } else { free }
    }

    fn read(&mut self, dst: &mut Dst<'_>) -> Result<usize> {
        let Some(&chunk) = self.chunks.front() else {
            return self.ring.pop_into(dst, usize::MAX);
        };
        let done = self.ring.pop_into(dst, chunk.len)?;
        if chunk.packet {
            // The rest of a packet that did not fit is lost.
            self.ring.discard(chunk.len - done);
        }
        if chunk.packet || done == chunk.len {
            self.chunks.pop_front();
        } else {
            self.chunks[0].len -= done;
        }
        if self.chunks.iter().all(|c| !c.packet) {
            self.chunks.clear();
        }
        Ok(done)
    }

    fn write(&mut self, src: &mut Src<'_>, free: usize, packets: bool) -> Result<usize> {
        if !packets && self.chunks.is_empty() {
            return self.ring.push_from(src, free);
        }
        if self.chunks.is_empty() && !self.ring.is_empty() {
            self.chunks.push_back(Chunk { len: self.ring.len(), packet: false });
        }
        let limit = if packets { free.min(PIPE_BUF) } else { free };
        let len = self.ring.push_from(src, limit)?;
        match self.chunks.back_mut() {
            Some(last) if !last.packet && !packets => last.len += len,
            _ => self.chunks.push_back(Chunk { len, packet: packets }),
        }
        Ok(len)
    }
}

impl PipeEnd {
    /// The pipe it belongs to.
    pub fn pipe(&self) -> &Rc<Pipe> {
        &self.pipe
    }

    /// Which side of it this is.
    pub fn side(&self) -> Side {
        self.side
    }
}

impl FileOps for PipeEnd {
    fn read(&self, _file: &File, dst: &mut Dst<'_>, _at: u64) -> Result<usize> {
        self.pipe.read(dst)
    }

    fn write(&self, file: &File, src: &mut Src<'_>, _at: u64) -> Result<usize> {
        self.pipe.write(src, file.flags.get() & oflag::DIRECT != 0)
    }

    fn reopen(&self, flags: u32) -> Result<Box<dyn FileOps>> {
        self.pipe.attach(flags)
    }

    fn poll(&self, _file: &File) -> u32 {
        let state = self.pipe.state.borrow();
        let mut bits = 0;
        if self.side != Side::Write {
            bits |= if !state.ring.is_empty() { poll::IN | poll::RDNORM } else { 0 };
            bits |= if state.writers == 0 && state.write_opens != self.seen { poll::HUP } else { 0 };
        }
        if self.side != Side::Read {
            bits |= if state.free() >= PIPE_BUF { poll::OUT | poll::WRNORM } else { 0 };
            bits |= if state.readers == 0 { poll::ERR } else { 0 };
        }
        bits
    }

    fn queue(&self, _file: &File, _events: u32) -> Option<WaitQueue> {
        Some(self.pipe.queue.clone())
    }

    fn ioctl(&self, _file: &File, cmd: u32, arg: u64) -> Result<i64> {
        match cmd {
            FIONREAD => user::put(arg, &(self.pipe.len() as i32)).map(|()| 0),
            _ => Err(Errno::ENOTTY),
        }
    }

    fn attr(&self) -> Attr {
        let t = self.pipe.created;
        let (uid, gid) = self.pipe.owner.get();
        Attr {
            dev: 0xe,
            ino: self.pipe.ino,
            mode: mode::FIFO | 0o600,
            nlink: 1,
            uid,
            gid,
            blksize: 4096,
            atime: t,
            mtime: t,
            ctime: t,
            ..Attr::default()
        }
    }

    fn label(&self) -> String {
        format!("pipe:[{}]", self.pipe.ino)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        let mut state = self.pipe.state.borrow_mut();
        let mut events = 0;
        if self.side != Side::Write {
            state.readers -= 1;
            events |= if state.readers == 0 { poll::ERR | poll::OUT } else { 0 };
        }
        if self.side != Side::Read {
            state.writers -= 1;
            events |= if state.writers == 0 { poll::HUP | poll::IN } else { 0 };
        }
        drop(state);
        if events != 0 {
            self.pipe.queue.wake(events);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::tests::{env, pipe, read, write};

    fn ask(file: &File) -> u32 {
        file.ops().poll(file)
    }

    #[test]
    fn writes_up_to_pipe_buf_are_all_or_nothing() {
        let env = env();
        let (r, w) = pipe(&env, 0);
        assert_eq!(write(&w, &[1; CAPACITY - 100]), Ok(CAPACITY - 100));
        assert_eq!(ask(&w), 0);
        assert_eq!(write(&w, &[2; 101]), Err(Errno::EAGAIN));
        assert_eq!(write(&w, &[2; 5000]), Ok(100));
        assert_eq!(write(&w, &[2; 1]), Err(Errno::EAGAIN));
        assert_eq!(read(&r, 4095).unwrap().len(), 4095);
        assert_eq!(ask(&w), 0);
        assert_eq!(read(&r, 1).unwrap().len(), 1);
        assert_eq!(ask(&w), poll::OUT | poll::WRNORM);
        assert_eq!(write(&w, &[3; 4096]), Ok(4096));
    }

    #[test]
    fn the_last_end_hangs_up() {
        let env = env();
        let (r, w) = pipe(&env, 0);
        assert_eq!(read(&r, 1), Err(Errno::EAGAIN));
        write(&w, b"last").unwrap();
        drop(w);
        assert_eq!(ask(&r), poll::IN | poll::RDNORM | poll::HUP);
        assert_eq!(read(&r, 9).unwrap(), b"last");
        assert_eq!(read(&r, 9).unwrap(), b"");
        assert_eq!(ask(&r), poll::HUP);
        let (r, w) = pipe(&env, 0);
        drop(r);
        assert_eq!(ask(&w), poll::OUT | poll::WRNORM | poll::ERR);
        assert_eq!(write(&w, b"x"), Err(Errno::EPIPE));
        assert_eq!(write(&w, b""), Ok(0));
    }

    #[test]
    fn packets_are_read_one_at_a_time_and_cut() {
        let env = env();
        let (r, w) = pipe(&env, oflag::DIRECT);
        write(&w, b"hello").unwrap();
        write(&w, b"world").unwrap();
        assert_eq!(write(&w, &[7; 5000]), Ok(4096));
        w.flags.set(oflag::WRONLY);
        write(&w, b"str").unwrap();
        write(&w, b"eam").unwrap();
        assert_eq!(read(&r, 3).unwrap(), b"hel");
        assert_eq!(read(&r, 9).unwrap(), b"world");
        assert_eq!(read(&r, 9999).unwrap(), [7; 4096]);
        assert_eq!(read(&r, 99).unwrap(), b"stream");
        w.flags.set(oflag::WRONLY | oflag::DIRECT);
        for _ in 0..16 {
            write(&w, b"p").unwrap();
        }
        assert_eq!(write(&w, b"p"), Err(Errno::EAGAIN));
    }

    #[test]
    fn sizes() {
        let env = env();
        let (r, w) = pipe(&env, 0);
        let pipe = w.downcast::<PipeEnd>().unwrap().pipe();
        assert_eq!(pipe.set_capacity(5000, false), Ok(8192));
        write(&w, &[0; 8192]).unwrap();
        assert_eq!(pipe.set_capacity(4096, false), Err(Errno::EBUSY));
        assert_eq!(pipe.set_capacity(0, false), Err(Errno::EINVAL));
        assert_eq!(pipe.set_capacity(MAX_SIZE + 1, false), Err(Errno::EPERM));
        assert_eq!(pipe.set_capacity(MAX_SIZE + 1, true), Ok(2 * MAX_SIZE));
        drop(r);
    }

    #[test]
    fn a_fifo_opens_when_both_sides_are_there() {
        let env = env();
        let fifo = env.ipc.fifo(&env, (1, 2));
        let start = fifo.opens();
        let nonblocking = oflag::WRONLY | oflag::NONBLOCK;
        assert_eq!(fifo.attach(nonblocking).err(), Some(Errno::ENXIO));
        let r = File::new(fifo.attach(oflag::RDONLY).unwrap(), oflag::RDONLY, None);
        assert!(!fifo.met(oflag::RDONLY, start));
        // The reader waits; a writer that comes, writes and goes is not missed.
        fifo.open_queue(oflag::RDONLY).0.add(5, poll::IN);
        let w = File::new(fifo.attach(nonblocking).unwrap(), nonblocking, None);
        assert_eq!(env.wakes.pop(), Some(5));
        write(&w, b"hi").unwrap();
        drop(w);
        assert!(fifo.met(oflag::RDONLY, start));
        let again = env.ipc.fifo(&env, (1, 2));
        assert!(Rc::ptr_eq(&fifo, &again));
        assert_eq!(read(&r, 9).unwrap(), b"hi");
        assert_eq!(read(&r, 9).unwrap(), b"");
        // Opened while nobody writes, it does not look hung up until a writer came and went.
        let r2 = File::new(again.attach(oflag::RDONLY | oflag::NONBLOCK).unwrap(), 0, None);
        assert_eq!((ask(&r) & poll::HUP, ask(&r2) & poll::HUP), (poll::HUP, 0));
        drop(again.attach(oflag::WRONLY).unwrap());
        assert_eq!(ask(&r2) & poll::HUP, poll::HUP);
        // Unused, it is forgotten with its contents.
        drop((r, r2, again));
        assert!(!Rc::ptr_eq(&fifo, &env.ipc.fifo(&env, (1, 2))));
    }
}
