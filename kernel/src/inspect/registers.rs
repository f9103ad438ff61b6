//! A task's registers as a debugger changes them, and the call it is in.
//!
//! A debugger that runs a function on a task which sleeps in a call says so as on Linux: it sets rip, and `orig_rax` to -1
//! ("no call to be restarted"). The call is put aside then, and taken up again when the old registers come back.

use crate::debug::Shelved;
use crate::kernel::Kernel;
use crate::task::State;
use crate::wait::Tid;

impl Kernel {
    /// To be called after a debugger changed a task's registers: keeps the call in progress in step with `orig_rax`.
    pub fn registers_written(&mut self, tid: Tid) {
        let Some(task) = self.tables.task_mut(tid) else { return };
        let orig = task.ctx.regs().orig_rax;
        if orig == u64::MAX
            && let Some(call) = task.call.take()
        {
            let progress = core::mem::take(&mut task.progress);
            task.wait = if task.state == State::Blocked { task.wait.take() } else { None };
            self.debug.shelved = Some(Shelved { tid, call, progress });
            if self.task(tid).state == State::Blocked {
                self.make_runnable(tid);
            }
        } else if self.debug.shelved.as_ref().is_some_and(|s| s.tid == tid && s.call.nr as u64 == orig) {
            self.unshelve();
        }
    }

    /// Takes a call that was put aside up again: it is retried when the task runs.
    pub(super) fn unshelve(&mut self) {
        let Some(shelved) = self.debug.shelved.take() else { return };
        if let Some(task) = self.tables.task_mut(shelved.tid)
            && task.call.is_none()
        {
            task.ctx.regs_mut().orig_rax = shelved.call.nr as u64;
            task.call = Some(shelved.call);
            task.progress = shelved.progress;
        }
    }
}
