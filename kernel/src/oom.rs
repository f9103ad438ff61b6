//! Running out of memory: resident pages are counted as the host counts them; above the limit the largest process is
//! killed, with a report of who had what.

use crate::kernel::{Kernel, log};
use crate::mm::Mm;
use crate::sigstate::{SigInfo, code, sig};
use crate::task::Pid;
use crate::time::SECOND;
use crate::wait::Tid;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use llano_machine::{clock, host, overlay};
use llano_trace::record::Counter;

/// How often memory is looked at, in ticks.
const EVERY: u64 = 4;

/// Resident bytes of an address space.
pub fn resident(mm: &Mm) -> u64 {
    overlay::resident(mm.vmas.values().filter(|v| v.prot != 0).map(|v| v.start..v.end))
}

/// Resident bytes of whole pages of guest space.
pub fn resident_range(start: u64, end: u64) -> u64 {
    overlay::resident(core::iter::once(start..end))
}

impl Kernel {
    /// Bytes of RAM in use: what is resident beyond llano itself and its trace ring.
    pub fn used_ram(&self) -> u64 {
        host::resident_bytes().saturating_sub(self.baseline + self.trace.memory())
    }

    /// Notes how much memory the task's process has resident, for getrusage(2). What cannot be touched has no pages.
    pub fn note_resident(&mut self, tid: Tid) {
        let now = resident(&self.task(tid).mm.borrow());
        let usage = &mut self.process_of_mut(tid).own_usage;
        usage.max_rss = usage.max_rss.max(now);
    }

    /// Looks at memory and load with the tick.
    pub(crate) fn check_memory(&mut self) {
        self.ticks += 1;
        if !self.ticks.is_multiple_of(EVERY) {
            return;
        }
        let used = self.used_ram();
        if self.trace.on() {
            self.trace.counter(clock::tsc(), Counter::Memory, 0, used as i64);
        }
        if used > self.ram {
            self.space.clear_shelf(0);
            if self.used_ram() > self.ram {
                self.out_of_memory();
            }
        }
    }

    /// Ends the process with the most memory and says why.
    fn out_of_memory(&mut self) {
        let mut sizes: Vec<(u64, Pid)> = Vec::new();
        let mut seen: Vec<Rc<_>> = Vec::new();
        for task in self.tables.tasks() {
            if !seen.iter().any(|mm| Rc::ptr_eq(mm, &task.mm)) {
                seen.push(task.mm.clone());
                sizes.push((resident(&task.mm.borrow()), task.pid));
            }
        }
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let Some(&(size, victim)) = sizes.first() else { return };
        let list: Vec<String> =
            sizes.iter().take(5).map(|(s, p)| format!("{} {} MiB", self.label(*p), s >> 20)).collect();
        let report = format!(
            "out of memory: {} MiB of RAM (--mem) are used up, {} MiB by files in RAM; killed {} ({} MiB); largest: {}",
            self.ram >> 20,
            self.env.pool.borrow().used() >> 20,
            self.label(victim),
            size >> 20,
            list.join(", ")
        );
        log!(self, INFO, "mm", "{report}");
        self.reports.push(report);
        crate::signal::send_to_process(self, victim, SigInfo::new(sig::KILL, code::SI_KERNEL));
    }

    fn label(&self, pid: Pid) -> String {
        let name = self.tables.task(pid).map(|t| String::from_utf8_lossy(t.name()).into_owned());
        format!("{pid} ({})", name.unwrap_or_default())
    }

    /// Brings the load averages up to now (proc(5), loadavg).
    pub fn update_load(&mut self) {
        // Decay over five seconds for 1, 5 and 15 minutes, times 2^16, as Linux's EXP_1, EXP_5, EXP_15.
        const DECAY: [u64; 3] = [60_296, 64_452, 65_173];
        let (mut loads, mut at) = self.load;
        let active = (self.sched.len() as u64) << 16;
        let now = self.now();
        let mut steps = 0;
        while at + 5 * SECOND <= now && steps < 1000 {
            for (load, decay) in loads.iter_mut().zip(DECAY) {
                *load = (*load * decay + active * (65_536 - decay)) >> 16;
            }
            at += 5 * SECOND;
            steps += 1;
        }
        self.load = (loads, if steps == 1000 { now } else { at });
    }
}
