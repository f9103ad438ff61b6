//! System calls that a debugger wants to see: a stop before the kernel makes the call, and one when it is over.
//!
//! Both show what ptrace(2) shows: rip behind the instruction, the number in `orig_rax`, in rax `ENOSYS` before and the
//! result after. What the debugger writes to the registers before the call is the call that is made; a number of -1 is none.
//! A call that sleeps and is tried again is one call. One that a signal interrupts returns with `ERESTARTSYS`, before the
//! signal is seen, and is made again if no handler without `SA_RESTART` ran.

use crate::debug::{Catch, Caught, DebugStop, Phase};
use crate::error::Errno;
use crate::kernel::Kernel;
use crate::syscall;
use crate::wait::{OnSignal, Tid};
use llano_machine::cpu::reg;

/// What a call returns inside Linux that a signal interrupted and that may be made again (include/linux/errno.h).
const ERESTARTSYS: i64 = -512;
const NO_CALL: u64 = u64::MAX;
const SA_RESTART: u64 = 0x1000_0000;

impl Kernel {
    /// From now on these calls are seen, those that tasks sleep in included.
    pub fn catch_calls(&mut self, catch: Catch) {
        for task in self.tables.tasks() {
            let Some(call) = &task.call else { continue };
            if catch.has(call.nr as u64) && self.debug.caught_mut(task.tid).is_none() {
                self.debug.caught.push(Caught { tid: task.tid, nr: call.nr as u64, phase: Phase::Made });
            }
        }
        // Nobody waits for the end of the others. One that is over is told, as gdb may say the same again in between.
        let tables = &self.tables;
        let sleeps = |tid| tables.task(tid).is_some_and(|t| t.call.is_some());
        self.debug.caught.retain(|c| c.phase != Phase::Made || catch.has(c.nr) || !sleeps(c.tid));
        self.debug.catch = catch;
        self.debug.note_busy();
    }

    /// A task is about to make a call. `true`: the debugger sees it first.
    pub(crate) fn debug_call(&mut self, tid: Tid) -> bool {
        let regs = self.tables.task_mut(tid).map(|t| t.ctx.regs_mut());
        let Some(regs) = regs else { return false };
        // The number is an int: what stands above it is not looked at.
        let nr = u64::from(regs.regs[reg::RAX] as u32);
        if !self.debug.catch.has(nr) {
            return false;
        }
        regs.orig_rax = nr;
        regs.regs[reg::RAX] = Errno::ENOSYS.result() as u64;
        self.debug.caught.push(Caught { tid, nr, phase: Phase::Before });
        self.stop_with(DebugStop::Call(tid, nr));
        true
    }

    /// Goes on with what a task was stopped in the middle of. `false`: it does not run now.
    pub(crate) fn debug_go_on(&mut self, tid: Tid) -> bool {
        let Some(caught) = self.debug.caught_mut(tid) else { return true };
        let Some(task) = self.tables.task_mut(tid) else { return true };
        match caught.phase {
            Phase::Before => {
                let regs = task.ctx.regs_mut();
                let nr = core::mem::replace(&mut regs.orig_rax, NO_CALL);
                if nr == NO_CALL {
                    // Skipped: what the debugger left in rax is the result.
                    self.debug.drop_caught(tid);
                    return true;
                }
                (caught.nr, caught.phase) = (nr, Phase::Made);
                regs.regs[reg::RAX] = nr;
                syscall::enter(self, tid);
                false
            }
            Phase::Made | Phase::Interrupted => true,
        }
    }

    /// A task goes to its program: a call that a signal interrupted, and no handler ended, is made again.
    pub(crate) fn debug_to_user(&mut self, tid: Tid) {
        if self.debug.caught_mut(tid).is_some_and(|c| c.phase == Phase::Interrupted) {
            self.settle_interrupted(tid, true);
        }
    }

    /// A call that slept was tried again and is over. `true`: the debugger sees that first.
    pub(crate) fn debug_sees_end(&mut self, tid: Tid) -> bool {
        let seen = self.debug.caught_mut(tid).is_some_and(|c| c.phase == Phase::Made);
        if seen && let Some(task) = self.tables.task_mut(tid) {
            task.attention = true;
        }
        seen
    }

    /// A caught call is about to be interrupted by a signal: it returns first. `false`: there is none, or signals cannot.
    pub(crate) fn debug_interrupted(&mut self, tid: Tid, on_signal: Option<OnSignal>) -> bool {
        if crate::signal::next(self, tid).is_none() {
            return false;
        }
        let made = self.debug.caught_mut(tid).filter(|c| c.phase == Phase::Made);
        let (Some(caught), Some(task)) = (made, self.tables.task_mut(tid)) else { return false };
        let Some(call) = task.call else { return false };
        let done = task.progress.done as i64;
        if done > 0 || on_signal != Some(OnSignal::Restart) {
            let result = if done > 0 { done } else { Errno::EINTR.result() };
            self.finish_call(tid, result);
            return true;
        }
        caught.phase = Phase::Interrupted;
        let nr = caught.nr;
        self.abandon_call(tid);
        let regs = self.task_mut(tid).ctx.regs_mut();
        regs.regs[reg::RAX] = ERESTARTSYS as u64;
        regs.orig_rax = call.nr as u64;
        self.stop_with(DebugStop::CallOver(tid, nr));
        true
    }

    /// What becomes of a call that returned with `ERESTARTSYS`: it is made again, or a handler's flags say that it failed.
    fn settle_interrupted(&mut self, tid: Tid, again: bool) {
        self.debug.drop_caught(tid);
        let regs = self.task_mut(tid).ctx.regs_mut();
        let nr = core::mem::replace(&mut regs.orig_rax, NO_CALL);
        if nr == NO_CALL || regs.regs[reg::RAX] != ERESTARTSYS as u64 {
            return; // the debugger gave it another result
        }
        if again {
            regs.rip -= 2;
            regs.regs[reg::RAX] = nr;
        } else {
            regs.regs[reg::RAX] = Errno::EINTR.result() as u64;
        }
    }

    /// A handler is about to run in a task.
    pub(super) fn caught_handler(&mut self, tid: Tid, flags: u64) {
        if self.debug.caught_mut(tid).is_some_and(|c| c.phase == Phase::Interrupted) {
            self.settle_interrupted(tid, flags & SA_RESTART != 0);
        }
    }

    /// A caught call that is over becomes the next stop.
    pub(super) fn caught_returns(&mut self) {
        let over =
            |c: &Caught| c.phase == Phase::Made && self.tables.task(c.tid).is_some_and(|t| t.call.is_none());
        let Some(&Caught { tid, nr, .. }) = self.debug.caught.iter().find(|c| over(c)) else { return };
        self.debug.drop_caught(tid);
        if self.debug.steps(tid) || !self.debug.catch.has(nr) {
            return; // the end of a step is told by the step
        }
        self.debug.stops.push_back(DebugStop::CallOver(tid, nr));
    }

    /// A task is shown behind its call. After rt_sigreturn `orig_rax` is that of no call, as on Linux.
    pub(super) fn show_returned(&mut self, tid: Tid, nr: u64) {
        if nr != llano_abi::syscalls::nr::RT_SIGRETURN as u64
            && let Some(task) = self.tables.task_mut(tid)
        {
            task.ctx.regs_mut().orig_rax = nr;
            self.debug.returned = Some(tid);
        }
    }

    /// The task that stood behind its call runs on: it is in no call.
    pub(super) fn leave_returned(&mut self) {
        if let Some(tid) = self.debug.returned.take()
            && let Some(task) = self.tables.task_mut(tid)
            && task.call.is_none()
            && self.debug.caught.iter().all(|c| c.tid != tid)
        {
            task.ctx.regs_mut().orig_rax = NO_CALL;
        }
    }
}
