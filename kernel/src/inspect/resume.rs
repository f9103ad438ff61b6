//! Running on: one task or all, by steps or freely.
//!
//! A step sets the CPU's trap flag for one task. A call made on the way is part of the step that began before it: it ends
//! behind the `syscall` instruction, as with ptrace, even if the task slept in between.

use crate::debug::{Action, DebugStop, Resume, Step};
use crate::kernel::Kernel;
use crate::sigstate::{SigInfo, SigSet, code};
use crate::task::{Pid, State};
use crate::wait::Tid;
use alloc::vec::Vec;

const FLAG_TF: u64 = 0x100;

/// Sets or clears the trap flag of a task.
pub(super) fn trap_flag(k: &mut Kernel, tid: Tid, on: bool) {
    if let Some(task) = k.tables.task_mut(tid) {
        let regs = task.ctx.regs_mut();
        regs.rflags = if on { regs.rflags | FLAG_TF } else { regs.rflags & !FLAG_TF };
    }
}

impl Kernel {
    /// Runs on as the debugger says.
    pub fn run_on(&mut self, resume: Resume) {
        self.settle_signals(&resume.actions);
        self.leave_returned();
        for action in &resume.actions {
            let Some(task) = self.tables.task(action.tid) else { continue };
            if let Some(range) = action.step {
                let (calls, in_call) = (task.calls, task.call.is_some());
                self.debug.steps.push(Step { tid: action.tid, range, calls, in_call });
                trap_flag(self, action.tid, true);
            }
        }
        // What the debugger wrote by itself is nobody's write.
        self.watch_changed();
        self.debug.note_busy();
        if resume.locked {
            self.lock(resume.actions.iter().map(|a| a.tid).collect());
        }
        self.debug.held = false;
    }

    /// Lets only these tasks run, if any of them lives.
    fn lock(&mut self, only: Vec<Tid>) {
        if !only.iter().any(|t| self.tables.task(*t).is_some()) {
            return;
        }
        self.debug.only = only;
        let others: Vec<Tid> = self
            .tables
            .tasks()
            .filter(|t| t.state == State::Runnable && self.debug.locks_out(t.tid))
            .map(|t| t.tid)
            .collect();
        for tid in others {
            self.set_state(tid, State::Runnable); // which freezes it
        }
    }

    /// The state that a task gets which could run: `Frozen` while others are to run alone.
    pub(crate) fn admitted(&mut self, tid: Tid) -> State {
        if !self.debug.locks_out(tid) {
            return State::Runnable;
        }
        if !self.debug.frozen.contains(&tid) {
            self.debug.frozen.push(tid);
        }
        State::Frozen
    }

    /// Ends what the last [`Kernel::run_on`] began: steps are over, everybody may run.
    pub fn end_resume(&mut self) {
        for step in core::mem::take(&mut self.debug.steps) {
            trap_flag(self, step.tid, false);
        }
        self.debug.note_busy();
        self.debug.passed = None;
        self.debug.only.clear();
        self.let_go();
    }

    /// Those who stand still and need not any more run.
    fn let_go(&mut self) {
        for tid in core::mem::take(&mut self.debug.frozen) {
            if self.tables.task(tid).is_some_and(|t| t.state == State::Frozen) {
                self.set_state(tid, State::Runnable); // which freezes it again if it must not
            }
        }
    }

    /// Holds the threads of a process back, wherever they are, until [`Kernel::thaw`]: a call they wait in may end meanwhile,
    /// but they do not run.
    pub fn freeze(&mut self, pid: Pid) {
        for tid in self.tables.process(pid).map_or_else(Vec::new, |p| p.threads.clone()) {
            if !self.debug.held_back.contains(&tid) {
                self.debug.held_back.push(tid);
            }
            if self.task(tid).state == State::Runnable {
                self.set_state(tid, State::Runnable); // which freezes it
            }
        }
    }

    /// Ends [`Kernel::freeze`]. Returns whether the process was held back.
    pub fn thaw(&mut self, pid: Pid) -> bool {
        let before = self.debug.held_back.len();
        let threads = self.tables.process(pid).map_or_else(Vec::new, |p| p.threads.clone());
        self.debug.held_back.retain(|t| !threads.contains(t));
        if self.debug.held_back.len() == before {
            return false;
        }
        self.let_go();
        true
    }

    /// A task is over: a step it was making is too.
    pub(crate) fn task_gone(&mut self, tid: Tid) {
        self.debug.steps.retain(|s| s.tid != tid);
        self.debug.drop_caught(tid);
        self.debug.crossing.take_if(|t| *t == tid);
        self.debug.held_back.retain(|t| *t != tid);
        self.debug.frozen.retain(|t| *t != tid);
        if self.debug.only.contains(&tid) {
            self.debug.only.retain(|t| *t != tid);
            if self.debug.only.is_empty() {
                self.end_resume();
            }
        }
    }

    /// Steps that ended with a call's end.
    pub(super) fn finished_calls(&mut self) {
        let done = self.debug.steps.iter().find(|s| {
            self.tables.task(s.tid).is_some_and(|t| t.call.is_none() && (s.in_call || t.calls != s.calls))
        });
        if let Some(tid) = done.map(|s| s.tid)
            && !self.debug.stops.contains(&DebugStop::Step(tid))
        {
            self.debug.stops.push_back(DebugStop::Step(tid));
        }
    }

    /// A signal that waits for a task, or for its process, is dropped.
    pub(super) fn withhold(&mut self, tid: Tid, signo: i32) {
        if self.tables.task(tid).is_some() {
            let set = SigSet::of(signo);
            if self.task_mut(tid).pending.pop(set).is_none() {
                self.process_of_mut(tid).pending.pop(set);
            }
        }
    }

    /// The signal that was reported goes on to its task, or is dropped, or another takes its place.
    fn settle_signals(&mut self, actions: &[Action]) {
        let reported = self.debug.reported.take();
        let written = self.debug.written.take();
        if let Some((tid, signo)) = reported {
            let wish = actions.iter().find(|a| a.tid == tid).and_then(|a| a.signal);
            if wish == Some(signo) {
                self.debug.passed = Some((tid, signo));
                return;
            }
            self.withhold(tid, signo);
        }
        if let Some((tid, signo)) = actions.iter().find_map(|a| a.signal.map(|s| (a.tid, s)))
            && self.tables.task(tid).is_some()
        {
            let written = written.filter(|(t, info)| (*t, info.signo) == (tid, signo));
            let info = written.map_or_else(|| SigInfo::new(signo, code::SI_USER), |(_, info)| info);
            crate::signal::send_to_task(self, tid, info);
            self.debug.passed = Some((tid, signo));
        }
    }
}
