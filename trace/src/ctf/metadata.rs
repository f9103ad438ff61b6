//! The description of the stream in the format's own language, TSDL, made from the record's table.
//!
//! Every record is described as the 64 bytes it is. The event's number and the time are the event header; task and
//! number stand in the event context, for readers drop what a header has beside these two. Words that an event does
//! not use are skipped at its beginning by alignment, and named `unused` at its end.

use core::fmt::Write;
use std::string::String;

use crate::record::{BytesKind, Counter, Event, Irq, TaskState, TimerKind, Waiting};
use crate::snapshot::Calibration;

const HEAD: &str = "/* CTF 1.8 */

/* Integers of the record. */
typealias integer { size = 32; align = 8; } := uint32_t;
typealias integer { size = 64; align = 8; } := uint64_t;
typealias integer { size = 64; align = 8; base = 16; } := hex64_t;
typealias integer { size = 64; align = 8; signed = true; } := int64_t;
typealias integer { size = 16; align = 8; } := uint16_t;
/* The first argument: the words before it are not described. */
typealias integer { size = 64; align = 256; } := arg0_t;
typealias integer { size = 64; align = 256; base = 16; } := hex_arg0_t;
typealias integer { size = 64; align = 256; signed = true; } := int_arg0_t;
typealias integer { size = 8; align = 8; encoding = UTF8; } := char_t;

trace {
\tmajor = 1;
\tminor = 8;
\tbyte_order = le;
\tpacket.header := struct {
\t\tuint32_t magic;
\t\tinteger { size = 32; align = 512; } stream_id;
\t\tinteger { size = 64; align = 64; } stream_instance_id;
\t};
};
";

/// The metadata of a stream recorded by `clock`.
pub fn text(clock: &Calibration) -> String {
    let mut out = String::from(HEAD);
    write(&mut out, clock).unwrap_or_default();
    out
}

fn write(out: &mut String, clock: &Calibration) -> core::fmt::Result {
    writeln!(out, "\nenv {{\n\ttracer_name = \"llano\";\n\tdomain = \"kernel\";")?;
    writeln!(out, "\tversion = \"{}\";\n}};", env!("CARGO_PKG_VERSION"))?;
    let (seconds, ticks) = origin(clock);
    writeln!(
        out,
        "\nclock {{\n\tname = tsc;\n\tdescription = \"time stamp counter\";\n\tfreq = {};\n\toffset_s = {seconds};\n\toffset = {ticks};\n}};",
        clock.tsc_hz
    )?;
    out.push_str(
        "typealias integer { size = 64; align = 8; map = clock.tsc.value; } := tsc_t;

stream {
\tid = 0;
\tpacket.context := struct {
\t\tuint64_t packet_seq_num;
\t\ttsc_t timestamp_begin;
\t\ttsc_t timestamp_end;
\t\tuint64_t content_size;
\t\tuint64_t packet_size;
\t\tuint64_t events_discarded;
\t};
\tevent.header := struct {
\t\ttsc_t timestamp;
\t\tuint16_t id;
\t};
\tevent.context := struct {
\t\tuint16_t nr;
\t\tuint32_t tid;
\t};
};

",
    );
    codes(out, "waiting_t", Waiting::ALL.iter().map(|code| code.name()))?;
    // What the number in the event context means, event by event.
    writeln!(out, "/* nr of bytes:    {}", list(BytesKind::ALL.iter().map(|code| code.name())))?;
    writeln!(out, "   nr of switch:   {}", list(TaskState::ALL.iter().map(|code| code.name())))?;
    writeln!(out, "   nr of irq:      {}", list(Irq::ALL.iter().map(|code| code.name())))?;
    writeln!(out, "   nr of timer:    {}", list(TimerKind::ALL.iter().map(|code| code.name())))?;
    writeln!(out, "   nr of counter:  {}", list(Counter::ALL.iter().map(|code| code.name())))?;
    writeln!(out, "   nr of signal-sent, signal-delivered, fault: the signal; of log: its level;")?;
    writeln!(out, "   of syscall, syscall-args, block, open-call: the number of the call */\n")?;
    for &event in Event::ALL {
        writeln!(
            out,
            "event {{\n\tname = \"{}\";\n\tid = {};\n\tstream_id = 0;",
            event.name(),
            event as u16
        )?;
        writeln!(out, "\tfields := struct {{")?;
        for field in fields(event) {
            writeln!(out, "\t\t{field};")?;
        }
        writeln!(out, "\t}};\n}};\n")?;
    }
    Ok(())
}

/// When the counter was 0, in whole seconds since 1970 and the ticks left.
fn origin(clock: &Calibration) -> (i128, u128) {
    let hz = i128::from(clock.tsc_hz.max(1));
    let boot = i128::from(clock.epoch_ns) * hz / 1_000_000_000;
    let zero = boot - i128::from(clock.tsc0);
    (zero.div_euclid(hz), zero.rem_euclid(hz) as u128)
}

fn codes(out: &mut String, name: &str, codes: impl Iterator<Item = &'static str>) -> core::fmt::Result {
    write!(out, "typealias enum : arg0_t {{")?;
    for (code, text) in codes.enumerate() {
        write!(out, " \"{text}\" = {code},")?;
    }
    writeln!(out, " }} := {name};\n")
}

fn list(codes: impl Iterator<Item = &'static str>) -> String {
    let mut out = String::new();
    for (code, text) in codes.enumerate() {
        write!(out, "{}{code} {text}", if code == 0 { "" } else { ", " }).unwrap_or_default();
    }
    out
}

/// The words after the context, from the first one used to the end of the record.
fn fields(event: Event) -> &'static [&'static str] {
    match event {
        Event::Syscall => &["uint64_t duration", "int64_t result", "hex64_t args[4]"],
        Event::SyscallArgs => &["hex_arg0_t arg4", "hex64_t arg5", "uint64_t unused[2]"],
        Event::Bytes => &["hex64_t key", "uint32_t length", "uint32_t offset", "char_t text[32]"],
        Event::Block => &["waiting_t waiting", "hex64_t object", "uint64_t unused[2]"],
        Event::Wake => &["arg0_t woken", "uint64_t unused[3]"],
        Event::Switch => &["arg0_t next", "uint64_t unused[3]"],
        Event::Clone => &["arg0_t child", "uint64_t tgid", "hex64_t flags", "uint64_t unused"],
        Event::Log => &["uint64_t unused[2]", "char_t target[32]"],
        Event::Exec | Event::Mark | Event::Command => &["arg0_t unused", "uint64_t unused_[3]"],
        Event::Exit => &["hex_arg0_t status", "uint64_t unused[3]"],
        Event::SignalSent => &["arg0_t target", "int64_t code", "uint64_t unused[2]"],
        Event::SignalDelivered => &["hex_arg0_t handler", "uint64_t unused[3]"],
        Event::Fault => &["hex_arg0_t address", "hex64_t ip", "uint64_t unused[2]"],
        Event::Map => &["hex_arg0_t start", "uint64_t length", "hex64_t protection", "uint64_t unused"],
        Event::Unmap => &["hex_arg0_t start", "uint64_t length", "uint64_t unused[2]"],
        Event::Irq | Event::Stop => &["uint64_t duration", "uint64_t unused[5]"],
        Event::Counter => &["int_arg0_t value", "uint64_t object", "uint64_t unused[2]"],
        Event::SignalReturned => &["hex_arg0_t stack", "hex64_t ip", "uint64_t unused[2]"],
        Event::Brk => &["hex_arg0_t old", "hex64_t new", "uint64_t unused[2]"],
        Event::Exchange => &[
            "uint64_t duration",
            "uint64_t unused",
            "uint64_t bytes",
            "uint64_t maps",
            "uint64_t unused_[2]",
        ],
        Event::Timer => &["arg0_t late_ns", "uint64_t timer", "uint64_t unused[2]"],
        Event::Patch => &["hex_arg0_t address", "uint64_t jumps", "uint64_t unused[2]"],
        Event::Task => &["arg0_t tgid", "uint64_t unused[3]"],
        Event::Open => &["uint64_t duration", "int64_t unused", "hex64_t args[4]"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_starts_when_the_counter_was_zero() {
        let clock =
            Calibration { tsc0: 7_000_000_000, tsc_hz: 2_000_000_000, epoch_ns: 1_000_000_000_500_000_000 };
        assert_eq!(origin(&clock), (999_999_997, 0));
        let clock = Calibration { tsc0: 7_000_000_001, ..clock };
        assert_eq!(origin(&clock), (999_999_996, 1_999_999_999));
    }

    /// A word of another size would move all records behind it.
    #[test]
    fn every_event_is_described_to_its_end() {
        for &event in Event::ALL {
            let mut bytes = 16;
            for field in fields(event) {
                let (kind, name) = field.split_once(' ').unwrap();
                if (kind.contains("arg0") || kind == "waiting_t") && bytes == 16 {
                    bytes = 32;
                }
                let count = name.split_once('[').map_or(1, |(_, n)| n.trim_end_matches(']').parse().unwrap());
                let size = match kind {
                    "char_t" => 1,
                    "uint32_t" => 4,
                    _ => 8,
                };
                bytes += size * count;
            }
            assert_eq!(bytes, 64, "{event:?}");
        }
    }
}
