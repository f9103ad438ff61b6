//! The monitor: one set of commands, asked over a Unix socket or by gdb's `monitor`.
//!
//! A command is a function over the kernel that runs on the vCPU thread at a consistent point; what it found travels
//! back as text, or as JSON whose names are stable. A new command is one file in [`commands`] and one row there.
//!
//! The protocol of the socket, simple enough for `socat`: a request is a line, `tasks` or `json tasks`; the answer is
//! a line `ok LENGTH` or `error LENGTH`, and then that many bytes. Several requests may follow each other.
//!
//! - [`commands`]: the commands
//! - [`table`]: rows and columns as text or JSON
//! - [`ring`]: what the trace ring holds, for whoever asks from another thread
//! - [`server`]: the socket
//! - [`client`]: `llano monitor`; [`prompt`]: its line on a terminal

pub mod client;
pub mod commands;
pub mod prompt;
pub mod ring;
pub mod server;
pub mod table;

use llano_kernel::Kernel;
use llano_machine::clock;
use std::time::Duration;
use table::{Record, Table};

/// How long a dump may take.
const DUMP: Duration = Duration::from_secs(600);

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What a command found.
pub enum Output {
    /// Rows.
    Table(Table),
    /// One thing.
    Record(Record),
    /// A sentence, and the same as a JSON value.
    Said(String, String),
}

/// Runs a command line: what it found, ending with a line feed, or a sentence about what is wrong with it.
///
/// # Errors
/// There is no such command, or it cannot do what its words say.
pub fn run(k: &mut Kernel, line: &str, form: Form) -> Result<String, String> {
    answers(k, line).map(|output| output.show(form))
}

/// Runs a command line.
fn answers(k: &mut Kernel, line: &str) -> Result<Output, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some((name, args)) = words.split_first() else { return Err("no command; `help` lists them".into()) };
    // gdb's way to say how: `x/4xg`.
    let (name, how) = name.split_at(name.find('/').unwrap_or(name.len()));
    let command = commands::find(name)?;
    let how = (!how.is_empty()).then_some(how);
    let args: Vec<&str> = how.into_iter().chain(args.iter().copied()).collect();
    (command.run)(k, &args)
}

impl Output {
    /// As it is sent.
    fn show(&self, form: Form) -> String {
        match (self, form) {
            (Output::Table(table), Form::Text) => table.text(),
            (Output::Table(table), Form::Json) => table.json() + "\n",
            (Output::Record(record), Form::Text) => record.text(),
            (Output::Record(record), Form::Json) => record.json() + "\n",
            (Output::Said(text, _), Form::Text) => format!("{text}\n"),
            (Output::Said(_, json), Form::Json) => format!("{json}\n"),
        }
    }
}

/// Notes in the trace that somebody gave this command.
pub fn note(k: &mut Kernel, line: &str) {
    if k.trace.on() {
        k.trace.command(clock::tsc(), &line.replace(char::is_control, "?"));
    }
}
