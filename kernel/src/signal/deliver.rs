//! Before a task returns to its program: signals are taken and acted on, an interrupted call is ended or restarted.

use super::{Default, default_action, deliverable, frame};
use crate::error::Errno;
use crate::kernel::Kernel;
use crate::sigstate::{SIG_DFL, SIG_IGN, SigAction, SigInfo, SigSet, code, sig};
use crate::task::State;
use crate::task::process::Report;
use crate::wait::{OnSignal, Tid};
use llano_machine::clock;
use llano_machine::cpu::reg;

const SA_NODEFER: u64 = 0x4000_0000;
const SA_RESETHAND: u64 = 0x8000_0000;
const SA_RESTART: u64 = 0x1000_0000;

/// What became of the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing (more) to deliver.
    Done,
    /// A handler's frame was set up: the call that was interrupted is over.
    Handled,
    /// It was stopped, or it is dead, or a debugger is to be asked first.
    Gone,
}

/// The signal's action in this task, as (what, the handler).
fn action_of(k: &Kernel, tid: Tid, signo: i32) -> (Option<Default>, SigAction) {
    let action = *k.task(tid).sighand.borrow().get(signo);
    let what = match action.handler {
        SIG_DFL => Some(default_action(signo)),
        SIG_IGN => Some(Default::Ignore),
        _ => None,
    };
    (what, action)
}

/// Takes the next pending signal of `wanted`: the thread's own first.
pub fn take(k: &mut Kernel, tid: Tid, wanted: SigSet) -> Option<SigInfo> {
    let own = k.task_mut(tid).pending.pop(wanted);
    let mut info = own.or_else(|| k.process_of_mut(tid).pending.pop(wanted))?;
    k.timer_signal_taken(tid, &mut info);
    Some(info)
}

/// Delivers what is pending. `interrupted`: how the call in progress takes an interruption, if one is.
pub fn deliver(k: &mut Kernel, tid: Tid, mut interrupted: Option<OnSignal>) -> Outcome {
    let mut outcome = Outcome::Done;
    while deliverable(k, tid).0 != 0 {
        if k.debug.attached && k.debug_signal(tid) {
            k.task_mut(tid).attention = true;
            return Outcome::Gone;
        }
        let unblocked = SigSet(!k.task(tid).sigmask.0);
        let Some(info) = take(k, tid, unblocked) else { break };
        k.debug.passed = None;
        let (what, action) = action_of(k, tid, info.signo);
        match what {
            Some(Default::Ignore | Default::Continue) => {}
            Some(Default::Stop) => {
                if stop(k, tid, info.signo) {
                    return Outcome::Gone;
                }
            }
            Some(Default::Kill(core)) => {
                k.killed_by(tid, &info, core);
                return Outcome::Gone;
            }
            None => {
                if let Some(on_signal) = interrupted.take() {
                    end_call(k, tid, on_signal, action.flags & SA_RESTART != 0);
                }
                if !run_handler(k, tid, &info, &action) {
                    return Outcome::Gone;
                }
                outcome = Outcome::Handled;
            }
        }
    }
    outcome
}

/// A handler will run: the interrupted call ends with `EINTR`, or is made again when the handler returns.
fn end_call(k: &mut Kernel, tid: Tid, on_signal: OnSignal, restart: bool) {
    let task = k.task_mut(tid);
    let Some(call) = task.call else { return };
    if task.progress.done > 0 {
        let done = task.progress.done as i64;
        k.finish_call(tid, done);
    } else if on_signal == OnSignal::Restart && restart {
        let regs = task.ctx.regs_mut();
        regs.rip -= 2; // both `syscall` and `int 0x80` are two bytes
        regs.regs[reg::RAX] = call.nr as u64;
        k.abandon_call(tid);
    } else {
        k.finish_call(tid, Errno::EINTR.result());
    }
}

/// Sets up the handler; `false` if there was no stack for it and the task was killed.
fn run_handler(k: &mut Kernel, tid: Tid, info: &SigInfo, action: &SigAction) -> bool {
    k.debug_handler(tid, action.flags);
    let task = k.task_mut(tid);
    let old_mask = task.saved_sigmask.take().unwrap_or(task.sigmask);
    if frame::push(task, info, action, old_mask).is_err() {
        // As Linux: a frame that cannot be written is a SIGSEGV that cannot be handled.
        if info.signo == sig::SEGV {
            task.sighand.borrow_mut().get_mut(sig::SEGV).handler = SIG_DFL;
        }
        force(k, tid, SigInfo::new(sig::SEGV, code::SI_KERNEL));
        let info = SigInfo::new(sig::SEGV, code::SI_KERNEL);
        k.killed_by(tid, &info, true);
        return false;
    }
    let mut mask = SigSet(task.sigmask.0 | action.mask);
    if action.flags & SA_NODEFER == 0 {
        mask = mask.with(info.signo);
    }
    task.sigmask = SigSet(mask.0 & !SigSet::UNBLOCKABLE.0);
    if action.flags & SA_RESETHAND != 0 {
        task.sighand.borrow_mut().get_mut(info.signo).handler = SIG_DFL;
    }
    if k.trace.on() {
        k.trace.signal_delivered(clock::tsc(), tid as u32, info.signo as u32, action.handler);
    }
    true
}

/// A fault's signal cannot be blocked or ignored: if it is, the default action applies (force_sig).
pub fn force(k: &mut Kernel, tid: Tid, info: SigInfo) {
    let task = k.task_mut(tid);
    {
        let mut hand = task.sighand.borrow_mut();
        let action = hand.get_mut(info.signo);
        if action.handler == SIG_IGN || task.sigmask.has(info.signo) {
            action.handler = SIG_DFL;
        }
    }
    task.sigmask = task.sigmask.without(info.signo);
    task.pending.push(info);
    task.attention = true;
}

/// Job control: stops the whole process. `false`: an orphaned group is not stopped from the terminal.
fn stop(k: &mut Kernel, tid: Tid, signo: i32) -> bool {
    let pid = k.task(tid).pid;
    if signo != sig::STOP && k.orphaned_group(k.process_of(tid).pgid) {
        return false;
    }
    let process = k.process_of_mut(tid);
    process.stopped = true;
    process.report = Report::Stopped(signo);
    for t in process.threads.clone() {
        match k.task(t).state {
            State::Runnable => k.set_state(t, State::Stopped),
            // A sleeper stops when it wakes.
            _ => k.task_mut(t).attention = true,
        }
    }
    k.notify_parent(pid, code::CLD_STOPPED, signo);
    true
}
