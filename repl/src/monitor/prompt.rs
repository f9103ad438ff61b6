//! The prompt of `llano monitor` on a terminal: editing, history, completion.
//!
//! Words are completed by asking the system itself: commands as `help` lists them, tasks as `tasks` does. The history is
//! kept in `$XDG_STATE_HOME/llano/monitor-history` (`~/.local/state`).

use llano_abi::syscalls::SYSCALLS;
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor};
use serde_json::Value;
use std::borrow::Cow;
use std::path::PathBuf;

/// Lines kept.
const HISTORY: usize = 1000;

/// Asks the system for the JSON of a command; `None` if there is none.
pub type Ask<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A prompt.
pub struct Prompt<'a> {
    editor: Editor<Words<'a>, FileHistory>,
    history: Option<PathBuf>,
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// A line.
    Line(String),
    /// Ctrl-C: the line is dropped.
    Dropped,
    /// Ctrl-D.
    End,
}

impl<'a> Prompt<'a> {
    /// A prompt on the terminal.
    ///
    /// # Errors
    /// One line: the terminal cannot be used.
    pub fn new(ask: &'a Ask<'a>) -> Result<Prompt<'a>, String> {
        let config = Config::builder().completion_type(CompletionType::List).auto_add_history(true);
        let config = config.max_history_size(HISTORY).map_err(|e| e.to_string())?.build();
        let mut editor = Editor::with_config(config).map_err(|e| format!("the terminal: {e}"))?;
        editor.set_helper(Some(Words {
            ask,
            files: FilenameCompleter::new(),
            history: HistoryHinter::new(),
        }));
        let history = history_file();
        if let Some(path) = &history {
            // There may be none yet.
            let _ = editor.load_history(path);
        }
        Ok(Prompt { editor, history })
    }

    /// The next line.
    ///
    /// # Errors
    /// One line: the terminal cannot be read.
    pub fn line(&mut self) -> Result<Typed, String> {
        match self.editor.readline("(llano) ") {
            Ok(line) => Ok(Typed::Line(line)),
            Err(ReadlineError::Interrupted) => Ok(Typed::Dropped),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(e) => Err(format!("the terminal: {e}")),
        }
    }
}

impl Drop for Prompt<'_> {
    fn drop(&mut self) {
        if let Some(path) = &self.history
            && path.parent().is_some_and(|dir| std::fs::create_dir_all(dir).is_ok())
        {
            // A history that cannot be kept is none.
            let _ = self.editor.append_history(path);
        }
    }
}

fn history_file() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("llano/monitor-history"))
}

/// Completes and hints.
struct Words<'a> {
    ask: &'a Ask<'a>,
    files: FilenameCompleter,
    history: HistoryHinter,
}

/// What may stand at a place of a line.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Command,
    Task,
    Signal,
    Call,
    File,
    Word(&'static [&'static str]),
    Nothing,
}

/// What may stand behind these words.
fn kind(words: &[&str]) -> Kind {
    match words {
        [] | ["help"] => Kind::Command,
        ["task" | "regs" | "bt" | "maps" | "auxv" | "fds" | "signals" | "signal" | "kill"] => Kind::Task,
        ["freeze" | "thaw" | "set" | "focus" | "syscalls"] => Kind::Task,
        ["signal", _] => Kind::Signal,
        ["set", _] => Kind::Word(&["nice", "name"]),
        ["whose", _] => Kind::Task,
        [x, _] if *x == "x" || x.starts_with("x/") => Kind::Task,
        ["trace"] => Kind::Word(&["start", "stop", "filter", "save", "last", "status"]),
        ["trace", "last", ..] => Kind::Task,
        ["trace", "save"] | ["dump" | "source"] | ["inject", "save"] => Kind::File,
        ["inject"] => Kind::Call,
        ["inject", .., "in"] | ["find", .., "in"] => Kind::Task,
        ["inject", .., "signal"] => Kind::Signal,
        ["inject", ..] => Kind::Word(&[
            "count", "log", "trace", "stop", "delay", "fail", "retval", "signal", "in", "path", "fd", "arg",
            "every", "after",
        ]),
        _ => Kind::Nothing,
    }
}

impl Words<'_> {
    /// The values of a column of what a command answers.
    fn column(&self, command: &str, names: &[&str]) -> Vec<String> {
        let Some(Ok(Value::Array(rows))) = (self.ask)(command).map(|text| serde_json::from_str(&text)) else {
            return Vec::new();
        };
        let value = |row: &Value, name: &str| match row.get(name)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        rows.iter().flat_map(|row| names.iter().filter_map(|name| value(row, name))).collect()
    }

    fn candidates(&self, kind: &Kind) -> Vec<String> {
        match kind {
            Kind::Command => self.column("help", &["command"]),
            Kind::Task => self.column("tasks", &["tid", "comm"]),
            Kind::Signal => {
                (1..32).filter_map(llano_abi::names::signal_name).map(|n| n[3..].into()).collect()
            }
            Kind::Call => {
                let calls = SYSCALLS.iter().map(|call| call.name.to_string());
                ["remove", "save", "seed"].map(String::from).into_iter().chain(calls).collect()
            }
            Kind::Word(words) => words.iter().map(|w| (*w).into()).collect(),
            Kind::File | Kind::Nothing => Vec::new(),
        }
    }
}

impl Completer for Words<'_> {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, cx: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = line.get(..at).unwrap_or_default();
        let start = before.rfind(' ').map_or(0, |space| space + 1);
        let words: Vec<&str> = before[..start].split_whitespace().collect();
        let kind = kind(&words);
        if kind == Kind::File {
            return self.files.complete(line, at, cx);
        }
        let mut found: Vec<String> = self.candidates(&kind);
        found.retain(|word| word.starts_with(&before[start..]));
        found.sort();
        found.dedup();
        let pair = |word: String| Pair { replacement: format!("{word} "), display: word };
        Ok((start, found.into_iter().map(pair).collect()))
    }
}

impl Hinter for Words<'_> {
    type Hint = String;

    fn hint(&self, line: &str, at: usize, cx: &Context<'_>) -> Option<String> {
        self.history.hint(line, at, cx)
    }
}

impl Highlighter for Words<'_> {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
    }
}

impl Validator for Words<'_> {}
impl rustyline::Helper for Words<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_follow() {
        assert_eq!(kind(&[]), Kind::Command);
        assert_eq!(kind(&["regs"]), Kind::Task);
        assert_eq!(kind(&["x/4xg", "$rsp"]), Kind::Task);
        assert_eq!(kind(&["signal", "7"]), Kind::Signal);
        assert_eq!(kind(&["inject", "openat", "fail", "EIO", "in"]), Kind::Task);
        assert_eq!(kind(&["uptime"]), Kind::Nothing);
    }

    #[test]
    fn words_are_those_of_the_system() {
        let ask = |command: &str| {
            (command == "tasks").then(|| r#"[{"tid":1,"comm":"sh"},{"tid":12,"comm":"cat"}]"#.into())
        };
        let words = Words { ask: &ask, files: FilenameCompleter::new(), history: HistoryHinter::new() };
        let history = FileHistory::new();
        let (start, found) = words.complete("regs 1", 6, &Context::new(&history)).unwrap();
        let found: Vec<&str> = found.iter().map(|p| p.display.as_str()).collect();
        assert_eq!((start, found), (5, vec!["1", "12"]));
        assert!(words.complete("é", 1, &Context::new(&history)).is_ok());
    }
}
