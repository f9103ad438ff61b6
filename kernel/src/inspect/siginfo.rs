//! What a debugger reads as `$_siginfo`, and writes.
//!
//! A signal that was reported still waits in its queue, so what is written there is what the task's handler gets. Stops that
//! are no signals of the guest's show what ptrace(2) shows on Linux. What is written then counts if the debugger lets the
//! task have that very signal, as it does after it called a function of a task that a signal had stopped.

use crate::debug::DebugStop;
use crate::error::{Errno, Result};
use crate::kernel::Kernel;
use crate::sigstate::{SigInfo, code, sig};
use crate::wait::Tid;
use zerocopy::{FromBytes, IntoBytes};

/// Bytes of a `siginfo_t`.
pub const SIZE: usize = size_of::<SigInfo>();

/// `si_code` of a step (sigaction(2)).
const TRAP_TRACE: i32 = 2;
/// Of a watchpoint.
const TRAP_HWBKPT: i32 = 4;

impl Kernel {
    /// The signal that waits for the debugger's word, if it is this task's.
    fn reported_info(&mut self, tid: Tid) -> Option<&mut SigInfo> {
        let (_, signo) = self.debug.reported.filter(|(t, _)| *t == tid)?;
        if self.tables.task(tid)?.pending.set.has(signo) {
            return self.task_mut(tid).pending.first_mut(signo);
        }
        self.process_of_mut(tid).pending.first_mut(signo)
    }

    /// The `siginfo_t` of a task at the last stop.
    ///
    /// # Errors
    /// `ESRCH`: no such task, or not the one that stopped.
    pub fn siginfo(&mut self, tid: Tid, stop: DebugStop) -> Result<[u8; SIZE]> {
        let rip = self.tables.task(tid).ok_or(Errno::ESRCH)?.ctx.regs().rip;
        let info = match self.debug.written {
            Some((t, info)) if t == tid => info,
            _ => match (self.reported_info(tid), stop) {
                (Some(info), _) => *info,
                _ if stop.tid() != tid => return Err(Errno::ESRCH),
                (_, DebugStop::Signal(_, signo)) => SigInfo::new(signo, code::SI_USER),
                (_, DebugStop::Request(_)) => SigInfo::new(sig::INT, code::SI_USER),
                (_, DebugStop::Step(_)) => SigInfo::at(sig::TRAP, TRAP_TRACE, rip),
                (_, DebugStop::Watch(..)) => SigInfo::at(sig::TRAP, TRAP_HWBKPT, rip),
                (_, DebugStop::Breakpoint(_)) => SigInfo::new(sig::TRAP, code::SI_KERNEL),
                // As PTRACE_SYSCALL's and the like, the code is the signal again.
                _ => SigInfo::new(sig::TRAP, sig::TRAP),
            },
        };
        let mut bytes = [0; SIZE];
        bytes.copy_from_slice(info.as_bytes());
        Ok(bytes)
    }

    /// Changes it.
    ///
    /// # Errors
    /// As [`Kernel::siginfo`].
    pub fn set_siginfo(&mut self, tid: Tid, stop: DebugStop, bytes: &[u8; SIZE]) -> Result<()> {
        let new = SigInfo::read_from_bytes(bytes).map_err(|_| Errno::EINVAL)?;
        if let Some(info) = self.reported_info(tid)
            && info.signo == new.signo
        {
            *info = new;
            return Ok(());
        }
        if stop.tid() != tid || self.tables.task(tid).is_none() {
            return Err(Errno::ESRCH);
        }
        self.debug.written = Some((tid, new));
        Ok(())
    }
}
