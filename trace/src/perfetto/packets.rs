//! The file: packets in compressed batches, names sent once. Compression is half of the work, so a thread of its own does
//! it while the next batch is made.
//!
//! Field numbers are those of Perfetto's `protos/perfetto/trace/trace_packet.proto`, `interned_data.proto` and
//! `ftrace/ftrace_event_bundle.proto`.

use std::borrow::ToOwned;
use std::collections::HashMap;
use std::io::{self, Write};
use std::string::String;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope};
use std::vec::Vec;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::proto::{bytes, message, number};

/// `Trace.packet`.
const PACKET: u32 = 1;
/// `TracePacket.compressed_packets`: packets, compressed with zlib.
const COMPRESSED: u32 = 50;
/// Packets are compressed when there are so many bytes of them.
const BATCH: usize = 512 << 10;
/// `TracePacket.trusted_packet_sequence_id`: all packets are of one writer.
const SEQUENCE: u64 = 1;

/// What is sent once and then named by number: `InternedData`.
#[derive(Copy, Clone)]
pub(super) enum Interned {
    Category = 1,
    Event = 2,
    Annotation = 3,
}

/// Collects packets, compresses and writes them.
pub(super) struct Packets<'a> {
    out: &'a mut dyn Write,
    /// Packets not yet written.
    batch: Vec<u8>,
    /// Scheduling events not yet in a packet.
    ftrace: Vec<u8>,
    /// Names known to the reader, for each kind of [`Interned`].
    names: [HashMap<String, u64>; 3],
    /// Names first used by the packet that comes next.
    fresh: Vec<u8>,
    began: bool,
    /// Batches to compress.
    work: SyncSender<Vec<u8>>,
    /// Batches that are compressed, in the same order.
    done: Receiver<io::Result<Vec<u8>>>,
    /// How many are between the two.
    pending: usize,
}

/// Batches on their way to the compressor and back: with fewer one of the two sides would wait.
const PENDING: usize = 2;

impl<'a> Packets<'a> {
    /// Starts the compressor as well.
    ///
    /// # Errors
    /// The host gives no thread.
    pub(super) fn new<'scope>(
        out: &'a mut dyn Write,
        scope: &'scope Scope<'scope, '_>,
    ) -> io::Result<Packets<'a>> {
        let (work, batches) = sync_channel::<Vec<u8>>(PENDING);
        let (finished, done) = sync_channel(PENDING);
        Builder::new().name("compressor".into()).spawn_scoped(scope, move || {
            for batch in batches {
                if finished.send(compressed(&batch)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Packets {
            out,
            batch: Vec::with_capacity(BATCH + (64 << 10)),
            ftrace: Vec::new(),
            names: Default::default(),
            fresh: Vec::new(),
            began: false,
            work,
            done,
            pending: 0,
        })
    }

    /// The number of a name. To be called before the packet that uses it.
    pub(super) fn intern(&mut self, kind: Interned, name: &str) -> u64 {
        let names = &mut self.names[kind as usize - 1];
        if let Some(&known) = names.get(name) {
            return known;
        }
        let number_of_it = names.len() as u64 + 1;
        names.insert(name.to_owned(), number_of_it);
        message(&mut self.fresh, kind as u32, |entry| {
            number(entry, 1, number_of_it);
            bytes(entry, 2, name.as_bytes());
        });
        number_of_it
    }

    /// Adds a packet of this sequence, whose own fields `fill` appends.
    pub(super) fn packet(&mut self, time_ns: Option<u64>, fill: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        message(&mut self.batch, PACKET, |packet| {
            if let Some(time_ns) = time_ns {
                number(packet, 8, time_ns);
            }
            number(packet, 10, SEQUENCE);
            // The first one clears what the reader knows of this sequence, the others need it.
            number(packet, 13, if self.began { 2 } else { 1 });
            if !self.fresh.is_empty() {
                bytes(packet, 12, &self.fresh);
                self.fresh.clear();
            }
            fill(packet);
        });
        self.began = true;
        self.write_if_full()
    }

    /// Adds an event of the kernel's own trace: a `FtraceEvent` about task `tid`.
    pub(super) fn ftrace(
        &mut self,
        time_ns: u64,
        tid: u32,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> io::Result<()> {
        message(&mut self.ftrace, 2, |event| {
            number(event, 1, time_ns);
            number(event, 2, tid.into());
            fill(event);
        });
        self.write_if_full()
    }

    fn write_if_full(&mut self) -> io::Result<()> {
        if self.batch.len() + self.ftrace.len() < BATCH { Ok(()) } else { self.write() }
    }

    /// Hands what there is to the compressor.
    fn write(&mut self) -> io::Result<()> {
        if !self.ftrace.is_empty() {
            message(&mut self.batch, PACKET, |packet| {
                number(packet, 10, SEQUENCE);
                message(packet, 1, |bundle| {
                    number(bundle, 1, 0);
                    bundle.extend_from_slice(&self.ftrace);
                });
            });
            self.ftrace.clear();
        }
        if self.batch.is_empty() {
            return Ok(());
        }
        if self.pending == PENDING {
            self.collect()?;
        }
        let batch = core::mem::replace(&mut self.batch, Vec::with_capacity(BATCH + (64 << 10)));
        self.work.send(batch).map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.pending += 1;
        Ok(())
    }

    /// Writes a batch that is compressed.
    fn collect(&mut self) -> io::Result<()> {
        let batch = self.done.recv().map_err(|_| io::ErrorKind::BrokenPipe)??;
        self.pending -= 1;
        self.out.write_all(&batch)
    }

    /// Writes the rest.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.write()?;
        while self.pending > 0 {
            self.collect()?;
        }
        Ok(())
    }
}

/// A batch as a packet of the file.
fn compressed(batch: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(BATCH / 4), Compression::fast());
    encoder.write_all(batch)?;
    let compressed = encoder.finish()?;
    let mut packet = Vec::with_capacity(compressed.len() + 16);
    message(&mut packet, PACKET, |packet| bytes(packet, COMPRESSED, &compressed));
    Ok(packet)
}
