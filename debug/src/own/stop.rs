//! Being told of a stop in llano's own code, running on from it, interrupting a kernel that hangs, leaving.

use super::{rip, signal_of};
use crate::gdb::Target;
use crate::server::Inbox;
use crate::session::Reason;
use crate::signals::to_gdb;
use gdbstub::common::Signal;
use gdbstub::stub::MultiThreadStopReason;
use llano_kernel::Kernel;
use llano_kernel::inspect::own::park::{self, Why};
use llano_kernel::inspect::own::points;
use llano_kernel::inspect::{Action, Resume};
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long the kernel may take to answer the doorbell before it is stopped where it is.
const DOORBELL: Duration = Duration::from_secs(1);
/// llano's status after a debugger's `kill`: as of a process that SIGKILL ended.
const KILLED: i32 = 128 + 9;

impl Target {
    /// A debugger comes: kernel code stops for it from now on.
    pub(crate) fn arm(&self, inbox: &Inbox) {
        park::arm(inbox.ringer());
        if let Some(panic) = self.own.panic {
            let _ = points::insert(panic);
        }
    }

    /// A debugger leaves: llano's own code is as it was, the vCPU runs on, and the kernel is told.
    pub(crate) fn leave(&self, detach: impl FnOnce(&mut Kernel) + Send + 'static) {
        park::disarm();
        let (tx, rx) = std::sync::mpsc::channel();
        self.post(move |k| {
            detach(k);
            let _ = tx.send(());
        });
        park::resume(None);
        // Waiting for it keeps a debugger that comes next from meeting this one's end.
        let _ = rx.recv_timeout(DOORBELL);
    }

    /// A debugger ends llano; it does so by itself unless it hangs, or is broken.
    pub(crate) fn kill(&self, end: impl FnOnce(&mut Kernel) + Send + 'static) {
        if self.own.broken.is_some() {
            park::end(KILLED);
        }
        park::disarm();
        let (tx, rx) = std::sync::mpsc::channel();
        self.post(move |k| {
            end(k);
            let _ = tx.send(());
        });
        park::resume(None);
        if rx.recv_timeout(DOORBELL).is_err() {
            park::end(KILLED);
        }
    }

    /// Asks the system to stand still, by force if it does not answer.
    pub(crate) fn interrupt(&mut self, inbox: &Inbox) {
        self.own.interrupted.store(true, Ordering::Relaxed);
        let wanted = self.own.interrupted.clone();
        self.post(move |k| {
            if wanted.swap(false, Ordering::Relaxed) {
                k.request_stop();
            }
        });
        self.insist(inbox);
    }

    /// Stops the vCPU in kernel code if it does not tell anything within a second.
    pub(crate) fn insist(&self, inbox: &Inbox) {
        if !inbox.wait_for(DOORBELL) {
            park::force(self.vcpu());
        }
    }

    /// The vCPU is parked: what to tell the debugger.
    pub(crate) fn parked(&mut self, why: Why) -> Reason {
        let signal = signal_of(why, self.panics());
        self.own.interrupted.store(false, Ordering::Relaxed);
        self.own.broken = signal.and_then(|_| rip());
        let thread = self.parked_thread().unwrap_or(1);
        self.note_parked(thread);
        let tid = NonZeroUsize::new(thread as usize).unwrap_or(NonZeroUsize::MIN);
        match (why, signal) {
            (_, Some(signal)) => MultiThreadStopReason::SignalWithThread { tid, signal: to_gdb(signal) },
            (Why::Breakpoint, _) => MultiThreadStopReason::SwBreak(tid),
            (Why::Interrupt, _) => MultiThreadStopReason::SignalWithThread { tid, signal: Signal::SIGINT },
            _ => MultiThreadStopReason::SignalWithThread { tid, signal: Signal::SIGTRAP },
        }
    }

    /// The system stopped in the usual way: what was under way in llano's own code is over.
    pub(crate) fn stands(&mut self) {
        self.own.interrupted.store(false, Ordering::Relaxed);
        park::forget_step();
    }

    /// Runs on as the debugger planned, if the vCPU is parked; gives the plan back if it is not.
    pub(crate) fn resume_parked(&mut self, plan: Resume) -> Option<Resume> {
        let Some(thread) = self.parked_thread() else {
            self.own.planned = plan.locked || plan.actions.iter().any(|a| a.step.is_some());
            return Some(plan);
        };
        if self.own.broken.is_some() && self.own.broken == rip() {
            // Not before the debugger was told: there is no time after.
            self.own.dying = true;
            return None;
        }
        let step = plan.actions.iter().find(|a| a.tid == thread).and_then(|a| a.step);
        let others: Vec<Action> = plan.actions.into_iter().filter(|a| a.tid != thread).collect();
        let others_step = others.iter().any(|a| a.step.is_some());
        if std::mem::take(&mut self.own.planned) {
            self.post(Kernel::end_resume);
        }
        if step.is_none() && (others_step || plan.locked) {
            self.own.planned = true;
            let mut actions = others;
            if !others_step {
                actions.push(Action { tid: thread, step: None, signal: None });
            }
            let plan = Resume { actions, locked: plan.locked };
            self.post(move |k| k.run_on(plan));
        }
        park::resume(step.map(|(start, end)| start..end));
        None
    }

    /// Llano's own code is as it was, and runs on, even to its end.
    pub(crate) fn unpark(&self) {
        park::disarm();
        park::resume(None);
    }
}
