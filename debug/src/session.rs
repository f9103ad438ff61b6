//! One debugger, from attaching to leaving.

use crate::arch::Amd64;
use crate::conn::Conn;
use crate::filter::Filter;
use crate::gdb::Target;
use crate::packets;
use crate::server::{Event, Inbox};
use crate::signals::to_gdb;
use gdbstub::arch::Arch;
use gdbstub::common::{Signal, Tid};
use gdbstub::stub::state_machine::GdbStubStateMachine as Machine;
use gdbstub::stub::{DisconnectReason, GdbStubBuilder, MultiThreadStopReason};
use gdbstub::target::ext::catch_syscalls::CatchSyscallPosition;
use llano_kernel::inspect::DebugStop;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::mpsc::Sender;

/// What gdb reads at once; larger ones make it read ahead more than it needs.
const PACKET: usize = 16 << 10;

type Reason = MultiThreadStopReason<<Amd64 as Arch>::Usize>;

/// How a session ended.
pub enum End {
    /// The debugger left; the system runs on, another may come.
    Left,
    /// The system is over, or was told to be.
    Over,
}

/// Serves one debugger on `conn`.
pub fn serve(conn: Conn, mut target: Target, inbox: &Inbox) -> End {
    tracing::debug!(target: "gdb", "a debugger comes");
    let outcome = talk(conn, &mut target, inbox);
    tracing::debug!(target: "gdb", "the debugger leaves");
    match outcome {
        Outcome::Exited(told) => {
            let _ = told.map(|t| t.send(()));
            End::Over
        }
        Outcome::Killed => {
            target.post(|k| {
                k.exit_status.get_or_insert(llano_kernel::sigstate::sig::KILL);
                k.detach();
            });
            End::Over
        }
        Outcome::Left => {
            // Waiting for it keeps a debugger that comes next from meeting this one's end.
            let _ = target.ask(llano_kernel::Kernel::detach);
            End::Left
        }
    }
}

enum Outcome {
    Left,
    Killed,
    /// With somebody who waits until the debugger was told.
    Exited(Option<Sender<()>>),
}

/// Lets the system stand still. `Err`: it ended first.
fn attach(target: &mut Target, inbox: &Inbox) -> Result<(), Outcome> {
    let Ok(stands) = target.ask(llano_kernel::Kernel::attach) else { return Err(Outcome::Left) };
    if stands {
        return Ok(());
    }
    match inbox.receive() {
        Some(Event::Stopped(stop)) => {
            target.note_stop(task_of(stop));
            Ok(())
        }
        Some(Event::Exited { told, .. }) => Err(Outcome::Exited(Some(told))),
        None => Err(Outcome::Left),
    }
}

fn talk(conn: Conn, target: &mut Target, inbox: &Inbox) -> Outcome {
    if let Err(outcome) = attach(target, inbox) {
        return outcome;
    }
    let mut buffer = vec![0; PACKET];
    let Ok(stub) = GdbStubBuilder::new(conn).with_packet_buffer(&mut buffer).build() else {
        return Outcome::Left;
    };
    let Ok(mut machine) = stub.run_state_machine(target) else { return Outcome::Left };
    let mut filter = Filter::default();
    let mut input = VecDeque::new();
    let mut told = None;
    loop {
        let next = match machine {
            Machine::Disconnected(inner) => {
                return match inner.get_reason() {
                    DisconnectReason::Disconnect => Outcome::Left,
                    DisconnectReason::Kill => Outcome::Killed,
                    DisconnectReason::TargetExited(_) | DisconnectReason::TargetTerminated(_) => {
                        Outcome::Exited(told)
                    }
                };
            }
            Machine::CtrlCInterrupt(inner) => {
                target.post(llano_kernel::Kernel::request_stop);
                inner.interrupt_handled(target, None::<Reason>)
            }
            Machine::Idle(mut inner) => {
                let Some(byte) = read(inner.borrow_conn(), inbox, &mut filter, &mut input, target) else {
                    return Outcome::Left;
                };
                match byte {
                    Input::Byte(byte) => inner.incoming_data(target, byte),
                    // The system stands still; the only event then is its end.
                    Input::Event => match inbox.take() {
                        Some(Event::Exited { told, .. }) => return Outcome::Exited(Some(told)),
                        _ => Ok(inner.into()),
                    },
                }
            }
            Machine::Running(mut inner) => {
                if let Some(text) = target.notice()
                    && inner.borrow_conn().console(text).is_err()
                {
                    return Outcome::Left;
                }
                let Some(byte) = read(inner.borrow_conn(), inbox, &mut filter, &mut input, target) else {
                    return Outcome::Left;
                };
                match byte {
                    Input::Byte(byte) => inner.incoming_data(target, byte),
                    Input::Event => match inbox.take() {
                        Some(Event::Stopped(stop)) => {
                            target.note_stop(task_of(stop));
                            inner.report_stop(target, reason(stop))
                        }
                        Some(Event::Exited { status, told: sender }) => {
                            told = Some(sender);
                            inner.report_stop(target, end_reason(status))
                        }
                        None => Ok(inner.into()),
                    },
                }
            }
        };
        match next {
            Ok(next) => machine = next,
            Err(e) => {
                if !e.is_connection_error() {
                    eprintln!("llano: gdb: {e}");
                }
                return Outcome::Left;
            }
        }
    }
}

enum Input {
    Byte(u8),
    Event,
}

/// The next byte for `gdbstub`, or word of an event. `None`: the debugger went away.
fn read(
    conn: &mut Conn,
    inbox: &Inbox,
    filter: &mut Filter,
    input: &mut VecDeque<u8>,
    target: &Target,
) -> Option<Input> {
    loop {
        if let Some(byte) = input.pop_front() {
            return Some(Input::Byte(byte));
        }
        filter.rest();
        if inbox.wait_or_readable(conn).ok()? {
            return Some(Input::Event);
        }
        let bytes = conn.read().ok().filter(|b| !b.is_empty())?;
        for byte in bytes {
            input.extend(filter.push(byte, conn, |packet| packets::answer(target, packet)).ok()?);
        }
    }
}

fn task_of(stop: DebugStop) -> i32 {
    match stop {
        DebugStop::Breakpoint(t)
        | DebugStop::Step(t)
        | DebugStop::Watch(t, _)
        | DebugStop::Signal(t, _)
        | DebugStop::Images(t)
        | DebugStop::Call(t, _)
        | DebugStop::CallOver(t, _)
        | DebugStop::Request(t) => t,
    }
}

fn reason(stop: DebugStop) -> Reason {
    let tid: Tid = NonZeroUsize::new(task_of(stop) as usize).unwrap_or(NonZeroUsize::MIN);
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
