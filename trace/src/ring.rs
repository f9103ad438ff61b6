//! The ring's memory: written by the vCPU, read by other threads without its help.
//!
//! Every word is atomic, so a reader that comes too late sees words of two records and not something undefined; it
//! copies first and looks afterwards how far the writer is, and drops what may have been overwritten meanwhile (a
//! sequence lock whose sequence is the count of records).

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering, fence};

use crate::record::Record;

/// Records in a packet: what is overwritten goes by packets, as in the trace formats whose unit it is.
pub const PACKET: u64 = 1024;
/// Words of a record.
const WORDS: usize = size_of::<Record>() / size_of::<u64>();

/// The newest records. It lives as long as the process: whoever reads it must not have to ask.
#[derive(Debug)]
pub struct Ring {
    words: &'static [AtomicU64],
    /// How many records there is room for, a power of two; 0 when there is no ring.
    capacity: u64,
    /// How many records were ever written.
    next: AtomicU64,
    /// Up to where a reader that must not lose anything has read.
    taken: AtomicU64,
}

/// Bytes of a ring that is asked to have `bytes`: the next power of two of at least two packets.
pub fn room(bytes: usize) -> usize {
    let least = 2 * PACKET as usize * size_of::<Record>();
    bytes.max(least).checked_next_power_of_two().unwrap_or(usize::MAX)
}

/// Words of a ring of about `bytes`, for a ring in memory of the heap; never given back.
pub fn heap_words(bytes: usize) -> &'static [AtomicU64] {
    let count = room(bytes) / size_of::<u64>();
    let words: Vec<AtomicU64> = (0..count).map(|_| AtomicU64::new(0)).collect();
    Box::leak(words.into_boxed_slice())
}

impl Ring {
    /// A ring in `words`, of which it uses the largest power of two.
    pub fn new(words: &'static [AtomicU64]) -> Arc<Ring> {
        let records = words.len() / WORDS;
        let capacity = if records == 0 { 0 } else { 1 << records.ilog2() };
        Arc::new(Ring { words, capacity, next: AtomicU64::new(0), taken: AtomicU64::new(0) })
    }

    /// How many records there is room for.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// How many records were ever written.
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// Up to where a reader has read.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Acquire)
    }

    /// The oldest record that is still there when `next` were written, of whole packets.
    pub fn oldest(&self, next: u64) -> u64 {
        next.saturating_sub(self.capacity).next_multiple_of(PACKET)
    }

    /// Puts the record with sequence number `seq` in place. Only the recorder calls this, with one number after the
    /// other.
    #[inline(always)]
    pub(crate) fn put(&self, seq: u64, record: &Record) {
        for (word, value) in self.slot(seq).iter().zip(record.to_words()) {
            word.store(value, Ordering::Relaxed);
        }
        self.next.store(seq + 1, Ordering::Release);
        // Whoever sees a word of the next record sees this count.
        fence(Ordering::Release);
    }

    /// The record with sequence number `seq`, if it was not overwritten.
    #[inline(always)]
    pub(crate) fn get(&self, seq: u64) -> Record {
        let mut words = [0; WORDS];
        for (word, value) in words.iter_mut().zip(self.slot(seq)) {
            *word = value.load(Ordering::Relaxed);
        }
        Record::from_words(words)
    }

    #[inline(always)]
    fn slot(&self, seq: u64) -> &[AtomicU64] {
        let at = (seq & self.capacity.wrapping_sub(1)) as usize * WORDS;
        self.words.get(at..at + WORDS).unwrap_or_default()
    }
}

/// Reads a ring on any thread.
#[derive(Debug)]
pub struct Reader {
    ring: Arc<Ring>,
    next: u64,
}

impl Reader {
    /// Reads from the record with sequence number `seq` on.
    pub fn new(ring: Arc<Ring>, seq: u64) -> Reader {
        Reader { ring, next: seq }
    }

    /// Sequence number of the record that is read next, unless it is overwritten before.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Puts the next records, `max` at most, in place of those in `out`. Returns the sequence number of the first; what
    /// lies between it and [`Reader::next`] before is lost.
    pub fn read(&mut self, out: &mut Vec<Record>, max: usize) -> u64 {
        out.clear();
        let end = self.ring.next();
        if self.next < self.ring.oldest(end) {
            // Too slow: what is left of the older half would be overwritten while it is read.
            self.next = end.saturating_sub(self.ring.capacity / 2).next_multiple_of(PACKET).min(end);
        }
        let first = self.next;
        let last = end.min(first.saturating_add(max as u64));
        out.extend((first..last).map(|seq| self.ring.get(seq)));
        // What the writer was about to write may have been written in part, too.
        fence(Ordering::Acquire);
        let whole = self.ring.oldest(self.ring.next() + 1).clamp(first, last);
        out.drain(..(whole - first) as usize);
        self.next = last;
        self.ring.taken.store(last, Ordering::Release);
        whole
    }
}

impl Drop for Reader {
    /// Nobody waits for a reader that is gone.
    fn drop(&mut self) {
        self.ring.taken.store(u64::MAX, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Recorder;
    use std::thread;

    /// A writer as fast as it can and a reader beside it: what arrives is whole and in order, what does not is counted.
    #[test]
    fn a_reader_beside_the_writer_sees_whole_records() {
        const COUNT: u64 = 2_000_000;
        let mut recorder = Recorder::new(0);
        let mut reader = recorder.reader(0);
        let reading = thread::spawn(move || {
            let (mut records, mut next, mut seen, mut lost) = (Vec::new(), 0, 0, 0);
            while next < COUNT {
                let first = reader.read(&mut records, 4096);
                assert!(first >= next);
                lost += first - next;
                for (seq, record) in (first..).zip(&records) {
                    assert_eq!((record.tsc, record.args[0], record.tid), (seq, seq + 1, seq as u32));
                }
                seen += records.len() as u64;
                next = reader.next();
                assert_eq!(next, first + records.len() as u64);
            }
            (seen, lost)
        });
        for seq in 0..COUNT {
            recorder.signal_returned(seq, seq as u32, seq + 1, 0);
        }
        let (seen, lost) = reading.join().unwrap();
        assert_eq!(seen + lost, COUNT);
    }

    #[test]
    fn a_writer_that_may_not_lose_waits() {
        const COUNT: u64 = 200_000;
        let mut recorder = Recorder::new(0);
        let mut reader = recorder.reader(0);
        recorder.lose_nothing(|| {
            thread::yield_now();
            false
        });
        let reading = thread::spawn(move || {
            let (mut records, mut next) = (Vec::new(), 0);
            while next < COUNT {
                assert_eq!(reader.read(&mut records, 100), next);
                next = reader.next();
            }
        });
        for seq in 0..COUNT {
            recorder.wake(seq, 1, 2);
        }
        reading.join().unwrap();
        // The reader is gone: nobody waits for it.
        for seq in COUNT..2 * COUNT {
            recorder.wake(seq, 1, 2);
        }
        assert_eq!(recorder.next_seq(), 2 * COUNT);
    }
}
