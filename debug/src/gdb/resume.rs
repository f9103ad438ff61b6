//! Running on: freely or by steps, all or one.

use super::{Fatal, Target, task};
use crate::signals::from_gdb;
use gdbstub::common::{Signal, Tid};
use gdbstub::target::ext::base::multithread::{
    MultiThreadRangeStepping, MultiThreadRangeSteppingOps, MultiThreadResume, MultiThreadSchedulerLocking,
    MultiThreadSchedulerLockingOps, MultiThreadSingleStep, MultiThreadSingleStepOps,
};
use llano_kernel::inspect::{Action, Resume};

impl Target {
    fn plan(&mut self, tid: Tid, step: Option<(u64, u64)>, signal: Option<Signal>) {
        let tid = task(tid);
        // As in the packet: the first action that matches a thread counts.
        if self.plan.actions.iter().all(|a| a.tid != tid) {
            self.plan.actions.push(Action { tid, step, signal: signal.and_then(from_gdb) });
        }
    }
}

impl MultiThreadResume for Target {
    fn resume(&mut self) -> Result<(), Fatal> {
        let plan = std::mem::take(&mut self.plan);
        if let Some(plan) = self.resume_parked(plan) {
            self.post(move |k| k.run_on(plan));
        }
        Ok(())
    }

    fn clear_resume_actions(&mut self) -> Result<(), Fatal> {
        self.plan = Resume::default();
        Ok(())
    }

    fn set_resume_action_continue(&mut self, tid: Tid, signal: Option<Signal>) -> Result<(), Fatal> {
        self.plan(tid, None, signal);
        Ok(())
    }

    fn support_single_step(&mut self) -> Option<MultiThreadSingleStepOps<'_, Self>> {
        Some(self)
    }

    fn support_range_step(&mut self) -> Option<MultiThreadRangeSteppingOps<'_, Self>> {
        Some(self)
    }

    fn support_scheduler_locking(&mut self) -> Option<MultiThreadSchedulerLockingOps<'_, Self>> {
        Some(self)
    }
}

impl MultiThreadSingleStep for Target {
    fn set_resume_action_step(&mut self, tid: Tid, signal: Option<Signal>) -> Result<(), Fatal> {
        self.plan(tid, Some((0, 0)), signal);
        Ok(())
    }
}

impl MultiThreadRangeStepping for Target {
    fn set_resume_action_range_step(&mut self, tid: Tid, start: u64, end: u64) -> Result<(), Fatal> {
        self.plan(tid, Some((start, end)), None);
        Ok(())
    }
}

impl MultiThreadSchedulerLocking for Target {
    fn set_resume_action_scheduler_lock(&mut self) -> Result<(), Fatal> {
        self.plan.locked = true;
        Ok(())
    }
}
