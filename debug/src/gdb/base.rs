//! Registers, memory, and which threads there are.

use super::{Fatal, Target, errno, task};
use crate::arch::{General, Regs};
use gdbstub::common::Tid;
use gdbstub::target::TargetResult;
use gdbstub::target::ext::base::multithread::{MultiThreadBase, MultiThreadResumeOps};
use gdbstub::target::ext::thread_extra_info::ThreadExtraInfoOps;
use llano_kernel::error::Errno;
use std::num::NonZeroUsize;

impl MultiThreadBase for Target {
    fn read_registers(&mut self, regs: &mut Regs, tid: Tid) -> TargetResult<(), Self> {
        let tid = task(tid);
        if let Some(parked) = self.parked_registers(tid) {
            *regs = parked?;
            return Ok(());
        }
        *regs = self
            .ask(move |k| {
                let ctx = &mut k.tables.task_mut(tid)?.ctx;
                let f = ctx.regs();
                let general = General {
                    regs: f.regs,
                    rip: f.rip,
                    rflags: f.rflags,
                    orig_rax: f.orig_rax,
                    fs_base: ctx.fs_base(),
                    gs_base: ctx.gs_base(),
                };
                Some(Regs::pack(&general, ctx.xsave()))
            })?
            .ok_or_else(|| errno(Errno::ESRCH))?;
        Ok(())
    }

    fn write_registers(&mut self, regs: &Regs, tid: Tid) -> TargetResult<(), Self> {
        if !regs.bases_fit() {
            return Err(errno(Errno::EIO));
        }
        let (tid, regs) = (task(tid), regs.clone());
        if let Some(done) = self.write_parked_registers(&regs, tid) {
            return done;
        }
        self.ask(move |k| {
            let ctx = &mut k.tables.task_mut(tid)?.ctx;
            let general = regs.general();
            let f = ctx.regs_mut();
            f.regs = general.regs;
            f.rip = general.rip;
            f.rflags = general.rflags;
            f.orig_rax = general.orig_rax;
            ctx.set_fs_base(general.fs_base);
            ctx.set_gs_base(general.gs_base);
            regs.unpack_vector(ctx.xsave_mut());
            k.registers_written(tid);
            Some(())
        })?
        .ok_or_else(|| errno(Errno::ESRCH))
    }

    fn read_addrs(&mut self, start: u64, data: &mut [u8], tid: Tid) -> TargetResult<usize, Self> {
        if let Some(read) = self.parked_read(start, data) {
            return read;
        }
        self.read_memory(task(tid), start, data)
    }

    fn write_addrs(&mut self, start: u64, data: &[u8], tid: Tid) -> TargetResult<(), Self> {
        if let Some(done) = self.parked_write(start, data) {
            return done;
        }
        let (data, tid) = (data.to_vec(), task(tid));
        self.ask(move |k| k.poke_as(tid, start, &data))?.map_err(errno)
    }

    fn list_active_threads(&mut self, thread_is_active: &mut dyn FnMut(Tid)) -> Result<(), Fatal> {
        // The reply to `?` names the first thread: that of the last stop.
        let mut tids = self.tids();
        let first = self.stop().map(|s| s.tid()).and_then(|s| tids.iter().position(|t| *t == s)).unwrap_or(0);
        if !tids.is_empty() {
            tids.swap(0, first);
        }
        tids.iter().filter_map(|t| NonZeroUsize::new(*t as usize)).for_each(thread_is_active);
        Ok(())
    }

    fn support_resume(&mut self) -> Option<MultiThreadResumeOps<'_, Self>> {
        Some(self)
    }

    fn support_thread_extra_info(&mut self) -> Option<ThreadExtraInfoOps<'_, Self>> {
        Some(self)
    }
}

impl Target {
    fn tids(&self) -> Vec<i32> {
        if let Some(tasks) = self.parked_tasks() {
            return tasks.iter().map(|t| t.tid).collect();
        }
        self.ask(|k| k.tables.tasks().map(|t| t.tid).collect()).unwrap_or_default()
    }
}
