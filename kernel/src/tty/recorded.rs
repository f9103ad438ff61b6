//! Plays the scripts of `tests/tty` on a [`Pty`] and expects what Linux answered. The script language is
//! described in `tests/tty/record.py`, which records the answers.

use super::{Content, Flow, Pty, Queues, Read, Ready, When};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use llano_abi::errno::Errno;
use llano_abi::termios::*;

const FLAGS: &[(&str, char, u32)] = &[
    ("PARMRK", 'i', PARMRK),
    ("ISTRIP", 'i', ISTRIP),
    ("INLCR", 'i', INLCR),
    ("IGNCR", 'i', IGNCR),
    ("ICRNL", 'i', ICRNL),
    ("IUCLC", 'i', IUCLC),
    ("IXON", 'i', IXON),
    ("IXANY", 'i', IXANY),
    ("IMAXBEL", 'i', IMAXBEL),
    ("IUTF8", 'i', IUTF8),
    ("OPOST", 'o', OPOST),
    ("OLCUC", 'o', OLCUC),
    ("ONLCR", 'o', ONLCR),
    ("OCRNL", 'o', OCRNL),
    ("ONOCR", 'o', ONOCR),
    ("ONLRET", 'o', ONLRET),
    ("XTABS", 'o', XTABS),
    ("ISIG", 'l', ISIG),
    ("ICANON", 'l', ICANON),
    ("ECHO", 'l', ECHO),
    ("ECHOE", 'l', ECHOE),
    ("ECHOK", 'l', ECHOK),
    ("ECHONL", 'l', ECHONL),
    ("NOFLSH", 'l', NOFLSH),
    ("ECHOCTL", 'l', ECHOCTL),
    ("ECHOPRT", 'l', ECHOPRT),
    ("ECHOKE", 'l', ECHOKE),
    ("IEXTEN", 'l', IEXTEN),
    ("EXTPROC", 'l', EXTPROC),
];

const CHARACTERS: &[&str] = &[
    "VINTR", "VQUIT", "VERASE", "VKILL", "VEOF", "VTIME", "VMIN", "VSWTC", "VSTART", "VSTOP", "VSUSP",
    "VEOL", "VREPRINT", "VDISCARD", "VWERASE", "VLNEXT", "VEOL2",
];

fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).unwrap(),
        None => text.parse().unwrap(),
    }
}

/// `"..."` pieces with escapes, each optionally followed by `*N`.
fn unquote(text: &str) -> Vec<u8> {
    let mut all = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(open) = bytes.next() {
        if open != b'"' {
            continue;
        }
        let mut piece = Vec::new();
        loop {
            match bytes.next().expect("closing quote") {
                b'"' => break,
                b'\\' => piece.push(match bytes.next().unwrap() {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'x' => {
                        let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                        u8::from_str_radix(core::str::from_utf8(&digits).unwrap(), 16).unwrap()
                    }
                    other => other,
                }),
                byte => piece.push(byte),
            }
        }
        let mut times = 1;
        if bytes.next_if_eq(&b'*').is_some() {
            times = 0;
            while let Some(digit) = bytes.next_if(u8::is_ascii_digit) {
                times = times * 10 + usize::from(digit - b'0');
            }
        }
        all.extend(piece.repeat(times));
    }
    all
}

fn quote(bytes: &[u8]) -> String {
    if bytes.len() > 64 {
        return format!("{} bytes ending in {}", bytes.len(), quote(&bytes[bytes.len() - 8..]));
    }
    let mut text = String::from("\"");
    for &byte in bytes {
        match byte {
            b'\n' => text += "\\n",
            b'\r' => text += "\\r",
            b'\t' => text += "\\t",
            b'"' => text += "\\\"",
            b'\\' => text += "\\\\",
            0x20..0x7f => text.push(byte as char),
            _ => text += &format!("\\x{byte:02x}"),
        }
    }
    text + "\""
}

/// Verb, arguments, recorded answer.
fn split(line: &str) -> (&str, &str, Option<&str>) {
    let mut inside = false;
    let mut escaped = false;
    let mut cut = None;
    for (i, byte) in line.bytes().enumerate() {
        match byte {
            b'\\' if inside && !escaped => {
                escaped = true;
                continue;
            }
            b'"' if !escaped => inside = !inside,
            b'=' if !inside && line[..i].ends_with(' ') => {
                cut = Some(i);
                break;
            }
            _ => {}
        }
        escaped = false;
    }
    let (head, answer) = match cut {
        Some(i) => (&line[..i], Some(line[i + 1..].trim())),
        None => (line, None),
    };
    let (verb, rest) = head.trim().split_once(' ').unwrap_or((head.trim(), ""));
    (verb, rest.trim(), answer)
}

struct Player {
    pty: Pty,
    signals: u32,
}

impl Player {
    fn new() -> Player {
        let mut pty = Pty::new(0);
        pty.set_locked(false);
        Player { pty, signals: 0 }
    }

    fn set(&mut self, words: &str) {
        let mut termios = *self.pty.slave.termios();
        let mut when = When::Now;
        for word in words.split(' ') {
            let (sign, name) = word.split_at(1);
            match word {
                "now" | "drain" => {}
                "flush" => when = When::Flush,
                "raw" => {
                    termios.c_iflag &= !(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
                    termios.c_oflag &= !OPOST;
                    termios.c_lflag &= !(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
                }
                _ => match word.split_once('=') {
                    Some((name, value)) => {
                        let index = CHARACTERS.iter().position(|&known| known == name).expect(name);
                        termios.c_cc[index] = number(value) as u8;
                    }
                    None => {
                        let &(_, field, bits) = FLAGS.iter().find(|flag| flag.0 == name).expect(name);
                        let field = match field {
                            'i' => &mut termios.c_iflag,
                            'o' => &mut termios.c_oflag,
                            _ => &mut termios.c_lflag,
                        };
                        *field = if sign == "+" { *field | bits } else { *field & !bits };
                    }
                },
            }
        }
        self.pty.slave.set_termios(termios, when);
    }

    fn screen(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut piece = [0; 512];
        while let Ok(taken) = self.pty.read(&mut piece) {
            all.extend(&piece[..taken]);
        }
        all
    }

    fn play(&mut self, verb: &str, rest: &str) -> Result<Option<String>, Errno> {
        let bytes = unquote(rest);
        let slave = &mut self.pty.slave;
        let queues =
            || Queues::from_number(["in", "out", "both"].iter().position(|&q| q == rest).unwrap() as u64);
        Ok(Some(match verb {
            "set" => {
                self.set(rest);
                return Ok(None);
            }
            "type" => self.pty.write(&bytes).to_string(),
            "write" => match slave.write(&bytes)? {
                0 if !bytes.is_empty() => return Err(Errno::EAGAIN),
                accepted => accepted.to_string(),
            },
            "screen" => quote(&self.screen()),
            "master" => {
                let mut out = vec![0; number(rest) as usize];
                let taken = self.pty.read(&mut out)?;
                quote(&out[..taken])
            }
            "read" => {
                let mut out = vec![0; number(rest) as usize];
                match slave.read(&mut out, Content::Anything)? {
                    Read::Done(taken) => quote(&out[..taken]),
                    Read::Wait(_) => panic!("waits though told not to"),
                }
            }
            "signals" => {
                let names = [(1, "HUP"), (2, "INT"), (3, "QUIT"), (20, "TSTP"), (28, "WINCH")];
                let heard: Vec<_> =
                    names.iter().filter(|(n, _)| self.signals & 1 << n != 0).map(|(_, name)| *name).collect();
                self.signals = 0;
                if heard.is_empty() { "none".to_string() } else { heard.join(" ") }
            }
            "count" if slave.is_hung_up() => return Err(Errno::EIO),
            "count" => slave.input_len().to_string(),
            "mcount" => self.pty.output_len().to_string(),
            "poll" => ready(self.pty.slave.ready()),
            "mpoll" => ready(self.pty.ready()),
            "flush" => {
                slave.flush(queues().unwrap());
                return Ok(None);
            }
            "mflush" => {
                self.pty.flush(queues().unwrap());
                return Ok(None);
            }
            "flow" => {
                let index = ["ooff", "oon", "ioff", "ion"].iter().position(|&f| f == rest).unwrap();
                slave.flow(Flow::from_number(index as u64).unwrap());
                return Ok(None);
            }
            "packet" => {
                self.pty.set_packet_mode(rest == "on");
                return Ok(None);
            }
            "fill" => repeat(|| slave.write(&bytes)).to_string(),
            "mfill" => repeat(|| Ok(self.pty.write(&bytes))).to_string(),
            "size" => {
                let (rows, columns) = rest.split_once(' ').unwrap();
                let (ws_row, ws_col) = (number(rows) as u16, number(columns) as u16);
                slave.set_winsize(Winsize { ws_row, ws_col, ..Winsize::default() });
                return Ok(None);
            }
            "open" => {
                self.pty.open_slave()?;
                return Ok(None);
            }
            "close" => {
                self.pty.close_slave();
                return Ok(None);
            }
            "mclose" => {
                slave.hang_up();
                return Ok(None);
            }
            "termios" => {
                let termios = slave.termios();
                let characters: String = termios.c_cc.iter().map(|byte| format!("{byte:02x}")).collect();
                let Termios { c_iflag, c_oflag, c_cflag, c_lflag, .. } = termios;
                format!("{c_iflag:o} {c_oflag:o} {c_cflag:o} {c_lflag:o} {characters}")
            }
            other => panic!("no verb {other}"),
        }))
    }
}

fn repeat(mut once: impl FnMut() -> Result<usize, Errno>) -> usize {
    core::iter::from_fn(|| once().ok().filter(|&accepted| accepted > 0)).sum()
}

fn ready(ready: Ready) -> String {
    let all = [
        (ready.readable, "in"),
        (ready.urgent, "pri"),
        (ready.writable, "out"),
        (ready.error, "err"),
        (ready.hung_up, "hup"),
    ];
    let names: Vec<_> = all.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    if names.is_empty() { "none".to_string() } else { names.join(" ") }
}

/// Linux queues in pages, so where exactly a full queue begins varies by up to a twentieth.
fn same(verb: &str, said: &str, expected: &str) -> bool {
    match (verb, said.parse::<i64>(), expected.parse::<i64>()) {
        ("fill" | "mfill", Ok(said), Ok(expected)) => (said - expected).abs() * 20 <= expected,
        _ => said == expected,
    }
}

/// Answers that are not the terminal's to give: the session's leader gets SIGHUP, and `/dev/pts` loses the
/// name, when the master closes.
const ELSEWHERE: &[(&str, &str)] = &[("hang-up", "signals"), ("hung up for the second opener", "open")];

fn run(script: &str) {
    let mut player = Player::new();
    let mut case = "";
    let mut wrong = String::new();
    let mut asked = 0;
    for line in script.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (verb, rest, answer) = split(line);
        if verb == "case" {
            case = rest;
            player = Player::new();
            if !case.contains("unopened") {
                player.play("open", "").unwrap();
            }
            continue;
        }
        let said = player.play(verb, rest).unwrap_or_else(|errno| Some(errno.name().to_string()));
        player.signals |= player.pty.slave.take_effects().signals;
        let Some(answer) = answer else { continue };
        asked += 1;
        let said = said.unwrap_or_default();
        if !same(verb, &said, answer) && !ELSEWHERE.contains(&(case, verb)) {
            wrong += &format!("\n{case}: {verb} {rest}\n  said  {said}\n  Linux {answer}");
        }
    }
    assert!(asked > 20, "the script asks too little: {asked}");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn canonical() {
    run(include_str!("../../../tests/tty/canonical.txt"));
}

#[test]
fn raw() {
    run(include_str!("../../../tests/tty/raw.txt"));
}

#[test]
fn output() {
    run(include_str!("../../../tests/tty/output.txt"));
}

#[test]
fn signals() {
    run(include_str!("../../../tests/tty/signals.txt"));
}

#[test]
fn pty() {
    run(include_str!("../../../tests/tty/pty.txt"));
}

#[test]
fn random() {
    run(include_str!("../../../tests/tty/random.txt"));
}
