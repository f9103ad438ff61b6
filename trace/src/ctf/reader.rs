//! Packets into records, whatever became of them: a torn end, flipped bits, blocks of nothing.
//!
//! Packets stand at multiples of their size, so a damaged one costs at most itself. A record is left out if its event
//! is unknown or its time does not lie between those of its neighbours and of its packet: whoever follows may rely on
//! time that never goes back. What was left out is counted and said ([`Damage`]).

use core::fmt;
use std::boxed::Box;
use std::format;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::string::String;
use std::sync::Arc;

use super::now::Gather;
use super::packet::{self, Head, SIZE};
use super::{STREAM, is_stream};
use crate::record::{Event, Record};
use crate::snapshot::{Calibration, Snapshot};

/// A trace on disk, looked through once.
#[derive(Debug)]
pub struct Trace {
    stream: Arc<File>,
    packets: u64,
    records: u64,
    first_tsc: u64,
    lost: u64,
    damage: Damage,
    now: Snapshot,
}

/// What could not be read.
#[derive(Copy, Clone, Default, PartialEq, Eq, Debug)]
pub struct Damage {
    /// Bytes after the last whole packet.
    pub torn: u64,
    /// Packets whose head makes no sense, or that the disk refuses.
    pub packets: u64,
    /// Packets that were changed after they were written, but have a head.
    pub changed: u64,
    /// Records of these that make no sense.
    pub records: u64,
}

impl Damage {
    /// Whether all is well.
    pub fn none(&self) -> bool {
        *self == Damage::default()
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut say = |f: &mut fmt::Formatter<'_>, count: u64, what: &str| {
            if count != 0 {
                write!(f, "{separator}{count} {what}")?;
                separator = "; ";
            }
            Ok(())
        };
        say(f, self.torn, "bytes of a torn packet at the end are left out")?;
        say(f, self.packets, "packets are unreadable and left out")?;
        say(f, self.changed, "packets are damaged")?;
        say(f, self.records, "records of them make no sense and are left out")
    }
}

impl Trace {
    /// Opens a trace directory, or the stream of one, and looks through it.
    ///
    /// # Errors
    /// One line that says which file and why: only a file without any packet cannot be read at all.
    pub fn open(path: &Path) -> Result<Trace, String> {
        let fail = |error: io::Error| format!("{}: {}", path.display(), crate::file::reason(&error));
        if !is_stream(path).map_err(fail)? {
            return Err(format!(
                "{}: not a trace of llano's own; `--trace NAME.ctf` writes one",
                path.display()
            ));
        }
        let dir = fs::metadata(path).map_err(fail)?.is_dir();
        let name = if dir { path.join(STREAM) } else { path.into() };
        let stream = File::open(&name).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                format!("{}: no recording of llano: no file {STREAM} in it", path.display())
            }
            _ => format!("{}: {}", name.display(), crate::file::reason(&error)),
        })?;
        Trace::from_file(stream, &name.display())
    }

    /// Looks through a stream that is open, known as `name`.
    ///
    /// # Errors
    /// One line that says why.
    pub fn from_file(stream: File, name: &dyn fmt::Display) -> Result<Trace, String> {
        let trace = Trace::of(stream).map_err(|e| format!("{name}: {}", crate::file::reason(&e)))?;
        if trace.packets == trace.damage.packets {
            return Err(format!("{name}: no whole packet of a trace in it"));
        }
        Ok(trace)
    }

    /// Looks through a stream.
    fn of(stream: File) -> io::Result<Trace> {
        let length = stream.metadata()?.len();
        let mut trace = Trace {
            stream: Arc::new(stream),
            packets: length / SIZE as u64,
            records: 0,
            first_tsc: 0,
            lost: 0,
            damage: Damage { torn: length % SIZE as u64, ..Damage::default() },
            now: Snapshot {
                clock: Calibration { tsc0: 0, tsc_hz: 1_000_000_000, epoch_ns: 0 },
                now_tsc: 0,
                tasks: Default::default(),
            },
        };
        let mut gather = Gather::default();
        let mut records = trace.records();
        let mut first = None;
        for (_, record) in records.by_ref() {
            first.get_or_insert(record.tsc);
            trace.records += 1;
            gather.see(&record);
        }
        // The newest clock is the one measured longest.
        if let Some(head) = &records.last_good {
            trace.now.clock = head.clock;
            trace.lost = head.lost;
        }
        trace.damage = Damage { torn: trace.damage.torn, ..records.damage };
        trace.first_tsc = first.unwrap_or(0);
        trace.now = gather.snapshot(trace.now.clock);
        Ok(trace)
    }

    /// The records with their sequence numbers, oldest first.
    pub fn records(&self) -> Records {
        Records {
            stream: Arc::clone(&self.stream),
            packets: self.packets,
            next: 0,
            packet: Box::new([0; SIZE]),
            head: None,
            at: 0,
            last_tsc: 0,
            last_good: None,
            damage: Damage::default(),
        }
    }

    /// Packets in the stream, damaged ones with them.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// How many records can be read.
    pub fn len(&self) -> u64 {
        self.records
    }

    /// Whether none can be read.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// When the first record was written, in ticks.
    pub fn first_tsc(&self) -> u64 {
        self.first_tsc
    }

    /// Records that were lost before they could be saved.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// What could not be read.
    pub fn damage(&self) -> Damage {
        self.damage
    }

    /// The moment of saving.
    pub fn now(&self) -> &Snapshot {
        &self.now
    }
}

/// The readable records of a stream, one packet in memory at a time.
#[derive(Clone, Debug)]
pub struct Records {
    stream: Arc<File>,
    packets: u64,
    /// Place of the next packet.
    next: u64,
    packet: Box<[u8; SIZE]>,
    /// Head of the present packet.
    head: Option<Head>,
    /// Place of the next record in it.
    at: usize,
    last_tsc: u64,
    last_good: Option<Head>,
    damage: Damage,
}

impl Records {
    /// Loads the next packet that has a head; whether there is one.
    fn load(&mut self) -> bool {
        while self.next < self.packets {
            let read = self.stream.read_exact_at(&mut self.packet[..], self.next * SIZE as u64);
            self.next += 1;
            let head = read.ok().and_then(|()| Head::of(&self.packet));
            let intact = head.is_some() && packet::intact(&self.packet);
            match head {
                // Behind a packet that was changed anything may stand, but not in the past.
                Some(head) if head.end >= self.last_tsc => {
                    self.damage.changed += u64::from(!intact);
                    if intact || self.last_good.is_none() {
                        self.last_good = Some(head);
                    }
                    (self.head, self.at) = (Some(head), 0);
                    return true;
                }
                _ => self.damage.packets += 1,
            }
        }
        self.head = None;
        false
    }

    /// Whether `record` can be what was written there.
    fn sane(&self, head: &Head, record: &Record) -> bool {
        let fits = |tsc: u64| (self.last_tsc.max(head.begin)..=head.end).contains(&tsc);
        // A time that lies beyond the next one which fits is the one that is wrong.
        let next = (self.at < head.records).then(|| packet::tsc(&self.packet, self.at));
        let outlier = next.is_some_and(|next| fits(next) && record.tsc > next);
        Event::from_raw(record.event).is_some() && fits(record.tsc) && !outlier
    }
}

impl Iterator for Records {
    type Item = (u64, Record);

    fn next(&mut self) -> Option<(u64, Record)> {
        loop {
            let Some(head) = self.head.filter(|head| self.at < head.records) else {
                if self.load() {
                    continue;
                }
                return None;
            };
            let (record, seq) = (packet::record(&self.packet, self.at), head.first + self.at as u64);
            self.at += 1;
            if self.sane(&head, &record) {
                self.last_tsc = record.tsc;
                return Some((seq, record));
            }
            self.damage.records += 1;
        }
    }
}
