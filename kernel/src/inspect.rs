//! What tools may ask and do: the debugger's and the monitor's way into the kernel.
//!
//! Everything here runs on the vCPU thread, at a consistent point of the loop.
//!
//! - [`resume`]: running on, one task or all, by steps or freely
//! - [`memory`]: any memory, as a task sees it
//! - [`breakpoints`]: breakpoints in it
//! - [`watch`]: memory whose writers stop
//! - [`fence`]: how, where the CPU cannot watch it
//! - [`images`]: the ELF files in memory
//! - [`focus`]: which of them a debugger is shown
//! - [`files`]: files of the guest's root
//! - [`inject`](mod@inject): rules that interfere with calls
//! - [`parked`]: what is known of tasks while the vCPU is stopped in kernel code
//! - [`registers`]: a task's registers, and the call it is in
//! - [`siginfo`]: what is known of the signal that stopped a task
//! - [`catch`]: calls that stop

pub mod breakpoints;
pub mod catch;
pub mod fence;
pub mod files;
pub mod focus;
pub mod images;
pub mod inject;
pub mod memory;
pub mod parked;
pub mod registers;
pub mod resume;
pub mod siginfo;
pub mod watch;

pub use crate::debug::{Action, Catch, Death, Deaths, Debug, DebugStop, Focus, Resume};
use crate::kernel::Kernel;
use crate::run::Stop;
use crate::task::State;
use crate::wait::Tid;
use alloc::string::{String, ToString};
use llano_machine::Fault;
pub use llano_machine::own;
pub use llano_machine::requests::{Requests, look};
use llano_machine::watch::TRAP_PERF;

const TRAP_DEBUG: u64 = 1;
const TRAP_BRKPT: u64 = 3;

impl Kernel {
    /// A SIGTRAP of a task. `false`: it is the guest's own.
    pub(crate) fn debug_trap(&mut self, tid: Tid, fault: &Fault) -> bool {
        let rip = self.task(tid).ctx.regs().rip;
        if fault.code == TRAP_PERF {
            self.watch_hit(tid, fault.addr);
            return true;
        }
        if fault.trapno == TRAP_DEBUG && own::park::take_stepped_out() {
            self.stop_with(DebugStop::Step(tid));
            return true;
        }
        if fault.trapno == TRAP_DEBUG
            && let Some(step) = self.debug.steps.iter().find(|s| s.tid == tid)
        {
            if !(step.range.0..step.range.1).contains(&rip) {
                self.stop_with(DebugStop::Step(tid));
            }
            return true;
        }
        if fault.trapno == TRAP_BRKPT && self.debug.breakpoints.has(self.task(tid).view, rip.wrapping_sub(1))
        {
            self.task_mut(tid).ctx.regs_mut().rip = rip - 1;
            self.stop_with(DebugStop::Breakpoint(tid));
            return true;
        }
        false
    }

    /// Before a signal is delivered: `true` if the debugger is to be asked first.
    pub(crate) fn debug_signal(&mut self, tid: Tid) -> bool {
        let Some(signo) = crate::signal::next(self, tid) else { return false };
        let asked = signo != crate::sigstate::sig::KILL && !self.debug.unseen.has(signo);
        if !asked || self.debug.passed == Some((tid, signo)) {
            return false;
        }
        self.stop_with(DebugStop::Signal(tid, signo));
        true
    }

    /// A task is about to enter a handler with these flags: a step that it makes ends at the handler's first instruction.
    pub(crate) fn debug_handler(&mut self, tid: Tid, flags: u64) {
        self.caught_handler(tid, flags);
        if self.debug.steps(tid) {
            resume::trap_flag(self, tid, false);
            self.stop_with(DebugStop::Step(tid));
        }
    }

    /// The list of images changed.
    pub(crate) fn images_changed(&mut self) {
        if self.debug.attached {
            self.debug.images_changed = true;
            self.debug.newcomer = self.tables.task(self.running).map_or(0, |t| t.pid);
            self.stop_requested = true;
        }
    }

    /// Makes the loop return with a debugger's stop.
    pub fn stop_with(&mut self, stop: DebugStop) {
        self.debug.stops.push_back(stop);
        self.stop_requested = true;
    }

    /// What the loop returns with, if it must: a list of images before everything else, so that what follows is shown with
    /// the right names.
    pub(crate) fn take_stop(&mut self) -> Option<Stop> {
        if self.deaths.next.is_some() || self.deaths.terminated {
            return Some(Stop::Death);
        }
        self.finished_calls();
        // A `rep` instruction under way is not through.
        if self.debug.crossing.is_none() {
            self.compare_watches();
        }
        if self.debug.stops.is_empty() {
            self.caught_returns();
        }
        let mut stop = None;
        if core::mem::take(&mut self.debug.images_changed) {
            self.renew_breakpoints();
            // A debugger that knows the list already need not be stopped.
            if self.debug.shown.is_none() || self.images_stale() {
                stop = self.stepping_task().map(DebugStop::Images);
            }
        }
        if stop.is_none()
            && let Some(first) = self.debug.stops.front().copied()
            && self.debug.attached
            && !core::mem::replace(&mut self.debug.told_images, true)
            && self.images_for(first)
        {
            stop = self.stepping_task().map(DebugStop::Images);
        }
        if stop.is_none()
            && let Some(first) = self.debug.stops.pop_front()
        {
            // Whatever else happened happens again, or is a request to stop, which this is.
            self.debug.stops.clear();
            self.debug.told_images = false;
            if let DebugStop::Signal(tid, signo) = first {
                self.debug.reported = Some((tid, signo));
            }
            if let DebugStop::CallOver(tid, nr) = first {
                self.show_returned(tid, nr);
            }
            stop = Some(first);
        }
        self.stop_requested = self.debug.images_changed || !self.debug.stops.is_empty() || self.debug.paused;
        match stop {
            Some(stop) => {
                self.end_resume();
                self.debug.attached.then_some(Stop::Debug(stop))
            }
            None => self.debug.paused.then_some(Stop::Paused),
        }
    }

    /// The process whose death was reported dies.
    pub fn let_die(&mut self, death: &Death) {
        self.exit_process(death.pid, death.info.signo);
    }

    /// Whether somebody wants the system to stand still.
    fn stands_still(&self) -> bool {
        (self.debug.held || self.debug.paused) && self.exit_status.is_none()
    }

    /// Answers requests of other threads until nobody wants the system to stand still.
    pub fn stand_still(&mut self) {
        if !self.stands_still() {
            return;
        }
        let since = llano_machine::clock::tsc();
        while self.stands_still() {
            let requests = self.requests.clone();
            if !requests.any() {
                requests.stand(&self.env.bell);
            }
            for request in requests.take() {
                request(self);
            }
        }
        self.requests.run_on();
        // The time that passed was nobody's.
        self.charged_at = llano_machine::clock::tsc();
        if self.trace.on() {
            self.trace.stop(since, self.charged_at, self.running as u32);
        }
        self.irq = true;
    }

    /// A debugger comes. Returns whether the system stands still already; else it will, with [`DebugStop::Request`].
    pub fn attach(&mut self) -> bool {
        self.debug.attached = true;
        if self.stands_still() {
            self.debug.held = true;
            return true;
        }
        self.request_stop();
        false
    }

    /// A debugger asks the system to stand still.
    pub fn request_stop(&mut self) {
        // It does already: the request crossed the word of a stop.
        if self.debug.held {
            return;
        }
        if let Some(tid) = self.any_task() {
            self.stop_with(DebugStop::Request(tid));
        }
    }

    /// A debugger leaves: as if it had never been there.
    pub fn detach(&mut self) {
        if let Some((tid, signo)) = self.debug.reported.take()
            && !self.debug.allowed.is_none_or(|allowed| allowed.has(signo))
        {
            self.withhold(tid, signo);
        }
        self.end_resume();
        self.remove_all_breakpoints();
        self.unshelve();
        self.leave_returned();
        // Calls that were stopped before they were made still are.
        let caught = core::mem::take(&mut self.debug.caught);
        let (held_back, frozen) =
            (core::mem::take(&mut self.debug.held_back), core::mem::take(&mut self.debug.frozen));
        let Debug { paused, inject, .. } = self.debug;
        self.debug = Debug { paused, caught, inject, held_back, frozen, ..Debug::default() };
        self.debug.note_busy();
        self.stop_requested = self.debug.paused;
    }

    /// The task to tell a list of images for: one that steps goes on stepping then, as gdb resumes whom it is told of.
    fn stepping_task(&self) -> Option<Tid> {
        self.debug.steps.first().map(|s| s.tid).or(self.any_task())
    }

    /// The task that tools look at first: the running one, else any.
    pub fn any_task(&self) -> Option<Tid> {
        self.sched.current.or_else(|| self.tables.tasks().next().map(|t| t.tid))
    }

    /// What a task is doing, for people: `running`, `blocked: futex 0x1234`.
    pub fn doing(&self, tid: Tid) -> String {
        let Some(task) = self.tables.task(tid) else { return "gone".to_string() };
        match task.state {
            State::Runnable if self.sched.current == Some(tid) => "running".to_string(),
            State::Runnable | State::Frozen => "runnable".to_string(),
            State::Blocked => match &task.wait {
                Some(wait) => alloc::format!("blocked: {}", wait.why),
                None => "blocked".to_string(),
            },
            State::Stopped => "stopped".to_string(),
            State::Dead => "dead".to_string(),
        }
    }
}
