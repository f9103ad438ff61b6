//! The description of the channel in the format's own language, TSDL, with the environment by which readers know a
//! trace of LTTng's kernel tracer.

use core::fmt::{self, Write};
use std::collections::BTreeSet;
use std::string::String;

use super::channel::UUID;
use super::events::{Field, described};
use crate::snapshot::Calibration;

const TYPES: &str = "/* CTF 1.8 */

typealias integer { size = 8; align = 8; signed = false; } := uint8_t;
typealias integer { size = 16; align = 8; signed = false; } := uint16_t;
typealias integer { size = 32; align = 8; signed = false; } := uint32_t;
typealias integer { size = 64; align = 8; signed = false; } := uint64_t;
typealias integer { size = 32; align = 8; signed = true; } := int32_t;
typealias integer { size = 64; align = 8; signed = true; } := int64_t;
typealias integer { size = 64; align = 8; signed = false; base = 16; } := hex64_t;
typealias integer { size = 8; align = 8; signed = false; encoding = UTF8; } := char_t;
";

const STREAM: &str = "typealias integer { size = 32; align = 8; signed = false; map = clock.monotonic.value; } := uint32_clock_monotonic_t;
typealias integer { size = 64; align = 8; signed = false; map = clock.monotonic.value; } := uint64_clock_monotonic_t;

struct packet_context {
\tuint64_clock_monotonic_t timestamp_begin;
\tuint64_clock_monotonic_t timestamp_end;
\tuint64_t content_size;
\tuint64_t packet_size;
\tuint64_t packet_seq_num;
\tuint64_t events_discarded;
\tuint32_t cpu_id;
};

struct event_header_large {
\tenum : uint16_t { compact = 0 ... 65534, extended = 65535 } id;
\tvariant <id> {
\t\tstruct {
\t\t\tuint32_clock_monotonic_t timestamp;
\t\t} compact;
\t\tstruct {
\t\t\tuint32_t id;
\t\t\tuint64_clock_monotonic_t timestamp;
\t\t} extended;
\t} v;
} align(8);

stream {
\tid = 0;
\tevent.header := struct event_header_large;
\tpacket.context := struct packet_context;
\tevent.context := struct {
\t\tint32_t _tid;
\t};
};
";

/// The metadata of a trace by `clock` with events of the kinds `used`.
pub(super) fn text(clock: &Calibration, used: &BTreeSet<u32>) -> String {
    let mut out = String::from(TYPES);
    write(&mut out, clock, used).unwrap_or_default();
    out
}

fn write(out: &mut String, clock: &Calibration, used: &BTreeSet<u32>) -> fmt::Result {
    let uuid = Uuid(UUID);
    writeln!(
        out,
        "
trace {{
\tmajor = 1;
\tminor = 8;
\tuuid = \"{uuid}\";
\tbyte_order = le;
\tpacket.header := struct {{
\t\tuint32_t magic;
\t\tuint8_t uuid[16];
\t\tuint32_t stream_id;
\t\tuint64_t stream_instance_id;
\t}};
}};

env {{
\thostname = \"llano\";
\tdomain = \"kernel\";
\tsysname = \"Linux\";
\tkernel_release = \"6.12.0-llano\";
\tkernel_version = \"llano {}\";
\ttracer_name = \"lttng-modules\";
\ttracer_major = 2;
\ttracer_minor = 13;
\ttracer_patchlevel = 0;
\ttrace_buffering_scheme = \"global\";
}};

clock {{
\tname = \"monotonic\";
\tdescription = \"Monotonic Clock\";
\tfreq = 1000000000;
\toffset_s = {};
\toffset = {};
}};
",
        env!("CARGO_PKG_VERSION"),
        clock.epoch_ns / 1_000_000_000,
        clock.epoch_ns % 1_000_000_000
    )?;
    out.push_str(STREAM);
    for &kind in used {
        let (name, fields) = described(kind);
        writeln!(out, "\nevent {{\n\tname = \"{name}\";\n\tid = {kind};\n\tstream_id = 0;")?;
        writeln!(out, "\tfields := struct {{")?;
        for field in fields {
            // As LTTng does, lest a name be a word of the language; readers drop the line.
            match field {
                Field::I32(name) => writeln!(out, "\t\tint32_t _{name};")?,
                Field::I64(name) => writeln!(out, "\t\tint64_t _{name};")?,
                Field::Hex(name) => writeln!(out, "\t\thex64_t _{name};")?,
                Field::Comm(name) => writeln!(out, "\t\tchar_t _{name}[16];")?,
                Field::Text(name) => writeln!(out, "\t\tstring _{name};")?,
            }
        }
        writeln!(out, "\t}};\n}};")?;
    }
    Ok(())
}

struct Uuid([u8; 16]);

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let separator = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}
