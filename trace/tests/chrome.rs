//! The Chrome export of a made-up recording: valid JSON, nested slices, everything decoded.

mod common;

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use llano_abi::syscalls::nr;
use llano_trace::record::{TaskState, Waiting};
use llano_trace::recorder::Recorder;
use llano_trace::snapshot::Snapshot;
use llano_trace::stats::Stats;
use llano_trace::{chrome, file, json};

/// A strict JSON reader: what a value is, as far as these tests ask.
#[derive(Clone, Debug, PartialEq)]
enum Json {
    Object(BTreeMap<String, Json>),
    Array(Vec<Json>),
    String(String),
    Number(f64),
}

impl Json {
    fn parse(text: &str) -> Json {
        let mut rest = text.trim_end();
        let value = Json::value(&mut rest);
        assert_eq!(rest, "", "text after the value");
        value
    }

    fn value(rest: &mut &str) -> Json {
        *rest = rest.trim_start();
        match rest.as_bytes()[0] {
            b'{' => {
                let mut fields = BTreeMap::new();
                Json::list(rest, '}', |rest| {
                    let Json::String(name) = Json::value(rest) else {
                        panic!("name expected at {:.40}", rest)
                    };
                    *rest = rest.trim_start().strip_prefix(':').expect("a colon");
                    assert!(fields.insert(name, Json::value(rest)).is_none(), "a name twice");
                });
                Json::Object(fields)
            }
            b'[' => {
                let mut items = Vec::new();
                Json::list(rest, ']', |rest| items.push(Json::value(rest)));
                Json::Array(items)
            }
            b'"' => Json::text(rest),
            _ => {
                let end =
                    rest.find(|c: char| !"+-.eE".contains(c) && !c.is_ascii_digit()).unwrap_or(rest.len());
                let (number, after) = rest.split_at(end);
                *rest = after;
                Json::Number(
                    number.parse().unwrap_or_else(|_| panic!("no number: {number:?} before {after:.40}")),
                )
            }
        }
    }

    fn list(rest: &mut &str, close: char, mut item: impl FnMut(&mut &str)) {
        *rest = rest[1..].trim_start();
        if let Some(after) = rest.strip_prefix(close) {
            *rest = after;
            return;
        }
        loop {
            item(rest);
            *rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix(close) {
                *rest = after;
                return;
            }
            *rest = rest.strip_prefix(',').unwrap_or_else(|| panic!("comma expected at {rest:.40}"));
        }
    }

    fn text(rest: &mut &str) -> Json {
        let mut out = String::new();
        let mut chars = rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    *rest = &rest[at + 2..];
                    return Json::String(out);
                }
                '\\' => out.push(match chars.next().expect("an escape").1 {
                    'n' => '\n',
                    't' => '\t',
                    'u' => {
                        let digits: String = (0..4).map(|_| chars.next().unwrap().1).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap()
                    }
                    c @ ('"' | '\\') => c,
                    c => panic!("escape \\{c}"),
                }),
                c => {
                    assert!(u32::from(c) >= 0x20, "a raw control character");
                    out.push(c);
                }
            }
        }
        panic!("a string without an end")
    }

    fn field(&self, name: &str) -> &Json {
        let Json::Object(fields) = self else { panic!("no object") };
        fields.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    fn str(&self, name: &str) -> &str {
        let Json::String(text) = self.field(name) else { panic!("{name} is no string") };
        text
    }

    fn number(&self, name: &str) -> f64 {
        let Json::Number(number) = self.field(name) else { panic!("{name} is no number") };
        *number
    }

    fn array(&self, name: &str) -> &[Json] {
        let Json::Array(items) = self.field(name) else { panic!("{name} is no array") };
        items
    }
}

fn export(recorder: &Recorder, now: &Snapshot) -> Json {
    let mut out = Vec::new();
    chrome::write(&mut out, recorder.iter(), now).unwrap();
    Json::parse(std::str::from_utf8(&out).unwrap())
}

fn ns(event: &Json, name: &str) -> u64 {
    (event.number(name) * 1000.0).round() as u64
}

/// `LLANO_TRACE_OUT` names the file when the viewer's own reader is to check it too (`tests/trace/run`).
#[test]
fn the_file_is_written_whole() {
    let (recorder, now) = common::pipeline(1 << 20);
    let unread = || PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pipeline.json");
    let path = env::var_os("LLANO_TRACE_OUT").map_or_else(unread, PathBuf::from);
    file::write(&path, |out| chrome::write(out, recorder.iter(), &now)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(Json::parse(&text), export(&recorder, &now));
}

#[test]
fn calls_are_decoded() {
    let (recorder, now) = common::pipeline(1 << 20);
    let trace = export(&recorder, &now);
    let events = trace.array("traceEvents");
    let find = |ph: &str, name: &str, tid: f64| {
        let found =
            events.iter().rfind(|e| e.str("ph") == ph && e.str("name") == name && e.number("tid") == tid);
        found.unwrap_or_else(|| panic!("no {ph} {name}"))
    };
    let open = find("X", "openat", 11.0);
    assert_eq!(open.number("pid"), 11.0);
    assert_eq!(ns(open, "dur"), 2_100);
    let args = open.field("args");
    assert_eq!((args.str("dirfd"), args.str("path")), ("AT_FDCWD", "\"/etc/passwd\""));
    assert_eq!((args.str("flags"), args.str("result")), ("O_RDONLY|O_CLOEXEC", "5</etc/passwd>"));
    let written = find("X", "write", 11.0).field("args");
    assert_eq!((written.str("fd"), written.str("result")), ("1<pipe:[1]>", "1834"));
    assert_eq!(written.str("buf"), "\"root:x:0:0:root:/root:/bin/bash\\n\"...");
    assert_eq!(find("X", "close", 11.0).field("args").str("fd"), "5</etc/passwd>");
    let map = find("X", "mmap", 10.0).field("args");
    assert_eq!((map.str("fd"), map.str("result")), ("-1", "0x7f0000000000"));
    let failed = events.iter().find(|e| e.str("name") == "openat").unwrap();
    assert_eq!(failed.field("args").str("result"), "-1 ENOENT (No such file or directory)");
    let open = find("B", "read", 10.0).field("args");
    assert_eq!((open.str("fd"), open.str("result")), ("0</dev/tty>", "in progress"));
    assert_eq!(find("M", "thread_name", 12.0).field("args").str("name"), "wc \"-l\"");
    assert_eq!(find("i", "SIGCHLD", 10.0).field("args").str("handler"), "0x55551234");
    assert_eq!(find("i", "killed by SIGSEGV", 13.0).number("pid"), 10.0);
    let wait = |name: &str, tid: f64| find("X", name, tid).field("args");
    assert_eq!(wait("wait pipe", 12.0).str("fd"), "0<pipe:[1]>");
    assert_eq!(wait("wait futex", 13.0).str("address"), "0x7f200000");
    assert_eq!(wait("wait child", 10.0).str("task"), "11");
    let exchange = find("X", "exchange", 2.0).field("args");
    assert_eq!((exchange.str("task"), exchange.str("bytes"), exchange.str("maps")), ("sh 13", "8192", "3"));
    assert_eq!(trace.field("otherData").str("lost_records"), "0");
}

/// Slices of a program's own lie between the calls that mark them; the last one is open.
#[test]
fn marks_are_slices_and_counters() {
    let (recorder, now) = common::pipeline(1 << 20);
    let trace = export(&recorder, &now);
    let events = trace.array("traceEvents");
    let marks = events.iter().filter(|e| matches!(e.str("ph"), "B" | "E") && e.str("cat") == "mark");
    let told: Vec<_> = marks.map(|e| (e.str("ph"), e.str("name"), e.number("tid"))).collect();
    let wanted = [("B", "count"), ("B", "read"), ("E", "read"), ("E", "count"), ("B", "rest")];
    assert_eq!(told, wanted.map(|(ph, name)| (ph, name, 12.0)));
    let counted = events.iter().filter(|e| e.str("ph") == "C" && e.str("name") == "lines");
    let values: Vec<_> = counted.map(|e| (e.number("pid"), e.field("args").number("value"))).collect();
    assert_eq!(values, [(12.0, 3.0), (12.0, 30.0)]);
    let point = events.iter().find(|e| e.str("name") == "half way").unwrap();
    assert_eq!((point.str("ph"), point.str("cat"), point.number("tid")), ("i", "mark", 12.0));
    let at = |ph: &str, name: &str| {
        ns(events.iter().find(|e| e.str("ph") == ph && e.str("name") == name).unwrap(), "ts")
    };
    let inner = events.iter().rfind(|e| e.str("name") == "fstat" && e.number("tid") == 12.0).unwrap();
    assert!(at("B", "read") < ns(inner, "ts") && ns(inner, "ts") + ns(inner, "dur") < at("E", "read"));
    for (name, pid) in [("pipe:[1]", 2.0), ("guest memory", 2.0)] {
        let counter = events.iter().find(|e| e.str("name") == name).unwrap();
        assert_eq!((counter.str("ph"), counter.number("pid")), ("C", pid));
        assert!(counter.field("args").number("bytes") > 0.0);
    }
}

#[test]
fn slices_of_a_track_nest() {
    let (recorder, now) = common::pipeline(1 << 20);
    let trace = export(&recorder, &now);
    let mut tracks: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
    let mut waits = 0;
    for event in trace.array("traceEvents").iter().filter(|event| event.str("ph") == "X") {
        waits += u32::from(event.str("cat") == "wait");
        let start = ns(event, "ts");
        tracks.entry(event.number("tid") as u64).or_default().push((start, start + ns(event, "dur")));
    }
    assert!(waits >= 5 && tracks.len() == 6, "{waits} waits on {} tracks", tracks.len());
    for (tid, mut slices) in tracks {
        slices.sort_by_key(|&(start, end)| (start, std::cmp::Reverse(end)));
        let mut open: Vec<u64> = Vec::new();
        for (start, end) in slices {
            while open.last().is_some_and(|&outer| outer <= start) {
                open.pop();
            }
            assert!(open.last().is_none_or(|&outer| end <= outer), "a slice of {tid} at {start} overlaps");
            open.push(end);
        }
    }
}

/// Woken before it left the CPU, a task goes on without a switch: its wait ends with its call.
#[test]
fn a_wait_without_a_switch_ends() {
    let (_, now) = common::pipeline(0);
    let mut ring = Recorder::new(0);
    let at = |ns: u64| common::CLOCK.tsc0 + ns * 3;
    for start in [1000, 3000] {
        ring.block(at(start + 100), 10, nr::NANOSLEEP, Waiting::Timer, 0);
        ring.syscall(at(start), at(start + 900), 10, nr::NANOSLEEP, 0, &[0; 6]);
    }
    ring.switch(at(5000), 0, 10, TaskState::Runnable);
    let trace = export(&ring, &now);
    let waits = trace.array("traceEvents").iter().filter(|event| event.str("name") == "wait timer");
    let spans: Vec<_> = waits.map(|event| (ns(event, "ts"), ns(event, "dur"))).collect();
    assert_eq!(spans, [(1100, 800), (3100, 800)]);
}

#[test]
fn arrows_join_calls() {
    let (recorder, now) = common::pipeline(1 << 20);
    let trace = export(&recorder, &now);
    let events = trace.array("traceEvents");
    let ends = |ph: &str| -> BTreeMap<u64, u64> {
        let ends = events.iter().filter(|event| event.str("ph") == ph);
        ends.map(|event| (event.number("id") as u64, event.number("tid") as u64)).collect()
    };
    let (from, to) = (ends("s"), ends("f"));
    let arrows: Vec<_> = from.iter().map(|(id, waker)| (*waker, to[id])).collect();
    assert_eq!(from.len(), to.len());
    for arrow in [(11, 10), (12, 10), (11, 12), (10, 13)] {
        assert!(arrows.contains(&arrow), "no arrow {arrow:?} in {arrows:?}");
    }
}

#[test]
fn scheduling_is_ftrace_text() {
    let (recorder, now) = common::pipeline(1 << 20);
    let trace = export(&recorder, &now);
    let lines: Vec<&str> = trace.str("systemTraceEvents").lines().skip(2).collect();
    assert_eq!(
        lines[1],
        "idle-0 (-----) [000] d..3 0.000001060: sched_switch: prev_comm=idle prev_pid=0 prev_prio=120 \
         prev_state=S ==> next_comm=sh next_pid=10 next_prio=120"
    );
    assert!(lines[0].ends_with("sched_waking: comm=? pid=10 prio=120 target_cpu=000"), "born");
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with("sched_waking: comm=wc_\"-l\" pid=12 prio=120 target_cpu=000"))
    );
}

/// With its beginning overwritten the recording still names its living tasks, and says what is missing.
#[test]
fn a_full_ring_is_still_a_trace() {
    let (whole, now) = common::pipeline(1 << 20);
    let mut ring = Recorder::new(0);
    let end = now.now_tsc;
    for at in 0..5000 {
        let start = end + at * 300;
        ring.syscall(start, start + 100, 12, nr::MMAP, -12, &[0, 1, 2, 3, 4, 5]);
    }
    assert!(whole.lost() == 0 && ring.lost() > 0);
    let trace = export(&ring, &now);
    assert_eq!(trace.field("otherData").str("lost_records"), ring.lost().to_string());
    let named = trace.array("traceEvents").iter().find(|event| event.number("pid") == 12.0).unwrap();
    assert_eq!(named.field("args").str("name"), "wc \"-l\"");
}

#[test]
fn stats_tell_work_from_waiting() {
    let (recorder, now) = common::pipeline(1 << 20);
    let stats = Stats::of(recorder.iter(), &now);
    let row = |nr| stats.calls.iter().find(|row| row.nr == nr).unwrap();
    assert_eq!((row(nr::OPENAT).calls, row(nr::OPENAT).errors), (7, 6));
    assert_eq!(row(nr::OPENAT).total_ns, 6 * 1_400 + 2_100);
    let wait = row(nr::WAIT4);
    assert!(wait.waited_ns > 40_000 && wait.kernel_ns() < 1_000, "{wait:?}");
    assert_eq!(stats.calls[0].nr, nr::EXECVE);
    let cpu: u64 = stats.tasks.iter().map(|task| task.run_ns).sum();
    assert_eq!(cpu + stats.idle_ns + 60, stats.span_ns, "60 ns before the first switch");
    let text = stats.to_string();
    assert!(
        text.contains("errors syscall") && text.lines().any(|line| line.ends_with("7        6 openat")),
        "{text}"
    );
}

#[test]
fn json_survives_any_text() {
    for text in ["", "\"\\\n\r\t\u{0}\u{1f}\u{7f}", "ünï\u{10ffff}", "</script>"] {
        let mut out = String::new();
        json::string(&mut out, text);
        assert_eq!(Json::parse(&out), Json::String(text.into()));
    }
}
