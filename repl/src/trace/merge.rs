//! `--trace-self`'s file read back, to be laid beside the recording of the same run.
//!
//! `tracing-chrome` writes an event a line, with times of the host's clock in microseconds since it began. Two of the
//! events hold the time-stamp counter as well, at the beginning and at the end, which is the clock of the recording. A
//! file whose end is missing has one of them: a llano that was killed. Then the counter's speed is the recording's own.

use llano_trace::host::{HostEvent, Told, What};
use llano_trace::snapshot::Calibration;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Bytes that a line has at most.
const LINE: u64 = 1 << 20;

/// One look at both clocks: nanoseconds in the file, ticks.
type Look = (f64, f64);

/// Reads the file that a run with this clock left beside its recording, which ended at `end` in ticks.
///
/// # Errors
/// One line: the file cannot be read, is no such file, or is of another run.
pub(super) fn read(path: &Path, clock: &Calibration, end: u64) -> Result<Vec<HostEvent>, String> {
    let shown = path.display();
    let fail = |e: std::io::Error| format!("{shown}: {}", crate::monitor::server::reason(&e));
    let foreign = || format!("{shown}: no file of --trace-self: nothing in it tells the recording's time");
    if !std::fs::metadata(path).map_err(fail)?.is_file() {
        return Err(foreign());
    }
    let mut file = BufReader::new(File::open(path).map_err(fail)?);
    let mut events: Vec<Map<String, Value>> = Vec::new();
    let mut line = Vec::new();
    while file.by_ref().take(LINE).read_until(b'\n', &mut line).map_err(fail)? != 0 {
        if line.len() as u64 == LINE {
            return Err(foreign());
        }
        let text = line.trim_ascii().strip_suffix(b",").unwrap_or(line.trim_ascii());
        // The brackets around them; a last line that was not finished.
        events.extend(serde_json::from_slice::<Map<_, _>>(text).ok());
        line.clear();
    }
    let looks: Vec<Look> =
        events.iter().filter(|event| text(event, "cat") == "clock").filter_map(look).collect();
    let (Some(&first), Some(&last)) = (looks.first(), looks.last()) else {
        return Err(foreign());
    };
    // A run begins the file a millisecond after its clock.
    let (begin, second) = (clock.tsc0 as f64, clock.tsc_hz as f64);
    if first.1 < begin || first.1 > end as f64 {
        return Err(format!("{shown}: this and the recording are not of the same run"));
    }
    let speed = match last.0 - first.0 {
        span if span > 0.0 => (last.1 - first.1) / span,
        _ => second / 1e9,
    };
    let tsc = |ns: f64| (first.1 + (ns - first.0) * speed).max(begin) as u64;
    Ok(events.iter().filter_map(|event| host_event(event, tsc)).collect())
}

fn text<'a>(event: &'a Map<String, Value>, name: &str) -> &'a str {
    event.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// When an event happened, in nanoseconds of the file.
fn time(event: &Map<String, Value>) -> Option<f64> {
    Some(event.get("ts")?.as_f64()? * 1000.0)
}

fn look(event: &Map<String, Value>) -> Option<Look> {
    let ticks: u64 = event.get("args")?.get("tsc")?.as_str()?.parse().ok()?;
    Some((time(event)?, ticks as f64))
}

fn host_event(event: &Map<String, Value>, tsc: impl Fn(f64) -> u64) -> Option<HostEvent> {
    let thread = u32::try_from(event.get("tid")?.as_u64()?).ok()?;
    let told = || Told {
        category: text(event, "cat").into(),
        name: text(event, "name").into(),
        args: event.get("args").and_then(Value::as_object).map(args).unwrap_or_default(),
    };
    let what = match text(event, "ph") {
        "M" => {
            let name = event.get("args")?.get("name")?.as_str()?;
            let name = if name == "main" { "main (the vCPU)" } else { name };
            return Some(HostEvent { thread, tsc: tsc(0.0), what: What::Name(name.into()) });
        }
        "B" => What::Begin(told()),
        "E" => What::End,
        "i" => What::Point(told()),
        _ => return None,
    };
    Some(HostEvent { thread, tsc: tsc(time(event)?), what })
}

fn args(args: &Map<String, Value>) -> Vec<(String, String)> {
    // The message is the name already.
    let args = args.iter().filter(|(name, _)| *name != "message");
    args.map(|(name, value)| (name.clone(), value.as_str().map_or(value.to_string(), str::to_owned)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("llano-merge-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    const CLOCK: Calibration = Calibration { tsc0: 1_000_000, tsc_hz: 2_000_000_000, epoch_ns: 0 };
    const BEGIN: &str = r#"[
{"args":{"name":"main"},"name":"thread_name","ph":"M","pid":1,"tid":0},
{"args":{"message":"clock","tsc":"1002000"},"cat":"clock","name":"clock","ph":"i","pid":1,"s":"t","tid":0,"ts":10.0},
{"args":{"path":"x"},"cat":"boot","name":"memory","ph":"B","pid":1,"tid":0,"ts":11.5},
{"cat":"boot","name":"memory","ph":"E","pid":1,"tid":0,"ts":12.0}"#;

    #[test]
    fn times_become_ticks() {
        let times = |events: &[HostEvent]| events.iter().skip(1).map(|event| event.tsc).collect::<Vec<_>>();
        // Killed: the recording's speed, two ticks a nanosecond.
        let path = file("torn", &format!("{BEGIN},\n{{\"args\":{{\"pa"));
        let events = read(&path, &CLOCK, 9_000_000).unwrap();
        assert_eq!(times(&events), [1_002_000, 1_005_000, 1_006_000]);
        assert_eq!(events[0].what, What::Name("main (the vCPU)".into()));
        let told =
            Told { category: "boot".into(), name: "memory".into(), args: vec![("path".into(), "x".into())] };
        assert_eq!(events[2].what, What::Begin(told));
        // Two looks at both clocks: three ticks a nanosecond.
        let end = r#"{"args":{"tsc":"1032000"},"cat":"clock","name":"clock","ph":"i","pid":1,"s":"t","tid":0,"ts":20.0}"#;
        std::fs::write(&path, format!("{BEGIN},\n{end}\n]")).unwrap();
        assert_eq!(
            times(&read(&path, &CLOCK, 9_000_000).unwrap()),
            [1_002_000, 1_006_500, 1_008_000, 1_032_000]
        );
        let other = Calibration { tsc0: 5_000_000_000, ..CLOCK };
        assert!(read(&path, &other, 9_000_000_000).unwrap_err().ends_with("not of the same run"));
        assert!(read(&path, &CLOCK, 1_001_000).unwrap_err().ends_with("not of the same run"));
        std::fs::write(&path, "{\"traceEvents\":[]}").unwrap();
        assert!(read(&path, &CLOCK, 9).unwrap_err().contains("no file of --trace-self"));
        std::fs::remove_file(&path).unwrap();
        assert!(read(&path, &CLOCK, 9).unwrap_err().ends_with("No such file or directory"));
    }
}
