//! Records into packets.

use std::boxed::Box;
use std::io::{self, Write};

use super::packet::{HEAD, Head, RECORD, RECORDS, SIZE};
use crate::record::Record;
use crate::snapshot::Calibration;

/// Writes whole packets; what it has not yet written is at most one.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    packet: Box<[u8; SIZE]>,
    head: Head,
    /// Sequence number of the next record, if none is lost.
    next: u64,
}

impl<W: Write> Writer<W> {
    /// Nothing is written yet.
    pub fn new(out: W, clock: Calibration) -> Writer<W> {
        let head = Head { first: 0, clock, number: 0, begin: 0, end: 0, records: 0, lost: 0 };
        Writer { out, packet: Box::new([0; SIZE]), head, next: 0 }
    }

    /// From the packet that is being filled on, the clock is known better.
    pub fn set_clock(&mut self, clock: Calibration) {
        self.head.clock = clock;
    }

    /// Adds the record with sequence number `seq`. Numbers that are left out count as lost.
    ///
    /// # Errors
    /// As writing fails.
    pub fn record(&mut self, seq: u64, record: &Record) -> io::Result<()> {
        if seq != self.next || self.head.records == RECORDS {
            self.flush()?;
            self.head.lost = self.head.lost.saturating_add(seq.saturating_sub(self.next));
        }
        if self.head.records == 0 {
            (self.head.first, self.head.begin) = (seq, record.tsc);
        }
        let at = HEAD + self.head.records * RECORD;
        self.packet[at..at + RECORD].copy_from_slice(&record.to_bytes());
        self.head.end = record.tsc;
        self.head.records += 1;
        self.next = seq + 1;
        Ok(())
    }

    /// Writes the last packet.
    ///
    /// # Errors
    /// As writing fails.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.out.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.head.records == 0 {
            return Ok(());
        }
        self.packet[HEAD + self.head.records * RECORD..].fill(0);
        self.head.seal(&mut self.packet);
        self.out.write_all(&self.packet[..])?;
        self.head.number += 1;
        self.head.records = 0;
        Ok(())
    }
}
