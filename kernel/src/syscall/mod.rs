//! System calls: the table ([`table`]) and what happens around every handler.
//!
//! **A new system call** = one row in [`table`] + one handler here, in the file of its subject + one program in
//! `tests/guest`. A handler decides before it changes anything: if it must wait it returns a
//! [`Wait`] and is invoked again, from the start, when the task is woken; what it must remember in
//! between goes into `Task::progress`.

pub mod attr;
pub mod clone;
pub mod copy;
pub mod dir;
pub mod epoll;
pub mod eventfd;
pub mod execve;
pub mod exit;
pub mod fdops;
pub mod futex;
pub mod ids;
pub mod inotify;
pub mod ioctl;
pub mod locks;
pub mod mem;
pub mod message;
pub mod misc;
pub mod mount;
pub mod open;
pub mod pidfd;
pub mod pipe;
pub mod place;
pub mod poll;
pub mod prctl;
pub mod process_vm;
pub mod rw;
pub mod sched;
pub mod sigcalls;
pub mod sigio;
pub mod socket;
pub mod sockopt;
pub mod splice;
pub mod stat;
mod strict;
pub mod syslog;
pub mod table;
pub mod timercalls;
pub mod timerfd;
pub mod times;
pub mod traced;
pub mod tty;
pub mod wait;
pub mod xattr;

use crate::error::{Errno, Fail, SysResult};
use crate::fs::procfs::ASK;
use crate::kernel::{Kernel, log};
use crate::task::{Call, Progress, State};
use crate::wait::{Tid, Wait, Why};
use alloc::boxed::Box;
use llano_machine::clock;
use llano_machine::cpu::reg;

/// The six argument registers.
#[derive(Debug, Clone, Copy)]
pub struct Args(pub [u64; 6]);

impl Args {
    /// Argument `i` as the guest passed it.
    #[inline]
    pub fn u64(&self, i: usize) -> u64 {
        self.0[i]
    }

    /// A size or count.
    #[inline]
    pub fn usize(&self, i: usize) -> usize {
        self.0[i] as usize
    }

    /// An `int`: the upper half of the register is not looked at, as on Linux.
    #[inline]
    pub fn i32(&self, i: usize) -> i32 {
        self.0[i] as i32
    }

    /// An `unsigned int`.
    #[inline]
    pub fn u32(&self, i: usize) -> u32 {
        self.0[i] as u32
    }

    /// A signed 64-bit value (`off_t`).
    #[inline]
    pub fn i64(&self, i: usize) -> i64 {
        self.0[i] as i64
    }
}

/// A handler.
pub type Handler = fn(&mut Kernel, Tid, &Args) -> SysResult;

/// A guest executed `syscall`.
pub fn enter(k: &mut Kernel, tid: Tid) {
    let start = if k.trace.on() { clock::tsc() } else { 0 };
    let task = k.task_mut(tid);
    let regs = task.ctx.regs_mut();
    // The number is an int: what stands above it is not looked at.
    let nr = regs.regs[reg::RAX] as u32 as usize;
    let args = Args([
        regs.regs[reg::RDI],
        regs.regs[reg::RSI],
        regs.regs[reg::RDX],
        regs.regs[reg::R10],
        regs.regs[reg::R8],
        regs.regs[reg::R9],
    ]);
    regs.orig_rax = regs.regs[reg::RAX];
    task.calls += 1;
    task.call = Some(Call { nr, args: args.0, start });
    if start != 0 && k.trace.wants_reads(nr) {
        traced::reads(k, tid, &Call { nr, args: args.0, start });
    }
    if let Some(count) = k.call_counts.get_mut(nr) {
        *count += 1;
    }
    let Some(handler) = table::handler(nr) else {
        let errno = k.unknown_call(nr);
        return k.finish_call(tid, errno.result());
    };
    // Looked at where the handler left it: most calls are over at once, and moving it costs as much as the rest here.
    let result = handler(k, tid, &args);
    if let Ok(value) = &result {
        k.finish_call(tid, *value);
    } else {
        not_done(k, tid, handler, &args, result);
    }
}

/// A call that failed, or is not over.
#[inline(never)]
fn not_done(k: &mut Kernel, tid: Tid, handler: Handler, args: &Args, result: SysResult) {
    let result = answered(k, tid, handler, args, result);
    match result {
        Ok(value) => k.finish_call(tid, value),
        Err(Fail::Err(e)) => k.finish_call(tid, e.result()),
        Err(Fail::NoReturn) => k.end_call(tid),
        // The loop blocks the task, or ends the call, once it has looked at signals.
        Err(Fail::Wait(wait)) => k.task_mut(tid).wait = Some(*wait),
        Err(Fail::Interrupted) => k.task_mut(tid).wait = Some(Wait::new(Why::Signal)),
    }
}

/// What a handler said; if it asked something of the kernel that only /proc knows, what it says to the answer.
fn answered(k: &mut Kernel, tid: Tid, handler: Handler, args: &Args, result: SysResult) -> SysResult {
    match result {
        Err(Fail::Err(ASK)) => crate::procfs::answer_and_retry(k, tid, |k| handler(k, tid, args)),
        result => result,
    }
}

/// A guest executed `int 0x80`: the numbers are those of another architecture, which llano does not speak.
pub fn enter_foreign(k: &mut Kernel, tid: Tid) {
    k.foreign_calls += 1;
    k.task_mut(tid).ctx.regs_mut().regs[reg::RAX] = Errno::ENOSYS.result() as u64;
}

/// Invokes the pending call of a task again. `Ok`: it is over. `Err(Some)`: it must wait. `Err(None)`: the task is gone.
pub fn retry(k: &mut Kernel, tid: Tid) -> Result<(), Option<Box<Wait>>> {
    let Some(call) = k.task(tid).call else { return Ok(()) };
    let Some(handler) = table::handler(call.nr) else { return Ok(()) };
    let result = handler(k, tid, &Args(call.args));
    let result = answered(k, tid, handler, &Args(call.args), result);
    if k.tables.task(tid).is_none_or(|t| t.state == State::Dead) {
        return Err(None);
    }
    match result {
        Ok(value) => k.finish_call(tid, value),
        Err(Fail::Err(e)) => k.finish_call(tid, e.result()),
        Err(Fail::NoReturn) => k.end_call(tid),
        Err(Fail::Wait(wait)) => return Err(Some(wait)),
        Err(Fail::Interrupted) => return Err(Some(Box::new(Wait::new(Why::Signal)))),
    }
    Ok(())
}

impl Kernel {
    /// Ends the call in progress with a result.
    #[inline]
    pub fn finish_call(&mut self, tid: Tid, value: i64) {
        let Some(task) = self.tables.task_mut(tid) else { return };
        let regs = task.ctx.regs_mut();
        regs.regs[reg::RAX] = value as u64;
        regs.orig_rax = u64::MAX;
        task.progress = Progress::default();
        // Masks that a call put in place for its own time go back before the program runs on.
        task.attention |= task.saved_sigmask.is_some();
        if task.call.as_ref().is_some_and(|call| call.start != 0) {
            self.trace_call(tid, value);
        } else {
            task.call = None;
        }
    }

    /// The record of the call that ends.
    #[inline(never)]
    fn trace_call(&mut self, tid: Tid, value: i64) {
        if let Some(call) = self.task_mut(tid).call.take() {
            if self.trace.wants_left(call.nr) {
                traced::left(self, tid, &call, value);
            }
            self.trace.syscall(call.start, clock::tsc(), tid as u32, call.nr, value, &call.args);
        }
    }

    /// Ends the call in progress; the registers are what they shall be (execve, rt_sigreturn).
    pub fn end_call(&mut self, tid: Tid) {
        let Some(task) = self.tables.task_mut(tid) else { return };
        task.progress = Progress::default();
        let value = task.ctx.regs().regs[reg::RAX] as i64;
        if let Some(call) = task.call.take()
            && call.start != 0
        {
            self.trace.syscall(call.start, clock::tsc(), tid as u32, call.nr, value, &call.args);
        }
    }

    /// Forgets the call in progress: it will be made again from the start.
    pub fn abandon_call(&mut self, tid: Tid) {
        let task = self.task_mut(tid);
        task.progress = Progress::default();
        task.ctx.regs_mut().orig_rax = u64::MAX;
        if let Some(call) = task.call.take()
            && call.start != 0
        {
            self.trace.syscall(call.start, clock::tsc(), tid as u32, call.nr, traced::RESTART, &call.args);
        }
    }

    /// Counts a call without a handler.
    fn unknown_call(&mut self, nr: usize) -> Errno {
        llano_machine::border::unknown_call(nr);
        if nr < 1024 {
            if nr >= self.unknown_calls.len() {
                self.unknown_calls.resize(nr + 1, 0);
            }
            self.unknown_calls[nr] += 1;
        }
        log!(self, DEBUG, "syscall", "call {nr} is not implemented");
        Errno::ENOSYS
    }
}
