//! The trace on disk: what is written comes back, and of what was damaged as much as there is.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use llano_trace::ctf::packet::{self, RECORDS, SIZE};
use llano_trace::ctf::{self, Trace, Writer};
use llano_trace::record::{Event, Record};
use llano_trace::recorder::Recorder;
use llano_trace::stats::Stats;
use llano_trace::{chrome, file};

/// A place for one test's trace.
fn scratch(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("ctf-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir.join("a.ctf")
}

fn gone(path: &Path) {
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

/// The bytes of a stream with `count` records, numbers from `first` on.
fn stream(first: u64, count: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, common::CLOCK);
    for at in 0..count {
        let record = Record { tsc: 8_000_000_000 + at * 300, event: Event::Wake as u16, ..Record::default() };
        writer.record(first + at, &record).unwrap();
    }
    writer.finish().unwrap();
    out
}

fn open(path: &Path, bytes: &[u8]) -> Trace {
    fs::write(path, bytes).unwrap();
    Trace::open(path).unwrap()
}

#[test]
fn what_is_saved_comes_back() {
    let path = scratch("whole");
    let (recorder, now) = common::pipeline(1 << 20);
    ctf::write(&path, recorder.iter(), &now).unwrap();
    let trace = Trace::open(&path).unwrap();
    assert!(trace.damage().none());
    assert_eq!(trace.now(), &now);
    let ours = |(_, record): &(u64, Record)| record.tsc < now.now_tsc;
    assert!(trace.records().filter(ours).eq(recorder.iter().filter(ours)));
    assert_eq!(trace.len(), trace.records().count() as u64);
    let counts = |stats: &Stats| -> Vec<_> {
        stats.calls.iter().map(|row| (row.nr, row.calls, row.errors, row.total_ns, row.waited_ns)).collect()
    };
    let (saved, live) = (Stats::of(trace.records(), trace.now()), Stats::of(recorder.iter(), &now));
    assert_eq!((counts(&saved), saved.tasks), (counts(&live), live.tasks));
    // The export of the file is that of the ring.
    let (mut from_file, mut from_ring) = (Vec::new(), Vec::new());
    chrome::write(&mut from_file, trace.records(), trace.now()).unwrap();
    chrome::write(&mut from_ring, recorder.iter(), &now).unwrap();
    assert_eq!(String::from_utf8(from_file).unwrap(), String::from_utf8(from_ring).unwrap());
    // The stream alone is enough.
    assert_eq!(Trace::open(&path.join(ctf::STREAM)).unwrap().now(), &now);
    gone(&path);
}

#[test]
fn numbers_and_losses_are_kept() {
    let path = scratch("lost");
    let (_, now) = common::pipeline(1 << 20);
    let mut ring = Recorder::new(0);
    for at in 0..5000u64 {
        ring.wake(now.now_tsc + at, 1, 2);
    }
    ctf::write(&path, ring.iter(), &now).unwrap();
    let trace = Trace::open(&path).unwrap();
    assert_eq!((trace.lost(), trace.records().next().unwrap().0), (ring.lost(), ring.lost()));
    assert!(ring.lost() > 0);
    gone(&path);
}

#[test]
fn a_gap_begins_a_packet() {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, common::CLOCK);
    for seq in [5, 6, 9, 10] {
        writer.record(seq, &Record { tsc: 8_000_000_000 + seq, ..Record::default() }).unwrap();
    }
    writer.finish().unwrap();
    let path = scratch("gap");
    let trace = open(&path, &out);
    assert_eq!((out.len(), trace.packets(), trace.lost()), (2 * SIZE, 2, 7));
    assert_eq!(trace.records().map(|(seq, _)| seq).collect::<Vec<_>>(), [5, 6, 9, 10]);
    gone(&path);
}

#[test]
fn a_torn_end_costs_its_packet() {
    let path = scratch("torn");
    let bytes = stream(0, 3000);
    assert_eq!(bytes.len(), 3 * SIZE);
    let trace = open(&path, &bytes[..bytes.len() - 1]);
    assert_eq!((trace.len(), trace.damage().torn), (2 * RECORDS as u64, SIZE as u64 - 1));
    assert_eq!(
        trace.damage().to_string(),
        format!("{} bytes of a torn packet at the end are left out", SIZE - 1)
    );
    fs::write(&path, &bytes[..SIZE - 1]).unwrap();
    let error = Trace::open(&path).unwrap_err();
    assert!(error.ends_with("no whole packet of a trace in it") && !error.contains('\n'), "{error}");
    gone(&path);
}

#[test]
fn damage_is_seen_and_costs_little() {
    let path = scratch("damaged");
    let bytes = stream(100, 3000);
    let flipped = |at: usize, bit: u8| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << bit;
        open(&path, &bytes)
    };
    let trace = flipped(SIZE, 0);
    assert_eq!(
        (trace.len(), trace.damage().packets),
        (3000 - RECORDS as u64, 1),
        "a packet without its magic"
    );
    let record = SIZE + packet::HEAD + 7 * packet::RECORD;
    let trace = flipped(record + 6, 5);
    assert_eq!((trace.len(), trace.damage().changed, trace.damage().records), (2999, 1, 1), "a time");
    let trace = flipped(record + 9, 7);
    assert_eq!((trace.len(), trace.damage().records), (2999, 1), "an event");
    let trace = flipped(record + 40, 0);
    assert_eq!((trace.len(), trace.damage().changed), (3000, 1), "an argument");
    assert!(trace.records().map(|(seq, _)| seq).eq(100..3100));
    // Repaired it is whole again, without what was lost.
    let trace = flipped(record + 9, 7);
    let mended = path.with_file_name("b.ctf");
    ctf::repair(&mended, &trace).unwrap();
    let mended = Trace::open(&mended).unwrap();
    assert!(mended.damage().none());
    assert!(mended.records().eq(trace.records()));
    assert_eq!(mended.now(), trace.now());
    gone(&path);
}

#[test]
fn other_directories_are_not_replaced() {
    let path = scratch("other");
    let (recorder, now) = common::pipeline(1 << 20);
    for _ in 0..2 {
        ctf::write(&path, recorder.iter(), &now).unwrap();
    }
    fs::write(path.join("notes"), "mine").unwrap();
    let error = ctf::write(&path, recorder.iter(), &now).unwrap_err();
    assert_eq!(error, format!("cannot write {}: it is a directory and holds notes", path.display()));
    assert_eq!(file::check_dir(&path, &ctf::FILES).unwrap_err(), error);
    assert_eq!(fs::read(path.join("notes")).unwrap(), b"mine");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "something is left behind");
    gone(&path);
}
