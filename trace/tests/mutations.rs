//! Whatever a file holds, reading it and every export end in time, in little memory and without a panic.
//!
//! The same mutations every time, and so an ordinary test. To look further:
//!
//! ```sh
//! LLANO_FUZZ_SECONDS=600 LLANO_FUZZ_SEED=7 cargo test --release -p llano-trace --all-features --test mutations
//! ```
//!
//! Each round has a seed of its own, which a failure names; `LLANO_FUZZ_SEED` with it and one second begins there.

mod common;

use std::fs;
use std::io::{self, Write};
use std::panic;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use llano_trace::ctf::packet::{HEAD, Head, RECORD, RECORDS, SIZE};
use llano_trace::ctf::{self, Trace, Writer};
use llano_trace::record::{Event, Record};
use llano_trace::stats::Stats;
use llano_trace::{chrome, lttng, perfetto, text};

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit.max(1)
    }

    /// A number of the kind that breaks arithmetic, or any other.
    fn word(&mut self) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << 63,
            3 => i64::MAX as u64,
            4 => u64::from(u32::MAX),
            5 => self.next() & 0xff,
            6 => 1 << self.below(64),
            _ => self.next(),
        }
    }

    /// A record whose fields may be anything, but which a reader does not refuse.
    fn record(&mut self, tsc: u64) -> Record {
        let event = self.below(Event::ALL.len()) as u16;
        let tid = if self.below(4) == 0 { self.word() as u32 } else { self.below(20) as u32 };
        let nr = if self.below(4) == 0 { self.word() as u16 } else { self.below(400) as u16 };
        // A string of a length that is possible, so that its pieces are put together.
        let result = if self.below(2) == 0 { self.below(40) as i64 } else { self.word() as i64 };
        let duration = if self.below(2) == 0 { self.below(100_000) as u64 } else { self.word() };
        let mut args = [0; 4];
        args.fill_with(|| if self.below(2) == 0 { self.below(40) as u64 } else { self.word() });
        Record { tsc, event, nr, tid, duration, result, args }
    }
}

/// A stream of made-up records, whole but senseless.
fn senseless(random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, common::CLOCK);
    let mut tsc = common::CLOCK.tsc0;
    for seq in 0..random.below(3 * RECORDS) as u64 {
        tsc += random.below(3000) as u64;
        writer.record(seq, &random.record(tsc)).unwrap();
    }
    writer.finish().unwrap();
    out
}

/// Changes something.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    let packets = bytes.len() / SIZE;
    if packets == 0 {
        return;
    }
    // Most of a packet may be padding: changes go where something stands.
    let place = |random: &mut Random, unit: usize| {
        let packet = random.below(packets) * SIZE;
        let within = if random.below(3) == 0 { random.below(HEAD) } else { random.below(160 * RECORD) };
        (packet + within) / unit * unit
    };
    match random.below(8) {
        0 => {
            let at = place(random, 1);
            bytes[at] ^= 1 << random.below(8);
        }
        1 => {
            let at = place(random, 8);
            bytes[at..at + 8].copy_from_slice(&random.word().to_le_bytes());
        }
        2 => {
            let (from, length) = (place(random, 1), random.below(300));
            let end = (from + length).min(bytes.len());
            bytes[from..end].fill(random.next() as u8);
        }
        3 => {
            let (from, to) = (random.below(packets) * SIZE, random.below(packets) * SIZE);
            let packet = bytes[from..from + SIZE].to_vec();
            bytes[to..to + SIZE].copy_from_slice(&packet);
        }
        4 => bytes.truncate(random.below(bytes.len())),
        5 => bytes.extend((0..random.below(SIZE)).map(|at| at as u8)),
        6 => bytes.rotate_left(random.below(packets) * SIZE),
        _ => {
            // A packet that says it is whole.
            let at = random.below(packets) * SIZE;
            let packet: &mut [u8; SIZE] = (&mut bytes[at..at + SIZE]).try_into().unwrap();
            if let Some(head) = Head::of(packet) {
                head.seal(packet);
            }
        }
    }
}

/// Counts what is written.
#[derive(Default)]
struct Sink(u64);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything that is ever done with a file. Whether anything of it could be read.
fn read(path: &Path) -> bool {
    let trace = match Trace::open(path) {
        Ok(trace) => trace,
        Err(error) => {
            assert!(!error.contains('\n'), "{error}");
            return false;
        }
    };
    let mut last = 0;
    for (_, record) in trace.records() {
        assert!(record.tsc >= last, "time goes back");
        last = record.tsc;
    }
    let stats = Stats::of(trace.records(), trace.now());
    assert!(stats.to_string().len() + stats.json().len() < 1 << 20);
    let mut sink = Sink::default();
    chrome::write(&mut sink, trace.records(), trace.now()).unwrap();
    perfetto::write(&mut sink, trace.records(), trace.now()).unwrap();
    let print = text::Options { all_events: true, ..text::Options::default() };
    text::write(&mut sink, trace.records(), trace.now(), print).unwrap();
    assert!(sink.0 < (1 << 20) + 10_000 * trace.len(), "{} bytes from {} records", sink.0, trace.len());
    lttng::write(&path.with_file_name("a.lttng"), trace.records(), trace.now()).unwrap();
    let mended = path.with_file_name("mended.ctf");
    ctf::repair(&mended, &trace).unwrap();
    if !trace.is_empty() {
        let mended = Trace::open(&mended).unwrap();
        assert!(mended.damage().none());
        assert!(mended.records().map(|(_, record)| record).eq(trace.records().map(|(_, record)| record)));
    }
    !trace.is_empty()
}

#[test]
fn nothing_in_a_file_can_break_a_reader() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (seconds, seed) = (number("LLANO_FUZZ_SECONDS"), number("LLANO_FUZZ_SEED").unwrap_or(0x5eed));
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("mutations-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let (recorder, now) = common::pipeline(1 << 20);
    let whole = dir.join("whole.ctf");
    ctf::write(&whole, recorder.iter(), &now).unwrap();
    let whole = fs::read(whole.join(ctf::STREAM)).unwrap();
    let (begun, mut rounds, mut readable) = (Instant::now(), 0, 0);
    while seconds.map_or(rounds < 200, |limit| begun.elapsed() < Duration::from_secs(limit)) {
        let seed = seed + rounds;
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut bytes = whole.clone();
        if random.below(2) == 0 {
            bytes = senseless(&mut random);
        }
        for _ in 0..random.below(6) {
            mutate(&mut random, &mut bytes);
        }
        let path = dir.join("stream");
        fs::write(&path, &bytes).unwrap();
        let started = Instant::now();
        let done = panic::catch_unwind(|| read(&path));
        readable += u32::from(*done.as_ref().unwrap_or_else(|_| panic!("LLANO_FUZZ_SEED={seed}")));
        assert!(started.elapsed() < Duration::from_secs(20), "LLANO_FUZZ_SEED={seed} takes long");
        rounds += 1;
    }
    assert!(u64::from(readable) > rounds / 3, "only {readable} of {rounds} were readable");
    fs::remove_dir_all(&dir).unwrap();
}
