//! What llano says of itself: the subscriber of the crate `tracing`.
//!
//! The kernel's slow paths, the loader, gdb's server and the monitor speak through `tracing`, each line at a level and
//! about one of [`TARGETS`]. Two layers listen:
//!
//! - the kernel's log, that is `dmesg`, `/dev/kmsg`, the monitor's `log` and the trace: what the filter keeps, which by
//!   default is everything from `info` on;
//! - with `--trace-self FILE` a file of Chrome trace events, which also has the spans: what llano's threads were doing
//!   when. `tracing-chrome` writes it, with the host's clock; so that it can be laid beside a recording
//!   (`llano trace export --merge`) it holds the time-stamp counter, at its beginning and at its end.
//!
//! A line of the vCPU's thread reaches the kernel through [`journal`], one of another thread as a request.

use crate::session::Failure;
use llano_kernel::Kernel;
use llano_kernel::inspect::Requests;
use llano_kernel::log::TARGETS;
use llano_machine::journal::{self, Line};
use llano_machine::{clock, on_vcpu};
use std::fmt::{Debug, Write as _};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_chrome::{ChromeLayerBuilder, EventOrSpan, FlushGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// The variable that holds the filter if no option does.
const VARIABLE: &str = "LLANO_LOG";

/// Where lines of other threads go, once there is a kernel.
static REQUESTS: OnceLock<Arc<Requests<Kernel>>> = OnceLock::new();

/// What is to be ended with the session.
pub struct Logging {
    own: Option<OwnTrace>,
}

struct OwnTrace {
    path: PathBuf,
    writer: FlushGuard,
    /// Why the file is not whole, if it is not.
    failed: Arc<Mutex<Option<io::Error>>>,
}

/// Understands a filter as of `RUST_LOG`: `LEVEL`, `TARGET` or `TARGET=LEVEL`, several with commas between them. What it
/// does not name stays at `info`.
///
/// # Errors
/// One line that names the word nobody knows.
pub fn filter(list: &str) -> Result<Targets, String> {
    let level =
        |word: &str| word.parse::<LevelFilter>().ok().filter(|_| word.starts_with(char::is_alphabetic));
    let mut targets = Targets::new().with_default(LevelFilter::INFO);
    for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let (target, wanted) = match word.split_once('=') {
            Some((target, wanted)) => {
                let wanted = level(wanted).ok_or_else(|| {
                    format!("'{wanted}' is no level (off, error, warn, info, debug or trace)")
                })?;
                (target, wanted)
            }
            None => match level(word) {
                Some(wanted) => {
                    targets = targets.with_default(wanted);
                    continue;
                }
                None => (word, LevelFilter::TRACE),
            },
        };
        if !TARGETS.contains(&target) {
            return Err(format!(
                "'{target}' is no level and nothing that llano speaks of ({})",
                TARGETS.join(" ")
            ));
        }
        targets = targets.with_target(target, wanted);
    }
    Ok(targets)
}

/// Begins to listen; before any thread but the first was started. `list` is the option's filter, `own` the file of
/// `--trace-self`.
///
/// # Errors
/// The filter of the environment is none; the file cannot be written.
pub fn start(list: Option<&str>, own: Option<&Path>) -> Result<Logging, Failure> {
    let targets = match (list, std::env::var_os(VARIABLE)) {
        (Some(list), _) => filter(list).map_err(|e| Failure { text: format!("--log: {e}"), status: 2 })?,
        (None, Some(list)) => filter(&list.to_string_lossy())
            .map_err(|e| Failure { text: format!("{VARIABLE} in the environment: {e}"), status: 2 })?,
        (None, None) => Targets::new().with_default(LevelFilter::INFO),
    };
    let kernel = KernelLog.with_filter(targets);
    let Some(path) = own else {
        // A second session in one process keeps the first one's.
        let _ = tracing::subscriber::set_global_default(Registry::default().with(kernel));
        return Ok(Logging { own: None });
    };
    let file = File::create(path).map_err(|e| {
        let why = crate::monitor::server::reason(&e);
        Failure::new(format!("--trace-self {}: {why}", path.display()))
    })?;
    llano_machine::bell::block_messages();
    let failed = Arc::new(Mutex::new(None));
    let (chrome, writer) = ChromeLayerBuilder::new()
        .writer(Careful { file, failed: failed.clone() })
        .include_args(true)
        .include_locations(false)
        .name_fn(Box::new(|what| match what {
            EventOrSpan::Event(event) => text_of(event),
            EventOrSpan::Span(span) => span.name().into(),
        }))
        .build();
    let subscriber = Registry::default().with(kernel).with(chrome.with_filter(LevelFilter::TRACE));
    let _ = tracing::subscriber::set_global_default(subscriber);
    tell_time();
    Ok(Logging { own: Some(OwnTrace { path: path.into(), writer, failed }) })
}

/// From now on lines of other threads have a way to the kernel.
pub fn connect(requests: &Arc<Requests<Kernel>>) {
    let _ = REQUESTS.set(requests.clone());
}

impl Logging {
    /// Ends the file of `--trace-self`, if there is one.
    ///
    /// # Errors
    /// One line: which file is not whole, and why.
    pub fn finish(self) -> Result<(), String> {
        let Some(OwnTrace { path, writer, failed }) = self.own else { return Ok(()) };
        tell_time();
        drop(writer);
        let error = failed.lock().unwrap_or_else(|e| e.into_inner()).take();
        error.map_or(Ok(()), |e| Err(llano_trace::file::failure(&path, &e)))
    }
}

/// Both clocks in one event: what lays the file beside a recording.
fn tell_time() {
    tracing::trace!(target: "clock", tsc = clock::tsc(), "clock");
}

/// A file whose failure is told at the end: the layer's thread would panic.
struct Careful {
    file: File,
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl Careful {
    fn note(&self, result: io::Result<()>) {
        if let Err(error) = result {
            self.failed.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(error);
        }
    }
}

impl Write for Careful {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_all(bytes);
        self.note(written);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.file.flush();
        self.note(flushed);
        Ok(())
    }
}

/// The layer that feeds the kernel's log.
struct KernelLog;

impl<S: Subscriber> Layer<S> for KernelLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        say(event.metadata(), text_of(event));
    }

    /// Work that takes time is a line where it begins.
    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut text = Text { message: span.metadata().name().into(), fields: String::new() };
        span.record(&mut text);
        say(span.metadata(), text.line());
    }
}

fn say(metadata: &Metadata<'static>, text: String) {
    let level = match *metadata.level() {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    };
    let line = Line { level, target: metadata.target(), text };
    match REQUESTS.get() {
        Some(requests) if !on_vcpu() => requests.post(move |k| k.keep(0, line)),
        _ => journal::leave(line),
    }
}

/// An event's message and its fields as a line.
fn text_of(event: &Event<'_>) -> String {
    let mut text = Text::default();
    event.record(&mut text);
    text.line()
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn line(mut self) -> String {
        self.message.push_str(&self.fields);
        self.message.replace(char::is_control, " ")
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let keeps =
            |list: &str, target: &str, level: &Level| filter(list).unwrap().would_enable(target, level);
        assert!(keeps("", "exec", &Level::INFO) && !keeps("", "exec", &Level::DEBUG));
        assert!(keeps("exec=debug", "exec", &Level::DEBUG) && !keeps("exec=debug", "exec", &Level::TRACE));
        assert!(keeps("exec=debug", "mm", &Level::INFO) && !keeps("exec=debug", "mm", &Level::DEBUG));
        assert!(keeps("warn, gdb", "gdb", &Level::TRACE) && !keeps("warn, gdb", "mm", &Level::INFO));
        assert!(!keeps("signal=off", "signal", &Level::ERROR) && keeps("DEBUG", "fs", &Level::DEBUG));
        for (list, word) in
            [("exec=loud", "'loud'"), ("exce=debug", "'exce'"), ("exec,verbose", "'verbose'"), ("5", "'5'")]
        {
            let error = filter(list).unwrap_err();
            assert!(error.starts_with(word) && !error.contains('\n'), "{error}");
        }
    }
}
