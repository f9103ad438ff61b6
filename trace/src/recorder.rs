//! Writes the records into the ring.
//!
//! Records carry no number of their own: the ring counts them, and the count of all records ever written is the next
//! one's sequence number. When the ring is full the oldest *packet* goes at once, as in the trace formats whose unit
//! it is. The ring's memory is touched as it fills, so a large one costs a short run nothing.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::AtomicU64;

use llano_abi::layout::Dir;
use llano_abi::syscalls::{self, ArgKind, NR_LIMIT, SYSCALLS, Syscall};

use crate::filter::{CallSet, Filter};
use crate::record::{self, BytesKind, Counter, Event, Irq, Record, TaskState, TimerKind, Waiting};
use crate::ring::{PACKET, Reader, Ring, heap_words};
use crate::selection::{Chooser, Selection};

/// The ring and what it keeps.
#[derive(Debug)]
pub struct Recorder {
    ring: Arc<Ring>,
    /// Sequence number of the next record.
    next: u64,
    /// Up to which one it can be written at once; for ever, unless nothing may be lost.
    limit: u64,
    /// Passes a little time, if nothing may be lost and the reader is behind.
    wait: Option<fn() -> bool>,
    /// What is kept now: `wanted`, or nothing.
    filter: Filter,
    wanted: Selection,
    /// What is asked about records that `filter` does not keep, if somebody wants some of a kind only.
    chooser: Option<Box<Chooser>>,
    /// Calls of more than four arguments.
    wide: CallSet,
    detail: Detail,
    /// Calls that read something worth keeping.
    reading: CallSet,
    /// Calls that leave something worth keeping.
    leaving: CallSet,
}

/// How much is kept of what calls read and write.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Detail {
    /// Strings, and what descriptors are open on.
    Strings,
    /// Structures and the heads of buffers too.
    Full,
}

impl Detail {
    /// Whether what `call` reads is kept.
    fn reads(self, call: &Syscall) -> bool {
        let reads = call.args.iter().any(|arg| match arg.kind {
            ArgKind::Path | ArgKind::Str => true,
            ArgKind::Mem(dir, _) => self == Detail::Full && dir.is_read(),
            _ => false,
        });
        reads || (self == Detail::Full && call.is_multiplexed())
    }

    /// Whether what `call` leaves is kept.
    fn leaves(self, call: &Syscall) -> bool {
        let writes = |kind| matches!(kind, ArgKind::Mem(dir, _) if dir != Dir::In);
        let memory = call.is_multiplexed() || call.args.iter().any(|arg| writes(arg.kind));
        call.makes_fds() || fills_pipes(call.nr.into()) || (self == Detail::Full && memory)
    }
}

/// Whether a call moves bytes into pipes or out of them: how full they are then is recorded.
fn fills_pipes(nr: usize) -> bool {
    use llano_abi::syscalls::nr::{READ, READV, SENDFILE, SPLICE, TEE, VMSPLICE, WRITE, WRITEV};
    [READ, WRITE, READV, WRITEV, SPLICE, TEE, VMSPLICE, SENDFILE].contains(&nr)
}

/// Whether a call takes more arguments than its record holds. Of numbers Linux does not have nobody knows.
pub fn is_wide(nr: usize) -> bool {
    syscalls::lookup(nr).is_none_or(|call| call.args.len() > 4)
}

impl Recorder {
    /// A ring of about `bytes` of the heap, rounded to a power of two of at least two packets, that keeps everything.
    /// Its memory is never given back.
    pub fn new(bytes: usize) -> Recorder {
        Recorder::over(heap_words(bytes))
    }

    /// A ring in `words` that keeps everything.
    pub fn over(words: &'static [AtomicU64]) -> Recorder {
        let mut wide = CallSet::NONE;
        for nr in (0..NR_LIMIT).filter(|&nr| is_wide(nr)) {
            wide.insert(nr);
        }
        wide.insert_unknown();
        let mut recorder = Recorder {
            ring: Ring::new(words),
            filter: Filter::ALL,
            wanted: Filter::ALL.into(),
            chooser: None,
            wide,
            ..Recorder::off()
        };
        recorder.set_detail(Detail::Strings);
        recorder
    }

    /// A recorder without a ring, which never keeps anything.
    pub fn off() -> Recorder {
        Recorder {
            ring: Ring::new(&[]),
            next: 0,
            limit: u64::MAX,
            wait: None,
            filter: Filter::NONE,
            wanted: Filter::NONE.into(),
            chooser: None,
            wide: CallSet::NONE,
            detail: Detail::Strings,
            reading: CallSet::NONE,
            leaving: CallSet::NONE,
        }
    }

    /// Keeps so much of what calls read and write from now on.
    pub fn set_detail(&mut self, detail: Detail) {
        (self.detail, self.reading, self.leaving) = (detail, CallSet::NONE, CallSet::NONE);
        for call in SYSCALLS {
            if detail.reads(call) {
                self.reading.insert(call.nr.into());
            }
            if detail.leaves(call) {
                self.leaving.insert(call.nr.into());
            }
        }
    }

    /// How much is kept of what calls read and write.
    pub fn detail(&self) -> Detail {
        self.detail
    }

    /// Keeps only what `selection` names from now on. Without a ring nothing can be kept. If it names tasks, whoever calls
    /// tells of those that exist, as after [`Recorder::resume`].
    pub fn set_filter(&mut self, selection: impl Into<Selection>) {
        if self.ring.capacity() != 0 {
            let running = self.on();
            self.wanted = selection.into();
            if running {
                self.resume();
            }
        }
    }

    /// What it keeps while it runs.
    pub fn wanted(&self) -> &Selection {
        &self.wanted
    }

    /// Keeps nothing until [`Recorder::resume`].
    pub fn pause(&mut self) {
        self.filter = Filter::NONE;
        self.chooser = None;
    }

    /// Keeps what its filter names. Whoever calls tells it of the tasks that exist: their births may have been missed.
    pub fn resume(&mut self) {
        let plain = self.wanted.plain();
        self.filter = if plain { self.wanted.filter } else { Filter::ASK };
        self.chooser = (!plain).then(|| Box::new(Chooser::new(self.wanted.clone())));
    }

    /// The size of the ring in bytes; 0 if there is none.
    pub fn size(&self) -> u64 {
        self.ring.capacity() * size_of::<Record>() as u64
    }

    /// Reads from sequence number `seq` on, on any thread.
    pub fn reader(&self, seq: u64) -> Reader {
        Reader::new(Arc::clone(&self.ring), seq)
    }

    /// From now on nothing is overwritten before the [`Recorder::reader`], of which there must be one, has read it:
    /// until then `wait` is called, which passes a little time (some 20 us) and says whether llano was asked to end: then
    /// the reader has a second to go on, and what it does not take is lost.
    pub fn lose_nothing(&mut self, wait: fn() -> bool) {
        self.wait = Some(wait);
        self.limit = self.next;
    }

    /// Whether anything is recorded: one load. Callers test it before they read the clock or gather arguments.
    #[inline(always)]
    pub fn on(&self) -> bool {
        self.filter.any()
    }

    /// Sequence number the next record will get: how many were ever written.
    pub fn next_seq(&self) -> u64 {
        self.next
    }

    /// How many of the oldest records are gone; the sequence number of the oldest one that is still here.
    pub fn lost(&self) -> u64 {
        self.ring.oldest(self.next)
    }

    /// Bytes of the ring that were ever written to, and so are in memory.
    pub fn memory(&self) -> u64 {
        self.next.min(self.ring.capacity()) * size_of::<Record>() as u64
    }

    /// The records that are here with their sequence numbers, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, Record)> + Clone + '_ {
        self.since(0)
    }

    /// Of these, those from sequence number `seq` on.
    pub fn since(&self, seq: u64) -> impl Iterator<Item = (u64, Record)> + Clone + '_ {
        (self.lost().max(seq)..self.next).map(|seq| (seq, self.ring.get(seq)))
    }

    #[inline(always)]
    fn write(&mut self, event: Event, record: Record) {
        let record = Record { event: event as u16, ..record };
        if !self.filter.keeps(event) {
            self.choose(&record);
            return;
        }
        self.push(record);
    }

    /// Keeps a record if the chooser does.
    #[cold]
    #[inline(never)]
    fn choose(&mut self, record: &Record) -> bool {
        let Some(mut chooser) = self.chooser.take() else { return false };
        let kept = chooser.choose(*record, |record| self.push(record));
        self.chooser = Some(chooser);
        kept
    }

    #[inline(always)]
    fn push(&mut self, record: Record) {
        if self.next >= self.limit {
            self.make_room();
        }
        self.ring.put(self.next, &record);
        self.next += 1;
    }

    /// Waits until the next packet can be written without loss.
    #[cold]
    fn make_room(&mut self) {
        const PATIENCE: u32 = 20_000;
        let Some(wait) = self.wait else { return };
        let (mut taken, mut waited) = (self.ring.taken(), 0);
        loop {
            let now = self.ring.taken();
            self.limit = now.saturating_add(self.ring.capacity() - PACKET);
            if self.next < self.limit {
                return;
            }
            waited = if now == taken { waited + 1 } else { 0 };
            taken = now;
            if wait() && waited > PATIENCE {
                self.wait = None;
                self.limit = u64::MAX;
                return;
            }
        }
    }

    /// A call that began at `start` returns `result` at `now`. Calls that do not return (`exit`) are recorded too,
    /// just before [`Recorder::exit`].
    #[inline]
    pub fn syscall(&mut self, start: u64, now: u64, tid: u32, nr: usize, result: i64, args: &[u64; 6]) {
        let [a, b, c, d, e, f] = *args;
        let nr16 = u16::try_from(nr).unwrap_or(u16::MAX);
        let duration = now.saturating_sub(start);
        let event = Event::Syscall as u16;
        let record = Record { tsc: now, duration, result, args: [a, b, c, d], tid, event, nr: nr16 };
        if self.filter.keeps_call(nr) {
            self.push(record);
        } else if !self.choose(&record) {
            return;
        }
        if self.wide.contains(nr) {
            let event = Event::SyscallArgs as u16;
            self.push(Record { tsc: now, args: [e, f, 0, 0], tid, event, nr: nr16, ..Record::default() });
        }
    }

    /// Whether the chooser may keep call `nr`.
    #[cold]
    fn asks_for(&self, nr: usize) -> bool {
        self.chooser.as_ref().is_some_and(|chooser| chooser.keeps_call(nr))
    }

    /// Whether call `nr` is kept and reads what is worth a [`Recorder::call_bytes`].
    #[inline]
    pub fn wants_reads(&self, nr: usize) -> bool {
        self.reading.contains(nr) && (self.filter.keeps_call(nr) || self.asks_for(nr))
    }

    /// Whether call `nr` may leave what is worth keeping: descriptors with names, whatever the filter says, and memory.
    #[inline]
    pub fn wants_left(&self, nr: usize) -> bool {
        self.leaving.contains(nr)
    }

    /// A path or buffer that call `nr` of `tid` read at guest address `address`: written before the call's record.
    #[inline]
    pub fn call_bytes(&mut self, now: u64, tid: u32, nr: usize, kind: BytesKind, address: u64, bytes: &[u8]) {
        if self.filter.keeps_call(nr) || self.asks_for(nr) {
            self.bytes(now, tid, kind, address, bytes);
        }
    }

    /// A string of `kind` whose meaning `key` completes (see [`BytesKind`]); cut after [`MAX_BYTES`](crate::record::MAX_BYTES).
    pub fn bytes(&mut self, now: u64, tid: u32, kind: BytesKind, key: u64, bytes: &[u8]) {
        for record in record::pieces(now, tid, kind, key, bytes) {
            self.write(Event::Bytes, record);
        }
    }

    /// `tid` begins to wait inside call `nr` for `object`.
    #[inline]
    pub fn block(&mut self, now: u64, tid: u32, nr: usize, waiting: Waiting, object: u64) {
        let args = [waiting as u64, object, 0, 0];
        self.write(Event::Block, Record { tsc: now, args, tid, nr: nr as u16, ..Record::default() });
    }

    /// `waker` (0: the kernel itself) makes `woken` runnable.
    #[inline]
    pub fn wake(&mut self, now: u64, waker: u32, woken: u32) {
        self.write(
            Event::Wake,
            Record { tsc: now, args: [woken.into(), 0, 0, 0], tid: waker, ..Record::default() },
        );
    }

    /// The CPU goes from `prev`, left in `state`, to `next`; 0 is idle.
    #[inline]
    pub fn switch(&mut self, now: u64, prev: u32, next: u32, state: TaskState) {
        let args = [next.into(), 0, 0, 0];
        self.write(
            Event::Switch,
            Record { tsc: now, args, tid: prev, nr: state as u16, ..Record::default() },
        );
    }

    /// `parent` made `child`, a task of thread group `tgid`, with these clone flags. Its first task has parent 0.
    pub fn clone_task(&mut self, now: u64, parent: u32, child: u32, tgid: u32, flags: u64) {
        let args = [child.into(), tgid.into(), flags, 0];
        self.write(Event::Clone, Record { tsc: now, args, tid: parent, ..Record::default() });
    }

    /// `tid` begins program `path` and is named `comm` from now on.
    pub fn exec(&mut self, now: u64, tid: u32, path: &[u8], comm: &[u8]) {
        self.write(Event::Exec, Record { tsc: now, tid, ..Record::default() });
        self.bytes(now, tid, BytesKind::Exe, 0, path);
        self.bytes(now, tid, BytesKind::Comm, 0, comm);
    }

    /// `tid` ends; `status` as `wait4(2)` reports it.
    pub fn exit(&mut self, now: u64, tid: u32, status: i32) {
        let args = [status as u32 as u64, 0, 0, 0];
        self.write(Event::Exit, Record { tsc: now, tid, args, ..Record::default() });
    }

    /// `sender` (0: the kernel) sends `signal` to task `target`; `code` is its `si_code`.
    pub fn signal_sent(&mut self, now: u64, sender: u32, target: u32, signal: u32, code: i32) {
        let args = [target.into(), i64::from(code) as u64, 0, 0];
        let record = Record { tsc: now, args, tid: sender, nr: signal as u16, ..Record::default() };
        self.write(Event::SignalSent, record);
    }

    /// `signal` takes effect in `tid`: its handler's address, 0 for the default action.
    pub fn signal_delivered(&mut self, now: u64, tid: u32, signal: u32, handler: u64) {
        let args = [handler, 0, 0, 0];
        self.write(
            Event::SignalDelivered,
            Record { tsc: now, args, tid, nr: signal as u16, ..Record::default() },
        );
    }

    /// The instruction at `ip` faulted on `address` and earns `signal`.
    pub fn fault(&mut self, now: u64, tid: u32, signal: u32, address: u64, ip: u64) {
        let args = [address, ip, 0, 0];
        self.write(Event::Fault, Record { tsc: now, args, tid, nr: signal as u16, ..Record::default() });
    }

    /// `length` bytes at `start` were mapped with `prot` (as in `mmap(2)`).
    pub fn map(&mut self, now: u64, tid: u32, start: u64, length: u64, prot: u32) {
        self.write(
            Event::Map,
            Record { tsc: now, args: [start, length, prot.into(), 0], tid, ..Record::default() },
        );
    }

    /// `length` bytes at `start` were unmapped.
    pub fn unmap(&mut self, now: u64, tid: u32, start: u64, length: u64) {
        self.write(Event::Unmap, Record { tsc: now, args: [start, length, 0, 0], tid, ..Record::default() });
    }

    /// The host interrupted; handling it took from `start` to `now`.
    pub fn irq(&mut self, start: u64, now: u64, irq: Irq) {
        let duration = now.saturating_sub(start);
        self.write(Event::Irq, Record { tsc: now, duration, nr: irq as u16, ..Record::default() });
    }

    /// A line of the kernel log about `target`, `level` as in `syslog(2)`, on behalf of `tid` or 0.
    pub fn log(&mut self, now: u64, tid: u32, level: u16, target: &str, text: &str) {
        let record = Record {
            tsc: now,
            tid,
            nr: level,
            args: record::text_words(target.as_bytes()),
            ..Record::default()
        };
        self.words(Event::Log, record, BytesKind::Log, text.as_bytes());
    }

    /// What `tid` wrote to `/dev/trace_marker`.
    pub fn mark(&mut self, now: u64, tid: u32, text: &[u8]) {
        self.words(Event::Mark, Record { tsc: now, tid, ..Record::default() }, BytesKind::Mark, text);
    }

    /// A command given to the monitor.
    pub fn command(&mut self, now: u64, text: &str) {
        let record = Record { tsc: now, ..Record::default() };
        self.words(Event::Command, record, BytesKind::Command, text.as_bytes());
    }

    /// A record and the text that belongs to it.
    fn words(&mut self, event: Event, record: Record, kind: BytesKind, text: &[u8]) {
        let seq = self.next;
        self.write(event, record);
        if self.next != seq {
            self.bytes(record.tsc, record.tid, kind, seq, text);
        }
    }

    /// `counter`, of `object` if there are several, has become `value`.
    pub fn counter(&mut self, now: u64, counter: Counter, object: u64, value: i64) {
        let args = [value as u64, object, 0, 0];
        self.write(Event::Counter, Record { tsc: now, args, nr: counter as u16, ..Record::default() });
    }

    /// A handler of `tid` returned to the code at `ip` with stack pointer `sp`.
    pub fn signal_returned(&mut self, now: u64, tid: u32, sp: u64, ip: u64) {
        let args = [sp, ip, 0, 0];
        self.write(Event::SignalReturned, Record { tsc: now, args, tid, ..Record::default() });
    }

    /// The end of `tid`'s heap moved.
    pub fn brk(&mut self, now: u64, tid: u32, old: u64, new: u64) {
        self.write(Event::Brk, Record { tsc: now, args: [old, new, 0, 0], tid, ..Record::default() });
    }

    /// The memory of `tid` was put in place from `start` to `now`: `bytes` moved, `maps` changed.
    pub fn exchange(&mut self, start: u64, now: u64, tid: u32, bytes: u64, maps: u64) {
        let duration = now.saturating_sub(start);
        let record = Record { tsc: now, duration, args: [bytes, maps, 0, 0], tid, ..Record::default() };
        self.write(Event::Exchange, record);
    }

    /// A timer of `owner`, a task or a process, expired `late` ns ago.
    pub fn timer(&mut self, now: u64, owner: u32, kind: TimerKind, late: u64, id: u64) {
        let args = [late, id, 0, 0];
        self.write(Event::Timer, Record { tsc: now, args, tid: owner, nr: kind as u16, ..Record::default() });
    }

    /// The site at `address` that `tid` came through jumps from now on, or never will.
    pub fn patch(&mut self, now: u64, tid: u32, address: u64, jumps: bool) {
        let args = [address, jumps.into(), 0, 0];
        self.write(Event::Patch, Record { tsc: now, args, tid, ..Record::default() });
    }

    /// A debugger held the world from `start` to `now`, stopped at `tid`.
    pub fn stop(&mut self, start: u64, now: u64, tid: u32) {
        let duration = now.saturating_sub(start);
        self.write(Event::Stop, Record { tsc: now, duration, tid, ..Record::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::MAX_BYTES;
    use alloc::vec::Vec;
    use llano_abi::syscalls::nr;

    #[test]
    fn the_oldest_packet_goes_and_is_counted() {
        let mut ring = Recorder::new(0);
        for at in 0..2 * PACKET {
            ring.wake(at, 1, 2);
        }
        assert_eq!((ring.lost(), ring.iter().count()), (0, 2048));
        ring.wake(2048, 1, 2);
        assert_eq!((ring.lost(), ring.iter().count()), (1024, 1025));
        assert!(ring.iter().all(|(seq, record)| record.tsc == seq));
        for at in 2049..10_000 {
            ring.wake(at, 1, 2);
        }
        assert_eq!((ring.next_seq(), ring.lost()), (10_000, 8192));
        assert!(ring.since(9_998).map(|(seq, _)| seq).eq([9_998, 9_999]));
        assert_eq!(ring.since(5).next().map(|(seq, _)| seq), Some(8192));
        assert!(ring.iter().map(|(seq, _)| seq).eq(8192..10_000));
        assert!(ring.iter().all(|(seq, record)| record.tsc == seq));
    }

    #[test]
    fn wide_calls_take_two_records() {
        let mut ring = Recorder::new(1 << 20);
        ring.syscall(10, 15, 7, nr::MMAP, 0x1000, &[1, 2, 3, 4, 5, 6]);
        ring.syscall(20, 24, 7, nr::READ, 3, &[0, 1, 2, 3, 4, 5]);
        let seen: Vec<_> =
            ring.iter().map(|(_, r)| (r.event().unwrap(), r.tsc, r.duration, r.args)).collect();
        assert_eq!(
            seen,
            [
                (Event::Syscall, 15, 5, [1, 2, 3, 4]),
                (Event::SyscallArgs, 15, 0, [5, 6, 0, 0]),
                (Event::Syscall, 24, 4, [0, 1, 2, 3]),
            ]
        );
    }

    #[test]
    fn strings_are_cut_into_records_and_come_back() {
        let mut ring = Recorder::new(0);
        let text = b"/a/path/that/is/longer/than/thirty-two/bytes";
        ring.bytes(1, 9, BytesKind::Path, 0xdead, text);
        let mut back = Vec::new();
        for (_, record) in ring.iter() {
            let (offset, total) = ((record.result >> 32) as usize, record.result as u32 as usize);
            assert_eq!((offset, total, record.duration), (back.len(), text.len(), 0xdead));
            back.extend_from_slice(&record.bytes()[..(total - offset).min(32)]);
        }
        assert_eq!(back, text);
        ring.bytes(1, 9, BytesKind::Path, 0, b"");
        ring.bytes(1, 9, BytesKind::Path, 0, &[b'x'; 10_000]);
        assert_eq!(ring.next_seq(), 2 + 1 + (MAX_BYTES / 32) as u64);
    }

    #[test]
    fn off_keeps_nothing() {
        let mut ring = Recorder::off();
        ring.set_filter(Filter::ALL);
        assert!(!ring.on());
        ring.syscall(0, 1, 1, nr::READ, 0, &[0; 6]);
        ring.log(0, 1, 6, "exec", "text");
        assert_eq!((ring.next_seq(), ring.iter().count()), (0, 0));
    }
}
