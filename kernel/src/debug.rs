//! What a debugger told the kernel, and what the kernel has to tell it: data only.
//!
//! [`inspect`](crate::inspect) acts on it.

pub mod breakpoints;

use crate::fs::file::File;
use crate::sigstate::{SigInfo, SigSet};
use crate::task::{Call, Pid, Progress};
use crate::wait::Tid;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::rc::Rc;
use alloc::vec::Vec;
use breakpoints::Breakpoints;
use llano_machine::overlay::View;
use llano_machine::watch::Watch;

/// Why a debugger is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DebugStop {
    /// A task hit a breakpoint; its rip is at it.
    Breakpoint(Tid),
    /// A task made the step it was told to make.
    Step(Tid),
    /// A task (or a call on its behalf) wrote to the watched memory that starts at this address.
    Watch(Tid, u64),
    /// A task is about to get this signal.
    Signal(Tid, i32),
    /// The list of images changed: a program was executed, a library mapped, a process ended.
    Images(Tid),
    /// Asked for (Ctrl-C, attaching).
    Request(Tid),
    /// A task is about to make this call.
    Call(Tid, u64),
    /// This call of a task is over; rax is its result.
    CallOver(Tid, u64),
}

impl DebugStop {
    /// Whose it is.
    pub fn tid(self) -> Tid {
        match self {
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
}

/// Whose images a debugger is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// Everybody's.
    All,
    /// Those of the process in which a task stopped, and those of others without a namesake there.
    #[default]
    Stop,
    /// The same of this process.
    Process(Pid),
}

/// The calls to be seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Catch {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// Those with these numbers.
    Only(BTreeSet<u64>),
}

impl Catch {
    /// Whether this number is one of them.
    pub fn has(&self, nr: u64) -> bool {
        match self {
            Catch::None => false,
            Catch::All => true,
            Catch::Only(set) => set.contains(&nr),
        }
    }
}

/// How far a caught call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The debugger saw it coming; it is made when the task runs.
    Before,
    /// It was made and may sleep.
    Made,
    /// A signal interrupted it and the debugger saw that.
    Interrupted,
}

/// A call that a debugger wants to see, under way.
#[derive(Debug, Clone, Copy)]
pub struct Caught {
    /// The task.
    pub tid: Tid,
    /// Number.
    pub nr: u64,
    /// How far it is.
    pub phase: Phase,
}

/// What one task shall do when the system runs on. Tasks without an action just run.
#[derive(Debug, Clone)]
pub struct Action {
    /// The task.
    pub tid: Tid,
    /// Stop after one instruction; with a range, when it leaves the range `[start, end)`.
    pub step: Option<(u64, u64)>,
    /// The signal to give it instead of the one that was reported; `None`: it gets none.
    pub signal: Option<i32>,
}

/// How the system runs on.
#[derive(Debug, Clone, Default)]
pub struct Resume {
    /// What single tasks do.
    pub actions: Vec<Action>,
    /// Only the tasks with an action run; the others stand still.
    pub locked: bool,
}

/// A step under way.
#[derive(Debug)]
pub struct Step {
    /// The task.
    pub tid: Tid,
    /// It goes on while its rip is in here.
    pub range: (u64, u64),
    /// Calls it had made when the step began: one more, and finished, ends the step.
    pub calls: u64,
    /// It was inside a call when the step began.
    pub in_call: bool,
}

/// Watched memory.
#[derive(Debug)]
pub struct Watched {
    /// Whose.
    pub view: View,
    /// Where.
    pub addr: u64,
    /// Bytes.
    pub len: u64,
    /// What was there at the last look; empty: nothing could be read.
    pub value: Vec<u8>,
    /// The CPU's part in it; `None`: its pages are closed while guests run.
    pub(crate) by_cpu: Option<Vec<Watch>>,
}

/// A call that a debugger put aside to run something else on the task (`print f()`).
#[derive(Debug)]
pub struct Shelved {
    /// The task.
    pub tid: Tid,
    /// The call.
    pub call: Call,
    /// What it remembered.
    pub progress: Progress,
}

/// A process that a signal is about to kill; it and its memory are still there.
#[derive(Debug, Clone)]
pub struct Death {
    /// The task that took the signal.
    pub tid: Tid,
    /// Its process.
    pub pid: Pid,
    /// The signal.
    pub info: SigInfo,
    /// It is one of those that leave a core.
    pub core: bool,
}

/// Deaths, for who wants to see them before they happen.
#[derive(Debug, Default)]
pub struct Deaths {
    /// Somebody does: the loop returns with [`Stop::Death`](crate::run::Stop::Death).
    pub watched: bool,
    /// Who is about to die.
    pub next: Option<Death>,
    /// llano itself was told to end, by SIGTERM.
    pub terminated: bool,
}

/// A debugger's side of the kernel.
#[derive(Debug, Default)]
pub struct Debug {
    /// A debugger is attached: signals and new images are reported to it.
    pub attached: bool,
    /// The debugger lets the system stand still.
    pub held: bool,
    /// The monitor lets the system stand still.
    pub paused: bool,
    /// Breakpoints in guest code.
    pub breakpoints: Breakpoints,
    /// Steps under way.
    pub steps: Vec<Step>,
    /// Watched memory.
    pub watches: Vec<Watched>,
    /// A task that makes the store which met the fence around watched pages.
    pub crossing: Option<Tid>,
    /// Calls that the debugger wants to see.
    pub catch: Catch,
    /// Those of them that are under way.
    pub caught: Vec<Caught>,
    /// A task that was stopped behind its call and shows the number in `orig_rax`.
    pub returned: Option<Tid>,
    /// There are rules that interfere with calls.
    pub inject: bool,
    /// There are steps, watches or calls to be seen: the one flag that the loop tests.
    pub busy: bool,
    /// If not empty: only these tasks run.
    pub only: Vec<Tid>,
    /// These do not run, whatever else is said.
    pub held_back: Vec<Tid>,
    /// Those that would run if nobody had said they must not.
    pub frozen: Vec<Tid>,
    /// The list of images changed.
    pub images_changed: bool,
    /// Whose images are shown.
    pub focus: Focus,
    /// The process of the task that stopped last.
    pub stopped_in: Pid,
    /// The process that executed a program, or mapped one, last.
    pub newcomer: Pid,
    /// The images that the debugger knows, by path and bias; `None`: it never asked.
    pub shown: Option<Vec<(Vec<u8>, u64)>>,
    /// They are right when a task of this process stops.
    pub shown_for: Pid,
    /// The debugger was told to read them again for the stop that comes.
    pub told_images: bool,
    /// What happened and was not yet reported.
    pub stops: VecDeque<DebugStop>,
    /// The signal that was reported last and still waits in its queue.
    pub reported: Option<(Tid, i32)>,
    /// The signal that the debugger lets through.
    pub passed: Option<(Tid, i32)>,
    /// What the debugger wrote as the signal's information at a stop that was no signal's.
    pub written: Option<(Tid, SigInfo)>,
    /// Signals that go to their tasks without a stop.
    pub unseen: SigSet,
    /// When the debugger leaves, a signal it was asked about goes on if it is one of these; `None`: whichever it is.
    pub allowed: Option<SigSet>,
    /// A call put aside.
    pub shelved: Option<Shelved>,
    /// Files that tools have open.
    pub files: Vec<Option<Rc<File>>>,
}

impl Debug {
    /// Whether the task makes a step.
    pub fn steps(&self, tid: Tid) -> bool {
        self.steps.iter().any(|s| s.tid == tid)
    }

    /// To be called when `steps`, `watches`, `catch` or `caught` changed.
    pub fn note_busy(&mut self) {
        self.busy = !self.steps.is_empty() || !self.watches.is_empty() || self.catches();
    }

    /// Whether the loop must look at calls.
    pub fn catches(&self) -> bool {
        self.catch != Catch::None || !self.caught.is_empty() || self.inject
    }

    /// Whether pages are closed while guests run.
    pub fn fenced(&self) -> bool {
        self.watches.iter().any(|w| w.by_cpu.is_none())
    }

    /// The caught call that a task is in.
    pub fn caught_mut(&mut self, tid: Tid) -> Option<&mut Caught> {
        self.caught.iter_mut().find(|c| c.tid == tid)
    }

    /// A task's caught call is over, or it is.
    pub fn drop_caught(&mut self, tid: Tid) {
        self.caught.retain(|c| c.tid != tid);
        self.note_busy();
    }

    /// A task has another number now.
    pub fn renamed(&mut self, from: Tid, to: Tid) {
        self.steps.iter_mut().filter(|s| s.tid == from).for_each(|s| s.tid = to);
        self.caught.iter_mut().filter(|c| c.tid == from).for_each(|c| c.tid = to);
        self.crossing.iter_mut().filter(|t| **t == from).for_each(|t| *t = to);
        let lists = [&mut self.only, &mut self.held_back, &mut self.frozen];
        lists.into_iter().flatten().filter(|t| **t == from).for_each(|t| *t = to);
    }

    /// Whether the task must not run now although it could.
    pub fn locks_out(&self, tid: Tid) -> bool {
        !self.only.is_empty() && !self.only.contains(&tid) || self.held_back.contains(&tid)
    }
}
