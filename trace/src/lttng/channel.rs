//! Events into packets, with LTTng's headers: a number of 16 bits and the low half of the time, or both whole where
//! that does not do.

use std::io::{self, Write};
use std::vec::Vec;

use super::events::Item;
use crate::snapshot::Calibration;

/// What a packet begins with.
const MAGIC: u32 = 0xC1FC_1FC1;
/// The trace's own number: any, if all packets and the metadata agree.
pub(super) const UUID: [u8; 16] = *b"llano lttng kern";
/// Bytes of a packet's head: magic, number, stream, instance; then its context.
const HEAD: usize = 4 + 16 + 4 + 8 + CONTEXT;
const CONTEXT: usize = 6 * 8 + 4;
/// A packet ends when it has so many bytes.
const FULL: usize = 256 << 10;
/// Packets are whole pages.
const PAGE: usize = 4096;
/// The event number that says that the long header follows.
const EXTENDED: u16 = u16::MAX;

/// The file of one CPU.
pub(super) struct Channel<W> {
    out: W,
    clock: Calibration,
    packet: Vec<u8>,
    /// Time of the packet's first event and of the last one, ns.
    times: (u64, u64),
    packets: u64,
    lost: u64,
}

impl<W: Write> Channel<W> {
    pub(super) fn new(out: W, clock: Calibration) -> Channel<W> {
        Channel { out, clock, packet: Vec::with_capacity(FULL + PAGE), times: (0, 0), packets: 0, lost: 0 }
    }

    /// Records are missing.
    pub(super) fn lost(&mut self, count: u64) {
        self.lost = self.lost.saturating_add(count);
    }

    /// Adds an event, which must not be earlier than the one before.
    pub(super) fn event(&mut self, item: &Item) -> io::Result<()> {
        if self.packet.len() >= FULL {
            self.flush()?;
        }
        let ns = self.clock.ns(item.tsc);
        let packet = &mut self.packet;
        let near = !packet.is_empty() && ns - self.times.1 < 1 << 32;
        if packet.is_empty() {
            packet.resize(HEAD, 0);
            self.times.0 = ns;
        }
        if near {
            packet.extend_from_slice(&(item.kind as u16).to_le_bytes());
            packet.extend_from_slice(&(ns as u32).to_le_bytes());
        } else {
            packet.extend_from_slice(&EXTENDED.to_le_bytes());
            packet.extend_from_slice(&item.kind.to_le_bytes());
            packet.extend_from_slice(&ns.to_le_bytes());
        }
        packet.extend_from_slice(&item.payload);
        self.times.1 = ns;
        Ok(())
    }

    /// Writes the rest.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.out.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.packet.is_empty() {
            return Ok(());
        }
        let content = self.packet.len();
        self.packet.resize(content.next_multiple_of(PAGE), 0);
        let bits = |bytes: usize| bytes as u64 * 8;
        let size = bits(self.packet.len());
        let (begin, end) = self.times;
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            self.packet[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&MAGIC.to_le_bytes());
        put(&UUID);
        // Stream 0, and the first file of it.
        put(&[0; 12]);
        for word in [begin, end, bits(content), size, self.packets, self.lost] {
            put(&word.to_le_bytes());
        }
        put(&0u32.to_le_bytes());
        self.out.write_all(&self.packet)?;
        self.packet.clear();
        self.packets += 1;
        Ok(())
    }
}
