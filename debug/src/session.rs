//! One debugger, from attaching to leaving.

use crate::arch::Amd64;
use crate::conn::Conn;
use crate::filter::{Filter, PACKET, Word, sum};
use crate::gdb::Target;
use crate::listener::Listener;
use crate::packets::{self, INVALID};
use crate::server::{Event, Heard, Inbox};
use crate::signals::to_gdb;
use gdbstub::arch::Arch;
use gdbstub::common::{Signal, Tid};
use gdbstub::stub::state_machine::GdbStubStateMachine;
use gdbstub::stub::{DisconnectReason, GdbStubBuilder, GdbStubError, MultiThreadStopReason};
use gdbstub::target::ext::catch_syscalls::CatchSyscallPosition;
use llano_kernel::Kernel;
use llano_kernel::inspect::DebugStop;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::num::NonZeroUsize;
use std::sync::mpsc::Sender;
use std::time::Duration;
use tracing::trace_span;

/// As many packets are kept of a debugger that does not wait for the system to stop.
const IMPATIENT: usize = 64;

/// As much of a packet as the log shows.
const SHOWN: usize = 200;

pub(crate) type Reason = MultiThreadStopReason<<Amd64 as Arch>::Usize>;
type Machine = GdbStubStateMachine<'static, Target, Conn>;

/// What the system does when a debugger leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDetach {
    /// It runs on.
    Run,
    /// It stands still until the next one comes.
    Stop,
}

/// How a session ended.
pub enum End {
    /// The debugger left; another may come.
    Left,
    /// The system is over, or was told to be.
    Over,
}

/// Serves one debugger on `conn`; others that knock at `door` meanwhile are refused.
pub fn serve(conn: Conn, mut target: Target, inbox: &Inbox, door: &Listener, on_detach: OnDetach) -> End {
    tracing::debug!(target: "gdb", "a debugger comes");
    let mut outcome = talk(conn, &mut target, inbox, door);
    tracing::debug!(target: "gdb", "the debugger leaves");
    if matches!(outcome, Outcome::Left) && on_detach == OnDetach::Stop {
        // It stops again between two instructions of a program.
        target.unpark();
        if let Err(ended) = attach(&mut target, inbox) {
            outcome = ended;
        }
    }
    match outcome {
        Outcome::Exited(told) => {
            let _ = told.map(|t| t.send(()));
            End::Over
        }
        Outcome::Killed => {
            target.kill(|k| {
                k.exit_status.get_or_insert(llano_kernel::sigstate::sig::KILL);
                k.detach();
            });
            End::Over
        }
        Outcome::Left => {
            target.leave(move |k| {
                k.detach();
                k.debug.held = on_detach == OnDetach::Stop;
            });
            End::Left
        }
        Outcome::Broken => {
            target.unpark();
            End::Over
        }
    }
}

enum Outcome {
    Left,
    Killed,
    /// The kernel itself is at its end.
    Broken,
    /// With somebody who waits until the debugger was told.
    Exited(Option<Sender<()>>),
}

/// How long the vCPU may take to come to a stop.
const ATTACH: Duration = Duration::from_secs(1);

/// Lets the system stand still. `Err`: it ended first.
fn attach(target: &mut Target, inbox: &Inbox) -> Result<(), Outcome> {
    target.arm(inbox);
    match target.ask_for(ATTACH, Kernel::attach) {
        Some(true) => return Ok(()),
        // It is on its way to a stop, or hangs.
        Some(false) | None => target.insist(inbox),
    }
    while inbox.wait_for(ATTACH) {
        match inbox.take() {
            Some(Event::Stopped(stop)) => {
                target.note_stop(stop);
                return Ok(());
            }
            Some(Event::Parked(why)) => {
                target.parked(why);
                return Ok(());
            }
            Some(Event::Exited { told, .. }) => return Err(Outcome::Exited(Some(told))),
            None => {}
        }
    }
    Err(Outcome::Left)
}

fn talk(conn: Conn, target: &mut Target, inbox: &Inbox, door: &Listener) -> Outcome {
    if let Err(outcome) = attach(target, inbox) {
        return outcome;
    }
    let mut line = Line::new(conn, inbox, door);
    let mut told = None;
    // The system ended while it stood still: gdb learns that when it wants to run it.
    let mut over = None;
    let Ok(mut machine) = line.machine(target) else { return Outcome::Left };
    loop {
        let next = match machine {
            Machine::Disconnected(inner) => {
                return match inner.get_reason() {
                    DisconnectReason::Disconnect => Outcome::Left,
                    DisconnectReason::Kill => Outcome::Killed,
                    _ if target.own.dying => Outcome::Broken,
                    DisconnectReason::TargetExited(_) | DisconnectReason::TargetTerminated(_) => {
                        Outcome::Exited(told)
                    }
                };
            }
            // Ctrl-C does not get as far as `gdbstub`.
            Machine::CtrlCInterrupt(inner) => inner.interrupt_handled(target, None::<Reason>),
            Machine::Idle(inner) => match line.next(false) {
                Ok(Next::Packet(body)) => match line.handle(inner.into(), target, &body) {
                    Ok(next) => next,
                    Err(outcome) => return outcome,
                },
                // The system stands still; the only event then is its end.
                Ok(Next::Event) => {
                    if let Some(Event::Exited { status, told: sender }) = inbox.take() {
                        (over, told) = (Some(status), Some(sender));
                    }
                    Ok(inner.into())
                }
                // What gdb wants has happened.
                Ok(Next::Interrupt) => Ok(inner.into()),
                Err(_) => return Outcome::Left,
            },
            Machine::Running(inner) if target.own.dying => {
                inner.report_stop(target, Reason::Terminated(Signal::SIGABRT))
            }
            Machine::Running(inner) if over.is_some() => {
                let status = over.take().unwrap_or_default();
                match inner.report_stop(target, end_reason(status)) {
                    Ok(next) => Ok(next),
                    Err(_) => return Outcome::Exited(told),
                }
            }
            Machine::Running(inner) => match line.next(true) {
                Ok(Next::Interrupt) => {
                    target.interrupt(inbox);
                    Ok(inner.into())
                }
                Ok(Next::Event) => match inbox.take() {
                    Some(Event::Stopped(stop)) => {
                        target.stands();
                        target.note_stop(stop);
                        inner.report_stop(target, reason(stop))
                    }
                    Some(Event::Parked(why)) => {
                        let reason = target.parked(why);
                        inner.report_stop(target, reason)
                    }
                    Some(Event::Exited { status, told: sender }) => {
                        told = Some(sender);
                        inner.report_stop(target, end_reason(status))
                    }
                    None => Ok(inner.into()),
                },
                Ok(Next::Packet(_)) => Ok(inner.into()),
                Err(_) => return Outcome::Left,
            },
        };
        machine = match next {
            Ok(next) => next,
            Err(e) if e.is_connection_error() => return Outcome::Left,
            Err(e) => {
                // An error costs `gdbstub` its life and the debugger one packet.
                tracing::debug!(target: "gdb", "a packet was refused: {e}");
                match line.machine(target) {
                    Ok(fresh) if line.conn.packet(INVALID).is_ok() => fresh,
                    _ => return Outcome::Left,
                }
            }
        };
    }
}

/// What is to be done next.
enum Next {
    Packet(Vec<u8>),
    Interrupt,
    Event,
}

/// The debugger's end of a session.
struct Line<'a> {
    conn: Conn,
    inbox: &'a Inbox,
    door: &'a Listener,
    filter: Filter,
    /// What came and was not worked on.
    words: VecDeque<Word>,
    /// Packets are not acknowledged any more.
    no_ack: bool,
    /// The debugger knows that threads belong to processes.
    multiprocess: bool,
    /// It is lldb: it kills what it means to leave.
    lldb: bool,
}

type Fed = Result<Machine, GdbStubError<Infallible, io::Error>>;

impl Line<'_> {
    fn new<'a>(conn: Conn, inbox: &'a Inbox, door: &'a Listener) -> Line<'a> {
        let (filter, words) = (Filter::default(), VecDeque::new());
        Line { conn, inbox, door, filter, words, no_ack: false, multiprocess: false, lldb: false }
    }

    /// A `gdbstub` that knows what the last one knew, and leaves acknowledging to us.
    fn machine(&mut self, target: &mut Target) -> Fed {
        self.conn.mute(true);
        let stub = GdbStubBuilder::new(self.conn.clone()).packet_buffer_size(PACKET).build();
        let stub = stub.expect("a connection and a buffer are all it needs");
        let mut machine = stub.run_state_machine(target)?;
        machine = feed(machine, target, b"QStartNoAckMode")?;
        if self.multiprocess {
            machine = feed(machine, target, b"qSupported:multiprocess+")?;
        }
        if let Some(tid) = target.selected() {
            machine = feed(machine, target, format!("Hg{tid:x}").as_bytes())?;
        }
        self.conn.mute(false);
        Ok(machine)
    }

    /// Waits for something to do. While the system runs packets wait for its stop.
    fn next(&mut self, running: bool) -> io::Result<Next> {
        let mut seen = 0;
        loop {
            while let Some(word) = self.words.get(seen) {
                match word {
                    Word::Packet(body) if running && body.starts_with(b"vCtrlC") => {
                        self.words.remove(seen);
                        self.conn.packet(b"OK")?;
                        return Ok(Next::Interrupt);
                    }
                    Word::Packet(_) | Word::TooLong if running => {
                        seen += 1;
                        if seen > IMPATIENT {
                            return Err(io::ErrorKind::QuotaExceeded.into());
                        }
                        continue;
                    }
                    _ => {}
                }
                match self.words.remove(seen) {
                    Some(Word::Packet(body)) => return Ok(Next::Packet(body)),
                    Some(Word::Interrupt) => return Ok(Next::Interrupt),
                    Some(Word::Again) => self.conn.again()?,
                    Some(Word::TooLong) => self.conn.packet(INVALID)?,
                    Some(Word::Garbled) | None => {}
                }
            }
            if running && self.inbox.soon() {
                return Ok(Next::Event);
            }
            match self.inbox.wait(&self.conn, self.door)? {
                Heard::Event => return Ok(Next::Event),
                Heard::Knock => self.door.refuse(),
                Heard::Bytes => self.read()?,
            }
        }
    }

    fn read(&mut self) -> io::Result<()> {
        let bytes = self.conn.read()?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for byte in bytes {
            let Some(word) = self.filter.push(byte) else { continue };
            match word {
                Word::Packet(_) | Word::TooLong if !self.no_ack => {
                    self.conn.acknowledge(b'+')?;
                    // What follows it is not acknowledged, whenever it is answered.
                    self.no_ack = word == Word::Packet(b"QStartNoAckMode".to_vec());
                }
                Word::Garbled if !self.no_ack => self.conn.acknowledge(b'-')?,
                // Nobody would send it again.
                Word::Garbled => self.words.push_back(Word::TooLong),
                _ => {}
            }
            if word != Word::Garbled {
                self.words.push_back(word);
            }
        }
        Ok(())
    }

    /// Works on a packet while the system stands still. `Err`: the session ends.
    fn handle(&mut self, machine: Machine, target: &mut Target, body: &[u8]) -> Result<Fed, Outcome> {
        let shown = body[..body.len().min(SHOWN)].escape_ascii();
        let _work = trace_span!(target: "gdb", "packet", body = %shown).entered();
        let reply = match body {
            b"QStartNoAckMode" | b"vCtrlC" => Some(b"OK".to_vec()),
            b"D" => return Err(self.leave(b"OK", Outcome::Left)),
            b"k" if self.lldb => return Err(self.leave(b"X09", Outcome::Left)),
            b"k" => return Err(Outcome::Killed),
            _ if body.starts_with(b"D;") => return Err(self.leave(b"OK", Outcome::Left)),
            _ if body.starts_with(b"vKill;") => return Err(self.leave(b"OK", Outcome::Killed)),
            _ => packets::answer(target, body),
        };
        if let Some(reply) = reply {
            return self.conn.packet(&reply).map(|()| Ok(machine)).map_err(|_| Outcome::Left);
        }
        if body.starts_with(b"qSupported") {
            self.multiprocess = body.split(|b| [b':', b';'].contains(b)).any(|f| f == b"multiprocess+");
            self.conn.announce(packets::features());
        }
        self.lldb |= body == b"QThreadSuffixSupported";
        Ok(feed(machine, target, body))
    }

    /// The last word of a session.
    fn leave(&mut self, word: &[u8], outcome: Outcome) -> Outcome {
        let _ = self.conn.packet(word);
        outcome
    }
}

/// Has `gdbstub` work on a packet.
fn feed(mut machine: Machine, target: &mut Target, body: &[u8]) -> Fed {
    let end = format!("#{:02x}", sum(body));
    for byte in [b"$", body, end.as_bytes()].concat() {
        machine = match machine {
            Machine::Idle(inner) => inner.incoming_data(target, byte)?,
            other => return Ok(other),
        };
    }
    Ok(machine)
}

fn reason(stop: DebugStop) -> Reason {
    let tid: Tid = NonZeroUsize::new(stop.tid() as usize).unwrap_or(NonZeroUsize::MIN);
    match stop {
        DebugStop::Breakpoint(_) => Reason::SwBreak(tid),
        DebugStop::Step(_) => Reason::SignalWithThread { tid, signal: Signal::SIGTRAP },
        DebugStop::Watch(_, addr) => {
            Reason::Watch { tid, kind: gdbstub::target::ext::breakpoints::WatchKind::Write, addr }
        }
        DebugStop::Signal(_, signo) => Reason::SignalWithThread { tid, signal: to_gdb(signo) },
        DebugStop::Images(_) => Reason::Library(tid),
        DebugStop::Call(_, number) => {
            Reason::CatchSyscall { tid: Some(tid), number, position: CatchSyscallPosition::Entry }
        }
        DebugStop::CallOver(_, number) => {
            Reason::CatchSyscall { tid: Some(tid), number, position: CatchSyscallPosition::Return }
        }
        DebugStop::Request(_) => Reason::SignalWithThread { tid, signal: Signal::SIGINT },
    }
}

/// From a wait(2) status.
fn end_reason(status: i32) -> Reason {
    match status & 0x7f {
        0 => Reason::Exited((status >> 8) as u8),
        signo => Reason::Terminated(to_gdb(signo)),
    }
}
