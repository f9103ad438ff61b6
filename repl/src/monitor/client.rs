//! `llano monitor SOCKET|DUMPDIR`: sends commands, prints the answers.

use super::server::reason;
use super::{DUMP, Form};
use crate::cli::Monitor;
use crate::postmortem::state::Answers;
use crate::session::Failure;
use llano_trace::json;
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
    let mut connection = Connection { source, json: options.json, failed: false };
    let ended = if options.commands.is_empty() {
        connection.interactive()
    } else {
        options.commands.iter().try_for_each(|c| connection.command(c))
    };
    match ended {
        Ok(()) => Ok(connection.failed.into()),
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
    source: Source,
    json: bool,
    failed: bool,
}

impl Connection {
    /// Commands from standard input, with a prompt on a terminal.
    fn interactive(&mut self) -> Result<(), String> {
        let input = std::io::stdin();
        let prompt = input.is_terminal() && std::io::stdout().is_terminal();
        let mut line = String::new();
        loop {
            if prompt {
                print("(llano) ")?;
            }
            line.clear();
            match input.lock().read_line(&mut line) {
                Ok(0) if prompt => return print("\n"),
                Ok(0) => return Ok(()),
                Ok(_) if line.trim().is_empty() => {}
                Ok(_) => self.command(line.trim())?,
                Err(e) => return Err(format!("standard input: {}", reason(&e))),
            }
            if line.trim() == "quit" {
                return Ok(());
            }
        }
    }

    /// Sends one command and prints its answer.
    fn command(&mut self, command: &str) -> Result<(), String> {
        let line = command.split(['\n', '\r']).collect::<Vec<_>>().join(" ");
        let line = with_full_path(&line);
        let (ok, body) = self.ask(&line).map_err(|e| match e.kind() {
            std::io::ErrorKind::WouldBlock => "no answer".into(),
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::BrokenPipe => "llano has ended".into(),
            _ => reason(&e),
        })?;
        if ok {
            return print(&body);
        }
        self.failed = true;
        if self.json {
            let mut object = String::from("{\"error\":");
            json::string(&mut object, body.trim_end());
            return print(&(object + "}\n"));
        }
        crate::report::say(body.trim_end());
        Ok(())
    }

    fn ask(&mut self, line: &str) -> std::io::Result<(bool, String)> {
        let stream = match &mut self.source {
            Source::Live(stream) => stream,
            Source::Dump(answers) => {
                let form = if self.json { Form::Json } else { Form::Text };
                return Ok(answers.answer(line, form).map_or_else(|why| (false, why), |body| (true, body)));
            }
        };
        let patience =
            if line.starts_with("dump ") || line.starts_with("trace save ") { DUMP } else { PATIENCE };
        stream.get_mut().set_read_timeout(Some(patience))?;
        exchange(stream, &if self.json { format!("json {line}\n") } else { format!("{line}\n") })
    }
}

/// What is written goes where the user is, which may not be where llano is.
fn with_full_path(line: &str) -> String {
    for command in ["dump ", "trace save "] {
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
