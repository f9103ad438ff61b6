//! A packet: 64 KiB that begin with this head of 128 bytes. Numbers are little-endian.
//!
//! | at | | |
//! |---|---|---|
//! | 0 | `magic` | 0xC1FC1FC1 |
//! | 4 | | version of this layout, 1 |
//! | 8 | | sequence number of the first record |
//! | 16 | | ticks a second |
//! | 24 | | the counter at boot |
//! | 32 | | wall-clock time at boot, nanoseconds since 1970 |
//! | 40 | | checksum of the whole packet with this word 0 |
//! | 64 | `stream_id` | 0 |
//! | 72 | `stream_instance_id` | 0 |
//! | 80 | `packet_seq_num` | place of this packet in the stream |
//! | 88 | `timestamp_begin` | ticks of the first record |
//! | 96 | `timestamp_end` | ticks of the last record |
//! | 104 | `content_size` | bits with a meaning |
//! | 112 | `packet_size` | bits |
//! | 120 | `events_discarded` | records lost since boot |
//!
//! What has a name is a field of the metadata; what has none lies in a gap between two of them.

use crate::record::Record;
use crate::snapshot::Calibration;

/// Bytes of a packet.
pub const SIZE: usize = 64 << 10;
/// Bytes of its head.
pub const HEAD: usize = 128;
/// Bytes of a record.
pub const RECORD: usize = size_of::<Record>();
/// Records that fit.
pub const RECORDS: usize = (SIZE - HEAD) / RECORD;
/// What a packet begins with.
pub const MAGIC: u32 = 0xC1FC_1FC1;
/// Where the checksum stands.
const SUM: usize = 40;
const VERSION: u32 = 1;

/// What a packet's head says.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// Sequence number of the first record.
    pub first: u64,
    /// The clock.
    pub clock: Calibration,
    /// Place in the stream.
    pub number: u64,
    /// Ticks of the first record.
    pub begin: u64,
    /// Ticks of the last record.
    pub end: u64,
    /// How many records follow.
    pub records: usize,
    /// Records lost since boot.
    pub lost: u64,
}

impl Head {
    /// Writes the head and the checksum into a packet whose records are in place.
    pub fn seal(&self, packet: &mut [u8; SIZE]) {
        let mut put = |at: usize, word: u64| packet[at..at + 8].copy_from_slice(&word.to_le_bytes());
        put(0, u64::from(VERSION) << 32 | u64::from(MAGIC));
        put(8, self.first);
        put(16, self.clock.tsc_hz);
        put(24, self.clock.tsc0);
        put(32, self.clock.epoch_ns);
        for at in (SUM..80).step_by(8) {
            put(at, 0);
        }
        put(80, self.number);
        put(88, self.begin);
        put(96, self.end);
        put(104, (HEAD + self.records * RECORD) as u64 * 8);
        put(112, SIZE as u64 * 8);
        put(120, self.lost);
        let sum = checksum(packet);
        packet[SUM..SUM + 8].copy_from_slice(&sum.to_le_bytes());
    }

    /// The head of `packet`, if it makes sense.
    pub fn of(packet: &[u8; SIZE]) -> Option<Head> {
        let content = word(packet, 104) / 8;
        let records = content.checked_sub(HEAD as u64)? / RECORD as u64;
        let clock =
            Calibration { tsc_hz: word(packet, 16), tsc0: word(packet, 24), epoch_ns: word(packet, 32) };
        let head = Head {
            first: word(packet, 8),
            clock,
            number: word(packet, 80),
            begin: word(packet, 88),
            end: word(packet, 96),
            records: records as usize,
            lost: word(packet, 120),
        };
        let sane = word(packet, 0) == u64::from(VERSION) << 32 | u64::from(MAGIC)
            && content <= SIZE as u64
            && head.begin <= head.end
            && (1_000_000..1 << 40).contains(&clock.tsc_hz)
            && head.first < 1 << 56;
        sane.then_some(head)
    }
}

/// Whether the packet is as it was sealed.
pub fn intact(packet: &[u8; SIZE]) -> bool {
    word(packet, SUM) == checksum(packet)
}

/// The record at `at` of a packet.
pub fn record(packet: &[u8; SIZE], at: usize) -> Record {
    let start = HEAD + at * RECORD;
    let mut bytes = [0; RECORD];
    bytes.copy_from_slice(&packet[start..start + RECORD]);
    Record::from_bytes(&bytes)
}

/// The time of the record at `at` of a packet.
pub fn tsc(packet: &[u8; SIZE], at: usize) -> u64 {
    word(packet, HEAD + at * RECORD)
}

fn word(packet: &[u8; SIZE], at: usize) -> u64 {
    let mut le = [0; 8];
    le.copy_from_slice(&packet[at..at + 8]);
    u64::from_le_bytes(le)
}

/// Of all words but the checksum's own; any single bit that changes changes it.
fn checksum(packet: &[u8; SIZE]) -> u64 {
    // Eight sums beside each other, so that none waits for the multiplication before it.
    let mut lanes = [0x9e37_79b9_7f4a_7c15u64; 8];
    for at in (0..SIZE).step_by(64) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            let at = at + lane * 8;
            let value = if at == SUM { 0 } else { word(packet, at) };
            *sum = (*sum ^ value).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
        }
    }
    lanes.iter().fold(0, |all, lane| (all ^ lane).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29))
}
