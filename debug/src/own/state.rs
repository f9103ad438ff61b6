//! Registers, memory, threads and breakpoints while the vCPU is parked. `None`: it is not, ask it.

use super::rip;
use crate::arch::{General, Regs};
use crate::gdb::{Target, errno};
use gdbstub::target::TargetResult;
use llano_kernel::error::{Errno, host};
use llano_kernel::inspect::own::park::{self, Cpu};
use llano_kernel::inspect::own::points;
use llano_kernel::inspect::parked::{self, ParkedTask};

const INT3: u8 = 0xcc;

impl Target {
    /// The thread whose registers the parked vCPU's are: the current task's, or the first there is.
    pub(super) fn parked_thread(&self) -> Option<i32> {
        park::parked().then(|| parked::current().or_else(|| Some(parked::tasks().first()?.tid)).unwrap_or(1))
    }

    /// A thread's registers.
    pub(crate) fn parked_registers(&self, tid: i32) -> Option<TargetResult<Regs, Self>> {
        let own = self.parked_thread()? == tid;
        let cpu = if own { park::registers() } else { park::user_registers(tid) };
        Some(cpu.map(|cpu| pack(&cpu)).ok_or_else(|| errno(Errno::ESRCH)))
    }

    /// Changes them.
    pub(crate) fn write_parked_registers(&mut self, regs: &Regs, tid: i32) -> Option<TargetResult<(), Self>> {
        let own = self.parked_thread()? == tid;
        let cpu = if own { park::registers() } else { park::user_registers(tid) };
        let Some(mut cpu) = cpu else { return Some(Err(errno(Errno::ESRCH))) };
        let general = regs.general();
        cpu.registers.regs = general.regs;
        cpu.registers.rip = general.rip;
        cpu.registers.rflags = general.rflags;
        cpu.orig_rax = general.orig_rax;
        regs.unpack_vector(&mut cpu.xsave);
        if own {
            park::set_registers(&cpu);
        } else {
            let _ = park::set_user_registers(tid, &cpu);
            self.post(move |k| k.registers_written(tid));
        }
        Some(Ok(()))
    }

    /// Reads memory as it is mapped now.
    pub(crate) fn parked_read(&self, start: u64, data: &mut [u8]) -> Option<TargetResult<usize, Self>> {
        if !park::parked() {
            return None;
        }
        Some(
            points::read(start, data)
                .map_err(|e| errno(host(e)))
                .inspect(|n| self.hide(start, &mut data[..*n])),
        )
    }

    /// Breakpoints in programs never show.
    fn hide(&self, start: u64, data: &mut [u8]) {
        for (at, byte) in self.own.programs.range(start..start.saturating_add(data.len() as u64)) {
            let seen = &mut data[(at - start) as usize];
            if *seen == INT3 {
                *seen = *byte;
            }
        }
    }

    /// Writes memory as it is mapped now.
    pub(crate) fn parked_write(&mut self, start: u64, data: &[u8]) -> Option<TargetResult<(), Self>> {
        park::parked().then(|| points::write(start, data).map_err(|e| errno(host(e))))
    }

    /// All threads.
    pub(crate) fn parked_tasks(&self) -> Option<Vec<ParkedTask>> {
        let thread = self.parked_thread()?;
        let mut tasks = parked::tasks();
        if tasks.is_empty() {
            let (name, doing) = (b"llano".to_vec(), "in the kernel".to_string());
            tasks.push(ParkedTask { tid: thread, pid: thread, name, doing });
        }
        Some(tasks)
    }

    /// A breakpoint in llano's own code, or in a program while the vCPU is parked.
    pub(crate) fn insert_own_breakpoint(&mut self, addr: u64) -> Option<TargetResult<bool, Self>> {
        if points::contains(addr) {
            // Where there can be none it would never stop: as good as one that is never hit.
            return Some(points::insert(addr).map(|_| true).map_err(|e| errno(host(e))));
        }
        let mut byte = [0];
        if points::read(addr, &mut byte).is_ok() && byte[0] != INT3 {
            self.own.programs.insert(addr, byte[0]);
        }
        park::parked().then(|| {
            let tid = self.selected().unwrap_or_default();
            self.post(move |k| _ = k.insert_breakpoint(tid, addr));
            Ok(true)
        })
    }

    /// Takes it away.
    pub(crate) fn remove_own_breakpoint(&mut self, addr: u64) -> Option<TargetResult<bool, Self>> {
        if points::contains(addr) {
            return Some(match Some(addr) == self.own.panic {
                true => Ok(true),
                false => points::remove(addr).map(|()| true).map_err(|e| errno(host(e))),
            });
        }
        park::parked().then(|| {
            self.post(move |k| k.remove_breakpoint(addr));
            Ok(true)
        })
    }

    /// Whether the vCPU stands where a panic begins.
    pub(super) fn panics(&self) -> bool {
        self.own.panic.is_some() && self.own.panic == rip()
    }
}

fn pack(cpu: &Cpu) -> Regs {
    let general = General {
        regs: cpu.registers.regs,
        rip: cpu.registers.rip,
        rflags: cpu.registers.rflags,
        orig_rax: cpu.orig_rax,
        fs_base: cpu.fs_base,
        gs_base: cpu.gs_base,
    };
    Regs::pack(&general, &cpu.xsave)
}
