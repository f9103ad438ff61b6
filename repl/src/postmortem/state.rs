//! What the monitor would answer: every command that changes nothing, asked when the dump was written.
//!
//! A dump's `state.json` has the answers as `{"llano":VERSION,"event":N,"answers":[{"command":"maps 1","text":"...",
//! "json":"..."}]}`, the JSON as a string. `llano monitor DIR` looks them up, so a dump answers with the very words of the living.

use crate::monitor::commands::{self, ALL};
use crate::monitor::{Form, run};
use llano_kernel::Kernel;
use llano_trace::json;
use serde_json::Value;
use std::io::{self, Write};
use std::path::Path;

/// The name of the file in a dump.
pub const FILE: &str = "state.json";
/// Of more tasks than this only the first are asked about singly.
const TASKS: usize = 200;
/// And of these alone the stacks.
const STACKS: usize = 16;

/// Asks everything and writes the answers.
///
/// # Errors
/// As writing fails.
pub fn write(out: &mut dyn Write, k: &mut Kernel) -> io::Result<()> {
    let event = k.trace.next_seq();
    write!(out, "{{\"llano\":\"{}\",\"event\":{event},\"answers\":[", env!("CARGO_PKG_VERSION"))?;
    let tids: Vec<String> = k.tables.tasks().take(TASKS).map(|t| t.tid.to_string()).collect();
    let mut separator = "";
    for command in ALL.iter().filter(|c| !c.changes(&[])) {
        let words: Vec<String> = match command.name {
            "help" => ALL.iter().map(|c| c.name.to_string()).collect(),
            "trace" => vec!["status".into()],
            // Of what these would be asked nobody knows yet; the core has the memory.
            "x" | "find" | "whose" => continue,
            // Reading symbols takes its time.
            "bt" => tids.iter().take(STACKS).cloned().collect(),
            _ => tids.clone(),
        };
        let lines = std::iter::once(command.name.to_string());
        for line in lines.chain(words.iter().map(|word| format!("{} {word}", command.name))) {
            let (Ok(text), Ok(value)) = (run(k, &line, Form::Text), run(k, &line, Form::Json)) else {
                continue;
            };
            let mut answer = format!("{separator}\n{{\"command\":");
            json::string(&mut answer, &line);
            answer.push_str(",\"text\":");
            json::string(&mut answer, &text);
            answer.push_str(",\"json\":");
            json::string(&mut answer, &value);
            answer.push('}');
            out.write_all(answer.as_bytes())?;
            separator = ",";
        }
    }
    out.write_all(b"\n]}\n")
}

/// A dump's answers.
pub struct Answers(Vec<Answer>);

struct Answer {
    command: String,
    text: String,
    json: String,
}

impl Answers {
    /// Reads those of the dump in `dir`.
    ///
    /// # Errors
    /// One line: there is none, or it cannot be understood.
    pub fn open(dir: &Path) -> Result<Answers, String> {
        let path = dir.join(FILE);
        let bytes = std::fs::read(&path).map_err(|e| {
            let why = match e.kind() {
                io::ErrorKind::NotFound => "is a directory without a dump (no state.json)".into(),
                _ => format!("{FILE}: {}", crate::monitor::server::reason(&e)),
            };
            format!("{}: {why}", dir.display())
        })?;
        let damaged = || format!("{}: not a dump's, or damaged", path.display());
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        let answers = value.get("answers").and_then(Value::as_array).ok_or_else(damaged)?;
        let text = |a: &Value, name: &str| a.get(name).and_then(Value::as_str).map(str::to_string);
        let answer = |a: &Value| {
            Some(Answer { command: text(a, "command")?, text: text(a, "text")?, json: text(a, "json")? })
        };
        answers.iter().map(answer).collect::<Option<_>>().map(Answers).ok_or_else(damaged)
    }

    /// What a command answered.
    ///
    /// # Errors
    /// There is no such command, it would change something, or the dump has no answer to it.
    pub fn answer(&self, line: &str, form: Form) -> Result<String, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((name, args)) = words.split_first() else {
            return Err("no command; `help` lists them".into());
        };
        let command = commands::find(name)?;
        if command.changes(args) {
            return Err(format!(
                "`{}` is for a running system, and this is a dump; `llano trace` reads its trace",
                line.trim().escape_debug()
            ));
        }
        let mut wanted = words.join(" ");
        if let [word] = args
            && word.parse::<i32>().is_err()
            && let Some(tid) = self.task_named(word)
        {
            wanted = format!("{name} {tid}");
        }
        match self.0.iter().find(|a| a.command == wanted) {
            Some(answer) if form == Form::Json => Ok(answer.json.clone()),
            Some(answer) => Ok(answer.text.clone()),
            None => Err(format!("the dump has no answer to `{}`", line.escape_debug())),
        }
    }

    /// The first task of this name.
    fn task_named(&self, name: &str) -> Option<i64> {
        let tasks: Value = serde_json::from_str(&self.0.iter().find(|a| a.command == "tasks")?.json).ok()?;
        let is = |t: &&Value| t.get("comm").and_then(Value::as_str) == Some(name);
        tasks.as_array()?.iter().find(is)?.get("tid")?.as_i64()
    }
}
