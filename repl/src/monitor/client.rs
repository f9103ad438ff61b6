//! `llano monitor SOCKET|DUMPDIR`: sends commands, prints the answers.

use super::prompt::{Prompt, Typed};
use super::server::reason;
use super::{DUMP, Form};
use crate::cli::Monitor;
use crate::postmortem::state::Answers;
use crate::session::Failure;
use llano_trace::json;
use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, absolute};
use std::time::Duration;

/// How long an answer may take; the server itself gives up on the kernel after one second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the commands of `-c`, or those on standard input. Status 1 if any of them failed.
///
/// # Errors
/// No llano listens there, or it went away.
pub fn run(options: &Monitor) -> Result<i32, Failure> {
    let shown = options.socket.display();
    let source = match options.socket.is_dir() {
        true => Source::Dump(Answers::open(&options.socket).map_err(Failure::new)?),
        false => Source::Live(connect(&options.socket)?),
    };
    let connection =
        Connection { source: RefCell::new(source), json: options.json, failed: Cell::new(false) };
    let ended = match options.watch {
        _ if options.commands.is_empty() => connection.interactive(),
        Some(seconds) => connection.watch(&options.commands, Duration::from_secs_f64(seconds)),
        None => options.commands.iter().try_for_each(|c| connection.command(c)),
    };
    match ended {
        Ok(()) => Ok(connection.failed.get().into()),
        Err(text) => Err(Failure::new(format!("monitor {shown}: {text}"))),
    }
}

/// Who answers.
enum Source {
    /// A llano.
    Live(BufReader<UnixStream>),
    /// What one answered before it ended.
    Dump(Answers),
}

fn connect(socket: &Path) -> Result<BufReader<UnixStream>, Failure> {
    let stream = UnixStream::connect(socket).and_then(|s| s.set_read_timeout(Some(PATIENCE)).map(|()| s));
    stream.map(BufReader::new).map_err(|e| {
        let (shown, why) = (socket.display(), reason(&e));
        Failure::new(format!("cannot reach a llano at {shown}: {why} (start one with --monitor-socket)"))
    })
}

struct Connection {
    source: RefCell<Source>,
    json: bool,
    failed: Cell<bool>,
}

impl Connection {
    /// Commands from standard input, with a prompt on a terminal.
    fn interactive(&self) -> Result<(), String> {
        let input = std::io::stdin();
        if input.is_terminal() && std::io::stdout().is_terminal() {
            return self.prompted();
        }
        for line in input.lock().lines() {
            let line = line.map_err(|e| format!("standard input: {}", reason(&e)))?;
            if !line.trim().is_empty() {
                self.command(line.trim())?;
            }
            if line.trim() == "quit" {
                break;
            }
        }
        Ok(())
    }

    fn prompted(&self) -> Result<(), String> {
        let ask = |command: &str| {
            let (ok, body) = self.ask(command, Form::Json).ok()?;
            ok.then_some(body)
        };
        let mut prompt = Prompt::new(&ask)?;
        loop {
            match prompt.line()? {
                Typed::Line(line) if line.trim().is_empty() => {}
                Typed::Line(line) => {
                    self.command(line.trim())?;
                    if line.trim() == "quit" {
                        return Ok(());
                    }
                }
                Typed::Dropped => {}
                Typed::End => return Ok(()),
            }
        }
    }

    /// The same commands again and again, on a terminal in place.
    fn watch(&self, commands: &[String], every: Duration) -> Result<(), String> {
        let clears = std::io::stdout().is_terminal();
        loop {
            if clears {
                print("\x1b[H\x1b[2J")?;
            }
            commands.iter().try_for_each(|c| self.command(c))?;
            std::thread::sleep(every);
        }
    }

    /// Sends one command and prints its answer.
    fn command(&self, command: &str) -> Result<(), String> {
        let line = command.split(['\n', '\r']).collect::<Vec<_>>().join(" ");
        let line = with_full_path(&line);
        let (ok, body) = self.ask(&line, self.form()).map_err(|e| match e.kind() {
            std::io::ErrorKind::WouldBlock => "no answer".into(),
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::BrokenPipe => "llano has ended".into(),
            _ => reason(&e),
        })?;
        if ok {
            return print(&body);
        }
        self.failed.set(true);
        if self.json {
            let mut object = String::from("{\"error\":");
            json::string(&mut object, body.trim_end());
            return print(&(object + "}\n"));
        }
        crate::report::say(body.trim_end());
        Ok(())
    }

    fn form(&self) -> Form {
        if self.json { Form::Json } else { Form::Text }
    }

    fn ask(&self, line: &str, form: Form) -> std::io::Result<(bool, String)> {
        let mut source = self.source.borrow_mut();
        let stream = match &mut *source {
            Source::Live(stream) => stream,
            Source::Dump(answers) => {
                return Ok(answers.answer(line, form).map_or_else(|why| (false, why), |body| (true, body)));
            }
        };
        let patience =
            if line.starts_with("dump ") || line.starts_with("trace save ") { DUMP } else { PATIENCE };
        stream.get_mut().set_read_timeout(Some(patience))?;
        let request = if form == Form::Json { format!("json {line}\n") } else { format!("{line}\n") };
        exchange(stream, &request)
    }
}

/// What is written goes where the user is, which may not be where llano is.
fn with_full_path(line: &str) -> String {
    for command in ["dump ", "trace save ", "source ", "inject save "] {
        if let Some(path) = line.strip_prefix(command).map(str::trim).filter(|path| !path.is_empty()) {
            return absolute(path).map_or(line.into(), |full| format!("{command}{}", full.display()));
        }
    }
    line.into()
}

fn exchange(stream: &mut BufReader<UnixStream>, request: &str) -> std::io::Result<(bool, String)> {
    stream.get_mut().write_all(request.as_bytes())?;
    let mut head = String::new();
    stream.read_line(&mut head)?;
    let invalid = || std::io::Error::other("the answer is not a llano's");
    if head.is_empty() {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let (word, length) = head.trim_end().split_once(' ').ok_or_else(invalid)?;
    let length: u64 = length.parse().map_err(|_| invalid())?;
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body)?;
    if body.len() as u64 != length || !["ok", "error"].contains(&word) {
        return Err(invalid());
    }
    Ok((word == "ok", String::from_utf8_lossy(&body).into_owned()))
}

fn print(text: &str) -> Result<(), String> {
    crate::tables::print(text).map_err(|f| f.text)
}
