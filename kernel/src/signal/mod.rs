//! Signals: sending, choosing what is delivered, default actions, stops.
//!
//! - [`deliver`]: what happens to a task before it goes back to its program
//! - [`frame`]: the frame on the guest's stack, and rt_sigreturn

pub mod deliver;
pub mod frame;

use crate::error::{Errno, Result};
use crate::kernel::Kernel;
use crate::sigstate::{SIG_DFL, SIG_IGN, SigInfo, SigSet, code, sig};
use crate::task::process::{Report, rlimit};
use crate::task::{Pid, State};
use crate::wait::{OnSignal, Tid};
use llano_machine::clock;

/// What a signal does if the program says nothing (signal(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// Ends the process; `true`: with a core dump.
    Kill(bool),
    /// Nothing.
    Ignore,
    /// Stops the process.
    Stop,
    /// Continues it.
    Continue,
}

/// Signals whose default stops.
pub const STOPS: SigSet = SigSet(
    SigSet::of(sig::STOP).0 | SigSet::of(sig::TSTP).0 | SigSet::of(sig::TTIN).0 | SigSet::of(sig::TTOU).0,
);

/// The default action of a signal.
pub fn default_action(signo: i32) -> Default {
    match signo {
        sig::CHLD | sig::URG | sig::WINCH => Default::Ignore,
        sig::CONT => Default::Continue,
        sig::STOP | sig::TSTP | sig::TTIN | sig::TTOU => Default::Stop,
        sig::QUIT
        | sig::ILL
        | sig::TRAP
        | sig::ABRT
        | sig::BUS
        | sig::FPE
        | sig::SEGV
        | sig::XCPU
        | sig::XFSZ
        | sig::SYS => Default::Kill(true),
        _ => Default::Kill(false),
    }
}

/// Whether a task would not notice the signal: ignored by its handler, or by default.
fn ignored(k: &Kernel, tid: Tid, signo: i32) -> bool {
    let task = k.task(tid);
    if task.sigmask.has(signo) {
        return false; // a blocked signal waits even if ignored: it may be taken by sigwait
    }
    match task.sighand.borrow().get(signo).handler {
        SIG_IGN => true,
        SIG_DFL => default_action(signo) == Default::Ignore,
        _ => false,
    }
}

/// Sends a signal to one task (tgkill, faults, timers with a thread).
pub fn send_to_task(k: &mut Kernel, tid: Tid, info: SigInfo) {
    if k.tables.task(tid).is_none_or(|t| t.state == State::Dead) {
        return;
    }
    let pid = k.task(tid).pid;
    trace_sent(k, tid, &info);
    side_effects(k, pid, info.signo);
    if ignored(k, tid, info.signo) {
        return;
    }
    if k.task_mut(tid).pending.push(info) {
        k.env.ipc.signal_sent();
        notice(k, tid, info.signo);
    }
}

/// Sends a signal to a process: any thread that does not block it takes it.
pub fn send_to_process(k: &mut Kernel, pid: Pid, info: SigInfo) {
    let Some(process) = k.tables.process(pid).filter(|p| !p.zombie) else { return };
    let Some(&leader) = process.threads.first() else { return };
    trace_sent(k, leader, &info);
    side_effects(k, pid, info.signo);
    if ignored(k, leader, info.signo) {
        return;
    }
    let Some(process) = k.tables.process_mut(pid) else { return };
    if !process.pending.push(info) {
        return;
    }
    k.env.ipc.signal_sent();
    // Prefer a thread that can take it at once; all of them look, because masks change.
    let threads = process.threads.clone();
    let taker = threads.iter().copied().find(|t| !k.task(*t).sigmask.has(info.signo));
    for tid in threads {
        k.task_mut(tid).attention = true;
        if Some(tid) == taker || info.signo == sig::KILL || waits_for(k, tid, info.signo) {
            notice(k, tid, info.signo);
        }
    }
}

/// The task waits in sigtimedwait for a signal that it blocks.
fn waits_for(k: &Kernel, tid: Tid, signo: i32) -> bool {
    let task = k.task(tid);
    task.state == State::Blocked && task.progress.sigwait.has(signo)
}

fn trace_sent(k: &mut Kernel, target: Tid, info: &SigInfo) {
    if k.trace.on() {
        let sender = k.sched.current.unwrap_or(0);
        k.trace.signal_sent(clock::tsc(), sender as u32, target as u32, info.signo as u32, info.code);
    }
}

/// What a signal does at once, whether or not it is blocked: SIGCONT continues, stops and SIGCONT cancel each other.
fn side_effects(k: &mut Kernel, pid: Pid, signo: i32) {
    let drop_set = match signo {
        sig::CONT => STOPS,
        s if STOPS.has(s) => SigSet::of(sig::CONT),
        _ => SigSet(0),
    };
    let Some(process) = k.tables.process_mut(pid) else { return };
    let was_stopped = process.stopped;
    let threads = process.threads.clone();
    if drop_set.0 != 0 {
        process.pending.discard(drop_set);
    }
    let wake = was_stopped && (signo == sig::CONT || signo == sig::KILL);
    if wake {
        process.stopped = false;
        if signo == sig::CONT {
            process.report = Report::Continued;
        }
    }
    if signo == sig::KILL {
        k.thaw(pid);
    }
    for tid in threads {
        let task = k.task_mut(tid);
        if drop_set.0 != 0 {
            task.pending.discard(drop_set);
        }
        if wake && task.state == State::Stopped {
            task.attention = true;
            k.make_runnable(tid);
        }
    }
    if wake && signo == sig::CONT {
        k.notify_parent(pid, code::CLD_CONTINUED, sig::CONT);
    }
}

/// Makes a task look at its signals: interrupts its sleep if the signal can reach it.
fn notice(k: &mut Kernel, tid: Tid, signo: i32) {
    let waits = waits_for(k, tid, signo);
    let task = k.task_mut(tid);
    task.attention = true;
    let reaches = !task.sigmask.has(signo) || waits;
    let interruptible = task.wait.as_ref().is_none_or(|w| w.on_signal != OnSignal::Uninterruptible);
    let sleeps = task.state == State::Blocked;
    if sleeps && reaches && (interruptible || is_fatal(k, tid, signo)) {
        k.make_runnable(tid);
    }
}

/// Whether a signal ends the process of `tid` even in a wait that signals do not interrupt: SIGKILL, and what kills
/// without a core dump by default (`complete_signal` in Linux's kernel/signal.c).
pub fn is_fatal(k: &Kernel, tid: Tid, signo: i32) -> bool {
    let by_default = || k.task(tid).sighand.borrow().get(signo).handler == SIG_DFL;
    signo == sig::KILL || default_action(signo) == Default::Kill(false) && by_default()
}

/// kill(2)'s permission check.
pub fn may_signal(k: &Kernel, from: Tid, to: Pid, signo: i32) -> bool {
    let me = &k.task(from).cred;
    let Some(process) = k.tables.process(to) else { return false };
    let same_session = signo == sig::CONT && process.sid == k.process_of(from).sid;
    let Some(you) = process.threads.first().and_then(|t| k.tables.task(*t)).map(|t| t.cred.clone()) else {
        return true; // a zombie: the signal goes nowhere
    };
    me.euid == 0
        || me.euid == you.suid
        || me.euid == you.uid
        || me.uid == you.suid
        || me.uid == you.uid
        || same_session
}

/// Sends to every process of a group; `ESRCH` if there is none, `EPERM` if none may be signalled.
pub fn send_to_group(k: &mut Kernel, from: Option<Tid>, pgid: Pid, signo: i32, info: SigInfo) -> Result<()> {
    let members: alloc::vec::Vec<Pid> =
        k.tables.processes().filter(|p| p.pgid == pgid).map(|p| p.pid).collect();
    if members.is_empty() {
        return Err(Errno::ESRCH);
    }
    let mut sent = false;
    for pid in members {
        if from.is_none_or(|f| may_signal(k, f, pid, signo)) {
            sent = true;
            if signo != 0 {
                send_to_process(k, pid, info);
            }
        }
    }
    if sent { Ok(()) } else { Err(Errno::EPERM) }
}

/// The signals that wait for a task and that it does not block.
pub fn deliverable(k: &Kernel, tid: Tid) -> SigSet {
    let task = k.task(tid);
    SigSet((task.pending.set.0 | k.process_of(tid).pending.set.0) & !task.sigmask.0)
}

/// The signal that a task gets next.
pub fn next(k: &Kernel, tid: Tid) -> Option<i32> {
    let wanted = SigSet(!k.task(tid).sigmask.0);
    k.task(tid).pending.next(wanted).or_else(|| k.process_of(tid).pending.next(wanted))
}

/// Queues a real-time signal within RLIMIT_SIGPENDING (sigqueue(3)).
pub fn queue_limit(k: &Kernel, tid: Tid) -> Result<()> {
    let queued = k.process_of(tid).pending.len() + k.task(tid).pending.len();
    if queued as u64 >= k.limit(tid, rlimit::SIGPENDING) { Err(Errno::EAGAIN) } else { Ok(()) }
}
