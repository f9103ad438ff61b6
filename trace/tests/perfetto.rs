//! The Perfetto export of a made-up recording: messages that parse, slices that begin and end.

mod common;

use std::collections::BTreeMap;
use std::env;
use std::io::Read;
use std::path::PathBuf;

use llano_trace::recorder::Recorder;
use llano_trace::snapshot::Snapshot;
use llano_trace::stats::Stats;
use llano_trace::{file, perfetto};

/// A field of a message.
#[derive(Clone, Debug, PartialEq)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

type Message = Vec<(u64, Field)>;

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().expect("a whole number");
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if *first < 0x80 {
            return value;
        }
    }
    panic!("a number of more than ten bytes");
}

fn parse(mut bytes: &[u8]) -> Message {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                fields.push((key >> 3, Field::Number(varint(&mut bytes))));
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            wire => panic!("wire type {wire}"),
        };
        let (value, rest) = bytes.split_at(length);
        fields.push((key >> 3, Field::Bytes(value.into())));
        bytes = rest;
    }
    fields
}

fn bytes(message: &Message, wanted: u64) -> Option<&[u8]> {
    message.iter().find_map(|(number, field)| match field {
        Field::Bytes(bytes) if *number == wanted => Some(bytes.as_slice()),
        _ => None,
    })
}

fn number(message: &Message, wanted: u64) -> Option<u64> {
    message.iter().find_map(|(number, field)| match field {
        Field::Number(value) if *number == wanted => Some(*value),
        _ => None,
    })
}

fn export(recorder: &Recorder, now: &Snapshot) -> Vec<u8> {
    let mut out = Vec::new();
    perfetto::write(&mut out, recorder.iter(), now).unwrap();
    out
}

/// The packets of a file, out of their batches.
fn packets(file: &[u8]) -> Vec<Message> {
    let mut all = Vec::new();
    for (_, batch) in parse(file) {
        let Field::Bytes(batch) = batch else { panic!("a number between packets") };
        let compressed = parse(&batch);
        let mut plain = Vec::new();
        let mut reader = flate2::read::ZlibDecoder::new(bytes(&compressed, 50).expect("a compressed batch"));
        reader.read_to_end(&mut plain).unwrap();
        for (field, packet) in parse(&plain) {
            let Field::Bytes(packet) = packet else { panic!("a number in a batch") };
            assert_eq!(field, 1);
            all.push(parse(&packet));
        }
    }
    all
}

/// `LLANO_TRACE_OUT` names the file when the viewer's own reader is to check it too (`tests/trace/run`).
#[test]
fn the_file_is_written_whole() {
    let (recorder, now) = common::pipeline(1 << 20);
    let unread = || PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pipeline.pftrace");
    let path = env::var_os("LLANO_TRACE_OUT").map_or_else(unread, PathBuf::from);
    file::write(&path, |out| perfetto::write(out, recorder.iter(), &now)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), export(&recorder, &now));
}

#[test]
fn every_call_is_a_slice_that_ends() {
    let (recorder, now) = common::pipeline(1 << 20);
    let packets = packets(&export(&recorder, &now));
    let interned = packets.iter().filter_map(|packet| bytes(packet, 12)).flat_map(parse);
    let syscall = interned
        .filter_map(|(kind, entry)| match entry {
            Field::Bytes(entry) if kind == 1 => Some(parse(&entry)),
            _ => None,
        })
        .find(|entry| bytes(entry, 2) == Some(b"syscall"));
    let syscall = number(&syscall.expect("a category"), 1);
    let event = |packet: &Message| Some((number(packet, 8), parse(bytes(packet, 11)?)));
    let mut events: Vec<_> = packets.iter().filter_map(event).collect();
    // As the reader does: by time, and what has the same time in the order it was written.
    events.sort_by_key(|&(ns, _)| ns.expect("a time"));
    let mut open: BTreeMap<u64, Vec<Option<u64>>> = BTreeMap::new();
    let (mut calls, mut flows) = (0, BTreeMap::new());
    for (ns, event) in &events {
        let stack = open.entry(number(event, 11).expect("a track")).or_default();
        match number(event, 9) {
            Some(1) => {
                calls += u64::from(number(event, 3) == syscall);
                stack.push(*ns);
            }
            Some(2) => assert!(stack.pop().expect("a slice that began") <= *ns),
            Some(3 | 4) => {}
            kind => panic!("{kind:?}"),
        }
        for (field, _) in event.iter().filter(|(field, _)| [47, 48].contains(field)) {
            *flows.entry(bytes(event, *field).unwrap().to_vec()).or_insert(0) += field - 46;
        }
    }
    let stats: u64 = Stats::of(recorder.iter(), &now).calls.iter().map(|row| row.calls).sum();
    let in_progress = now.tasks.iter().filter(|task| task.call.is_some()).count();
    assert_eq!(calls, stats + in_progress as u64);
    // And a slice that its program never ended.
    assert_eq!(open.values().map(Vec::len).sum::<usize>(), in_progress + 1);
    assert!(flows.len() > 4 && flows.values().all(|ends| *ends == 1 + 2), "{flows:?}");
}
