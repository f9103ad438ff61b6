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
//! - [`client`]: `llano monitor`

pub mod client;
pub mod commands;
pub mod ring;
pub mod server;
pub mod table;

use llano_kernel::Kernel;
use llano_machine::clock;
use std::time::Duration;
use table::Table;

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
    /// A sentence, and the same as a JSON value.
    Said(String, String),
}

/// Runs a command line: what it found, ending with a line feed, or a sentence about what is wrong with it.
///
/// # Errors
/// There is no such command, or it cannot do what its words say.
pub fn run(k: &mut Kernel, line: &str, form: Form) -> Result<String, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some((name, args)) = words.split_first() else { return Err("no command; `help` lists them".into()) };
    let command = commands::find(name)?;
    let output = (command.run)(k, args)?;
    Ok(shown(output, form))
}

/// An answer as it is sent.
fn shown(output: Output, form: Form) -> String {
    match (output, form) {
        (Output::Table(table), Form::Text) => table.text(),
        (Output::Table(table), Form::Json) => table.json() + "\n",
        (Output::Said(text, _), Form::Text) => text + "\n",
        (Output::Said(_, json), Form::Json) => json + "\n",
    }
}

/// Notes in the trace that somebody gave this command.
pub fn note(k: &mut Kernel, line: &str) {
    if k.trace.on() {
        k.trace.command(clock::tsc(), &line.replace(char::is_control, "?"));
    }
}
