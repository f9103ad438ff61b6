//! The export in LTTng's shape: its description read, its events counted, in order and complete.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use llano_abi::syscalls::nr;
use llano_trace::lttng::{self, CHANNEL, METADATA};
use llano_trace::record::Waiting;
use llano_trace::recorder::Recorder;
use llano_trace::snapshot::Snapshot;
use llano_trace::stats::Stats;

/// An event: ns, task, name, fields as text.
type Event = (u64, u32, String, String);

/// Field types by event number, as the metadata has them.
fn described(metadata: &str) -> BTreeMap<u32, (String, Vec<(String, String)>)> {
    let mut kinds = BTreeMap::new();
    for event in metadata.split("\nevent {").skip(1) {
        let value = |name: &str| {
            let at = event.find(&format!("\t{name} = ")).unwrap() + name.len() + 4;
            event[at..].split(';').next().unwrap().trim_matches('"').to_string()
        };
        let fields = event.split("struct {").nth(1).unwrap().lines().map(str::trim);
        let fields = fields.filter_map(|line| line.strip_suffix(';')?.split_once(' '));
        let fields = fields.map(|(kind, name)| (kind.into(), name.into())).collect();
        kinds.insert(value("id").parse().unwrap(), (value("name"), fields));
    }
    kinds
}

fn number<const N: usize>(bytes: &mut &[u8]) -> u64 {
    let (first, rest) = bytes.split_at(N);
    *bytes = rest;
    let mut le = [0; 8];
    le[..N].copy_from_slice(first);
    u64::from_le_bytes(le)
}

/// All events of an export.
fn export(recorder: &Recorder, now: &Snapshot, name: &str) -> Vec<Event> {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.lttng", std::process::id()));
    lttng::write(&dir, recorder.iter(), now).unwrap();
    let kinds = described(&fs::read_to_string(dir.join(METADATA)).unwrap());
    let channel = fs::read(dir.join(CHANNEL)).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    let (mut events, mut at, mut packets) = (Vec::new(), 0, 0);
    while at < channel.len() {
        let mut head = &channel[at..];
        assert_eq!(number::<4>(&mut head), 0xc1fc_1fc1);
        head = &head[16 + 12..];
        let (begin, end) = (number::<8>(&mut head), number::<8>(&mut head));
        let (content, size) = (number::<8>(&mut head) as usize / 8, number::<8>(&mut head) as usize / 8);
        assert_eq!(number::<8>(&mut head), packets);
        let mut rest = &channel[at + 84..at + content];
        let mut last = begin;
        let first = events.len();
        while !rest.is_empty() {
            let mut kind = number::<2>(&mut rest) as u32;
            if kind == 0xffff {
                kind = number::<4>(&mut rest) as u32;
                last = number::<8>(&mut rest);
            } else {
                let low = number::<4>(&mut rest);
                let high = last >> 32;
                last = (high + u64::from(low < last & 0xffff_ffff)) << 32 | low;
            }
            let tid = number::<4>(&mut rest) as u32;
            let (name, fields) = &kinds[&kind];
            let mut text = String::new();
            for (kind, name) in fields {
                let value = match kind.as_str() {
                    "int32_t" => (number::<4>(&mut rest) as u32 as i32).to_string(),
                    "int64_t" | "hex64_t" => (number::<8>(&mut rest) as i64).to_string(),
                    "char_t" => {
                        assert!(name.ends_with("[16]"));
                        let (name, after) = rest.split_at(16);
                        rest = after;
                        String::from_utf8(name.into()).unwrap().trim_end_matches('\0').to_string()
                    }
                    "string" => {
                        let end = rest.iter().position(|byte| *byte == 0).unwrap();
                        let text = String::from_utf8(rest[..end].into()).unwrap();
                        rest = &rest[end + 1..];
                        text
                    }
                    kind => panic!("{kind}"),
                };
                text += &format!("{}={value} ", name.trim_start_matches('_').trim_end_matches("[16]"));
            }
            events.push((last, tid, name.clone(), text.trim_end().to_string()));
        }
        assert_eq!((events[first].0, last), (begin, end));
        (at, packets) = (at + size, packets + 1);
    }
    assert!(events.is_sorted_by_key(|event| event.0), "time goes back");
    events
}

fn count(events: &[Event], start: &str) -> u64 {
    events.iter().filter(|(_, _, name, _)| name.starts_with(start)).count() as u64
}

#[test]
fn every_call_has_both_ends() {
    let (recorder, now) = common::pipeline(1 << 20);
    let events = export(&recorder, &now, "pairs");
    let stats = Stats::of(recorder.iter(), &now);
    let calls: u64 = stats.calls.iter().map(|row| row.calls).sum();
    let exits: u64 = stats.calls.iter().filter(|row| row.nr == nr::EXIT_GROUP).map(|row| row.calls).sum();
    assert_eq!(count(&events, "syscall_entry_"), calls + 2, "two calls are in progress");
    assert_eq!(count(&events, "syscall_exit_"), calls - exits);
    // A task is in one call at a time.
    let mut inside: BTreeMap<u32, &str> = BTreeMap::new();
    for (_, tid, name, _) in &events {
        if let Some(call) = name.strip_prefix("syscall_entry_") {
            assert_eq!(inside.insert(*tid, call), None, "{tid} in {call}");
        } else if let Some(call) = name.strip_prefix("syscall_exit_") {
            assert_eq!(inside.remove(tid), Some(call), "{tid}");
        } else if name == "sched_process_exit" {
            inside.remove(tid);
        }
    }
    assert_eq!(inside.into_iter().collect::<Vec<_>>(), [(10, "read"), (12, "write")]);
}

#[test]
fn events_are_those_of_the_kernel() {
    let (recorder, now) = common::pipeline(1 << 20);
    let events = export(&recorder, &now, "kernel");
    let one = |name: &str, fields: &str| {
        let found = events.iter().any(|event| event.2 == name && event.3.contains(fields));
        let others: Vec<_> = events.iter().filter(|event| event.2 == name).map(|event| &event.3).collect();
        assert!(found, "no {name} with {fields} in {others:#?}");
    };
    one("syscall_entry_openat", "dirfd=-100 path=/etc/passwd flags=524288 mode=0");
    one("syscall_exit_openat", "ret=-2");
    one("sched_switch", "prev_comm=sh prev_tid=10 prev_prio=20 prev_state=1 next_comm=sh next_tid=11");
    one("sched_switch", "prev_comm=swapper/0 prev_tid=0 prev_prio=20 prev_state=0 next_comm=sh next_tid=10");
    one("sched_waking", "comm=wc \"-l\" tid=12 prio=20 target_cpu=0");
    one("sched_process_fork", "parent_tid=10 parent_pid=10 child_comm=sh child_tid=13 child_pid=10");
    one("sched_process_exec", "filename=/usr/bin/wc tid=12");
    one("sched_process_exit", "comm=cat tid=11");
    one("signal_generate", "sig=17 errno=0 code=1 comm=sh pid=10");
    one("irq_handler_entry", "name=tick");
    one("lttng_logger", "msg=half way");
    one("printk_console", "msg=llano booted");
    one("llano_debugger_stop", "");
    assert_eq!(count(&events, "lttng_statedump"), 0, "every task's birth is in the trace");
    // Without the beginning, what is known of the tasks stands at the head.
    let mut ring = Recorder::new(0);
    let start = now.now_tsc;
    for at in 0..5000 {
        ring.syscall(start + at * 300, start + at * 300 + 100, 12, nr::GETPPID, 1, &[0; 6]);
    }
    let events = export(&ring, &Snapshot { now_tsc: start + 9_000_000, ..now }, "dump");
    let names: Vec<_> = events.iter().take(4).map(|event| event.2.as_str()).collect();
    let state = "lttng_statedump_process_state";
    assert_eq!(names, ["lttng_statedump_start", state, state, "lttng_statedump_end"]);
    assert!(events[1].3.starts_with("tid=10 vtid=10 pid=10") && events[1].3.contains("name=sh"));
}

/// Calls that last longer than the export looks ahead begin where they began all the same, and times past four
/// seconds stay whole.
#[test]
fn long_calls_begin_in_time() {
    let (_, now) = common::pipeline(0);
    let mut ring = Recorder::new(1 << 24);
    let at = |ns: u64| common::CLOCK.tsc0 + ns * 3;
    ring.block(at(150), 7, nr::READ, Waiting::Pipe, 0);
    for call in 0..100_000 {
        ring.syscall(at(200 + call * 100), at(250 + call * 100), 8, nr::GETPPID, 1, &[0; 6]);
    }
    ring.syscall(at(100), at(20_000_000), 7, nr::READ, 5, &[3, 0, 0, 0, 0, 0]);
    ring.syscall(at(30_000_000_000), at(30_000_000_100), 7, nr::CLOSE, 0, &[3, 0, 0, 0, 0, 0]);
    let now = Snapshot { now_tsc: at(40_000_000_000), tasks: Vec::new(), ..now };
    let events = export(&ring, &now, "long");
    let of = |name: &str| events.iter().find(|event| event.2 == name).map(|event| event.0);
    assert_eq!((of("syscall_entry_read"), of("syscall_exit_read")), (Some(100), Some(20_000_000)));
    assert_eq!(
        (of("syscall_entry_close"), of("syscall_exit_close")),
        (Some(30_000_000_000), Some(30_000_000_100))
    );
    assert_eq!(count(&events, "syscall_"), 2 * 100_002);
}
