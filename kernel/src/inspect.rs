//! What tools may ask and do: the debugger's and the monitor's way into the kernel.
//!
//! Everything here runs on the vCPU thread, at a consistent point of the loop.

use crate::kernel::Kernel;
use crate::sigstate::sig;
use crate::task::State;
use crate::wait::Tid;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use llano_machine::Fault;

/// Why a debugger is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DebugStop {
    /// A task hit a breakpoint; its rip is at it.
    Breakpoint(Tid),
    /// A task made the step it was told to make.
    Step(Tid),
    /// A task is about to get a signal for a fault.
    Signal(Tid, i32),
    /// The list of images changed: a program was executed.
    Images(Tid),
    /// Asked for (Ctrl-C, `stop`).
    Request(Tid),
}

/// What a debugger told the kernel.
#[derive(Debug, Default)]
pub struct Debug {
    /// A debugger is attached: signals and new images are reported to it.
    pub attached: bool,
    /// The monitor lets the system stand still.
    pub paused: bool,
    /// Addresses of breakpoint instructions.
    pub breakpoints: BTreeSet<u64>,
    /// The task that makes a single step, alone.
    pub stepping: Option<Tid>,
    /// Tasks that were frozen for the step.
    frozen: Vec<Tid>,
}

const TRAP_BRKPT: u64 = 3;
const TRAP_DEBUG: u64 = 1;
const FLAG_TF: u64 = 0x100;

impl Kernel {
    /// A SIGTRAP of a guest: the debugger's, or `None` if it is the guest's own.
    pub(crate) fn debug_trap(&mut self, tid: Tid, fault: &Fault) -> Option<DebugStop> {
        if fault.trapno == TRAP_DEBUG && self.debug.stepping == Some(tid) {
            self.end_step();
            return Some(DebugStop::Step(tid));
        }
        let rip = self.task(tid).ctx.regs().rip;
        if fault.trapno == TRAP_BRKPT && self.debug.breakpoints.contains(&(rip - 1)) {
            self.end_step();
            self.task_mut(tid).ctx.regs_mut().rip = rip - 1;
            return Some(DebugStop::Breakpoint(tid));
        }
        None
    }

    /// A fault's signal: an attached debugger sees it first.
    pub(crate) fn debug_signal(&mut self, tid: Tid, signo: i32) -> Option<DebugStop> {
        if !self.debug.attached || signo == sig::KILL {
            return None;
        }
        self.end_step();
        Some(DebugStop::Signal(tid, signo))
    }

    /// A task executed a program.
    pub(crate) fn exec_done(&mut self, tid: Tid) {
        if self.debug.attached {
            self.stop_with(DebugStop::Images(tid));
        }
    }

    /// Makes the loop return with a debugger's stop.
    pub fn stop_with(&mut self, stop: DebugStop) {
        self.pending_stop = Some(stop);
        self.stop_requested = true;
    }

    /// A task is over: a step it was making is too.
    pub(crate) fn task_gone(&mut self, tid: Tid) {
        if self.debug.stepping == Some(tid) {
            self.end_step();
        }
    }

    /// Lets one task make a single step while the others stand still.
    pub fn begin_step(&mut self, tid: Tid) {
        self.end_step();
        let others: Vec<Tid> =
            self.tables.tasks().filter(|t| t.tid != tid && t.state == State::Runnable).map(|t| t.tid).collect();
        for other in &others {
            self.set_state(*other, State::Frozen);
        }
        self.debug.frozen = others;
        self.debug.stepping = Some(tid);
        self.task_mut(tid).ctx.regs_mut().rflags |= FLAG_TF;
    }

    /// Ends a step: the others go on, the trap flag goes.
    pub fn end_step(&mut self) {
        if let Some(tid) = self.debug.stepping.take()
            && let Some(task) = self.tables.task_mut(tid)
        {
            task.ctx.regs_mut().rflags &= !FLAG_TF;
        }
        for tid in core::mem::take(&mut self.debug.frozen) {
            if self.tables.task(tid).is_some_and(|t| t.state == State::Frozen) {
                self.set_state(tid, State::Runnable);
            }
        }
    }

    /// Serves requests of other threads until nobody wants the system to stand still.
    pub fn stand_still(&mut self) {
        while self.debug.paused {
            let requests = self.requests.clone();
            while requests.any() {
                for request in requests.take() {
                    request(self);
                }
            }
            if self.debug.paused {
                self.env.bell.wait_door();
            }
        }
        self.charged_at = llano_machine::clock::tsc();
        self.irq = true;
    }

    /// The task that tools look at first: the running one, else any.
    pub fn any_task(&self) -> Option<Tid> {
        self.sched.current.or_else(|| self.tables.tasks().next().map(|t| t.tid))
    }
}
