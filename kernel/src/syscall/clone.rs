//! clone, clone3, vfork, fork: new tasks (clone(2)).

use super::Args;
use crate::error::{Errno, Fail, Result, SysResult};
use crate::kernel::{Kernel, log};
use crate::mm::{Mm, seen_by};
use crate::sigstate::{SigHandlers, SigQueue, sig};
use crate::task::process::{Report, Usage, rlimit};
use crate::task::{AltStack, Process, Progress, State, Task};
use crate::user;
use crate::wait::{OnSignal, Tid, Wait, Why};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use llano_machine::clock;
use llano_machine::cpu::reg;

/// `CLONE_*`.
#[allow(missing_docs)]
pub mod flag {
    pub const VM: u64 = 0x100;
    pub const FS: u64 = 0x200;
    pub const FILES: u64 = 0x400;
    pub const SIGHAND: u64 = 0x800;
    pub const PIDFD: u64 = 0x1000;
    pub const PTRACE: u64 = 0x2000;
    pub const VFORK: u64 = 0x4000;
    pub const PARENT: u64 = 0x8000;
    pub const THREAD: u64 = 0x1_0000;
    pub const NEWNS: u64 = 0x2_0000;
    pub const SYSVSEM: u64 = 0x4_0000;
    pub const SETTLS: u64 = 0x8_0000;
    pub const PARENT_SETTID: u64 = 0x10_0000;
    pub const CHILD_CLEARTID: u64 = 0x20_0000;
    pub const DETACHED: u64 = 0x40_0000;
    pub const UNTRACED: u64 = 0x80_0000;
    pub const CHILD_SETTID: u64 = 0x100_0000;
    /// All that ask for a new namespace.
    pub const NAMESPACES: u64 =
        NEWNS | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000;
    pub const CLEAR_SIGHAND: u64 = 1 << 32;
}

/// What clone(2) and clone3(2) ask for.
struct Request {
    flags: u64,
    exit_signal: i32,
    /// Stack pointer of the child; 0: the parent's.
    stack: u64,
    parent_tid: u64,
    child_tid: u64,
    tls: u64,
    /// Where the descriptor of `CLONE_PIDFD` goes.
    pidfd: u64,
}

/// clone(2).
pub fn sys_clone(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let flags = a.u64(0) & 0xffff_ffff;
    let request = Request {
        flags: flags & !0xff,
        exit_signal: (flags & 0xff) as i32,
        stack: a.u64(1),
        parent_tid: a.u64(2),
        child_tid: a.u64(3),
        tls: a.u64(4),
        pidfd: a.u64(2),
    };
    clone(k, t, &request)
}

/// clone3(2).
pub fn sys_clone3(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const VER0: usize = 64;
    let size = a.usize(1);
    if size < VER0 {
        return Err(Errno::EINVAL.into());
    }
    if size > 4096 {
        return Err(Errno::E2BIG.into());
    }
    let raw = user::bytes(a.u64(0), size)?;
    if raw.len() > 88 && raw[88..].iter().any(|b| *b != 0) {
        return Err(Errno::E2BIG.into());
    }
    let word = |i: usize| {
        raw.get(8 * i..8 * i + 8).map_or(0, |b| u64::from_le_bytes(b.try_into().unwrap_or_default()))
    };
    let (flags, exit_signal, stack, stack_size) = (word(0), word(4), word(5), word(6));
    let bad_stack = (stack == 0) != (stack_size == 0);
    let legacy = flags & (flag::DETACHED | 0xff) != 0 || flags >> 33 != 0;
    let own_signal = flags & (flag::THREAD | flag::PARENT) != 0 && exit_signal != 0;
    if bad_stack || legacy || own_signal || exit_signal > 64 || word(8) > 0 || word(10) > 0 {
        return Err(Errno::EINVAL.into());
    }
    let request = Request {
        flags,
        exit_signal: exit_signal as i32,
        stack: stack.wrapping_add(stack_size),
        parent_tid: word(3),
        child_tid: word(2),
        tls: word(7),
        pidfd: word(1),
    };
    clone(k, t, &request)
}

/// fork(2).
pub fn sys_fork(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    let request =
        Request { flags: 0, exit_signal: sig::CHLD, stack: 0, parent_tid: 0, child_tid: 0, tls: 0, pidfd: 0 };
    clone(k, t, &request)
}

/// vfork(2).
pub fn sys_vfork(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    let flags = flag::VM | flag::VFORK;
    let request =
        Request { flags, exit_signal: sig::CHLD, stack: 0, parent_tid: 0, child_tid: 0, tls: 0, pidfd: 0 };
    clone(k, t, &request)
}

fn check(k: &Kernel, t: Tid, r: &Request) -> Result<()> {
    let has = |f| r.flags & f != 0;
    let bad = has(flag::THREAD) && !has(flag::SIGHAND)
        || has(flag::SIGHAND) && !has(flag::VM)
        || has(flag::CLEAR_SIGHAND) && has(flag::SIGHAND)
        || has(flag::FS) && has(flag::NEWNS);
    if bad {
        return Err(Errno::EINVAL);
    }
    if has(flag::NAMESPACES) {
        return Err(if k.task(t).cred.privileged() { Errno::EINVAL } else { Errno::EPERM });
    }
    if has(flag::PIDFD) {
        // The kernel would write two things to one place.
        let twice = has(flag::PARENT_SETTID) && r.pidfd == r.parent_tid;
        if twice || has(flag::THREAD) || has(flag::DETACHED) {
            return Err(Errno::EINVAL);
        }
        k.task(t).files.borrow().free(0, k.limit(t, rlimit::NOFILE))?;
        user::put(r.pidfd, &-1)?;
    }
    let uid = k.task(t).cred.uid;
    let mine = k.tables.tasks().filter(|x| x.cred.uid == uid).count() as u64;
    if uid != 0 && mine >= k.limit(t, rlimit::NPROC) {
        return Err(Errno::EAGAIN);
    }
    Ok(())
}

fn clone(k: &mut Kernel, t: Tid, r: &Request) -> SysResult {
    // A vfork parent comes back here when its child let go of the memory.
    if k.task(t).progress.woken {
        return Ok(k.task(t).progress.value as i64);
    }
    if k.task(t).progress.value != 0 {
        return Err(vfork_wait(k.task(t).progress.value as Tid));
    }
    let has = |f| r.flags & f != 0;
    if !has(flag::VM) {
        k.may_fork()?;
    }
    check(k, t, r)?;
    let tid = k.tables.new_number()?;
    let mine = k.task(t).mm.clone();
    let mm = if has(flag::VM) { mine.clone() } else { fork_mm(k, t, r)? };
    if has(flag::PARENT_SETTID) {
        // As in Linux a bad address is nobody's error.
        let _ = seen_by(mine.borrow().view, || user::put(r.parent_tid, &tid));
    }
    let pid = if has(flag::THREAD) { k.task(t).pid } else { tid };
    let child = child_task(k, t, tid, pid, mm, r);
    k.tables.add_task(child);
    if has(flag::THREAD) {
        k.process_of_mut(t).threads.push(tid);
    } else {
        let process = child_process(k, t, tid, r);
        let parent = process.parent;
        k.tables.add_process(process);
        if let Some(p) = k.tables.process_mut(parent) {
            p.children.push(tid);
        }
    }
    if has(flag::PIDFD) {
        let fd = super::pidfd::open(k, t, tid, 0)?;
        seen_by(mine.borrow().view, || user::put(r.pidfd, &fd))?;
    }
    if has(flag::CHILD_SETTID) {
        let _ = seen_by(k.task(tid).view, || user::put(r.child_tid, &tid));
    }
    if k.trace.on() {
        k.trace.clone_task(clock::tsc(), t as u32, tid as u32, pid as u32, r.flags);
    }
    log!(k, DEBUG, "task", "task {t} makes task {tid} of process {pid}, clone flags {:#x}", r.flags);
    if has(flag::VM) {
        k.sched.push(tid);
    } else {
        // The child's pages are in place, and if it executes a program or ends soon its parent's never have to be.
        k.sched.push_front(tid);
        k.sched.resched = true;
    }
    if has(flag::VFORK) {
        k.task_mut(tid).vfork_parent = Some(t);
        k.task_mut(t).progress.value = tid as u64;
        return Err(vfork_wait(tid));
    }
    Ok(tid.into())
}

/// A second copy of the memory at the same addresses.
fn fork_mm(k: &mut Kernel, t: Tid, r: &Request) -> Result<Rc<RefCell<Mm>>> {
    k.room_for_maps().map_err(|_| Errno::EAGAIN)?;
    let sp = if r.stack != 0 { r.stack } else { k.task(t).ctx.regs().regs[reg::RSP] };
    let mm = k.task(t).mm.clone();
    let child = mm.borrow().fork(&mut k.space, sp)?;
    k.debug.breakpoints.inherit(mm.borrow().view, child.view);
    Ok(Rc::new(RefCell::new(child)))
}

fn vfork_wait(child: Tid) -> Fail {
    Wait::new(Why::Vfork(child)).signals(OnSignal::Uninterruptible).into()
}

fn child_task(k: &mut Kernel, t: Tid, tid: Tid, pid: i32, mm: Rc<RefCell<Mm>>, r: &Request) -> Box<Task> {
    let view = mm.borrow().view;
    let has = |f| r.flags & f != 0;
    let mut ctx = k.task_mut(t).ctx.duplicate();
    let me = k.task(t);
    let reset = me.settings.reset_on_fork && (me.policy.1 > 0 || me.nice < 0);
    let regs = ctx.regs_mut();
    regs.regs[reg::RAX] = 0;
    regs.orig_rax = u64::MAX;
    if k.debug.steps(t) {
        regs.rflags &= !0x100; // a debugger's trap flag is the parent's alone
    }
    if r.stack != 0 {
        regs.regs[reg::RSP] = r.stack;
    }
    if has(flag::SETTLS) {
        ctx.set_fs_base(r.tls);
    }
    let own_hand = || {
        let mut hand: SigHandlers = me.sighand.borrow().clone();
        if has(flag::CLEAR_SIGHAND) {
            hand.reset_handlers();
        }
        Rc::new(RefCell::new(hand))
    };
    Box::new(Task {
        tid,
        pid,
        comm: me.comm,
        ctx,
        state: State::Runnable,
        wait: None,
        wait_key: None,
        call: None,
        progress: Progress::default(),
        view,
        mm,
        files: if has(flag::FILES) {
            me.files.clone()
        } else {
            Rc::new(RefCell::new(me.files.borrow().clone()))
        },
        fs: if has(flag::FS) { me.fs.clone() } else { Rc::new(RefCell::new(me.fs.borrow().clone())) },
        sighand: if has(flag::SIGHAND) { me.sighand.clone() } else { own_hand() },
        sigmask: me.sigmask,
        saved_sigmask: None,
        pending: SigQueue::default(),
        attention: false,
        // A new thread has none; a child with memory of its own, or of a vfork, keeps its parent's (sigaltstack(2)).
        altstack: if has(flag::VM) && !has(flag::VFORK) { AltStack::default() } else { me.altstack },
        cred: me.cred.clone(),
        clear_child_tid: if has(flag::CHILD_CLEARTID) { r.child_tid } else { 0 },
        robust_list: 0,
        vfork_parent: None,
        nice: if reset { me.nice.max(0) } else { me.nice },
        policy: if reset { (0, 0) } else { me.policy },
        settings: me.settings.inherited(),
        utime: 0,
        stime: 0,
        switches: (0, 0),
        fault: (0, 0, 0),
        calls: 0,
        started: k.now(),
    })
}

fn child_process(k: &Kernel, t: Tid, tid: Tid, r: &Request) -> Box<Process> {
    let me = k.process_of(t);
    Box::new(Process {
        pid: tid,
        parent: if r.flags & flag::PARENT != 0 { me.parent } else { me.pid },
        parent_thread: if r.flags & flag::PARENT != 0 { me.parent_thread } else { t },
        collected: false,
        children: Vec::new(),
        threads: vec![tid],
        pgid: me.pgid,
        sid: me.sid,
        tty: me.tty.clone(),
        pending: SigQueue::default(),
        end: crate::ipc::pidfd::End::new(&k.env),
        child_wait: k.env.queue(),
        uid: k.task(t).cred.uid,
        exit_status: None,
        last: None,
        oom_score_adj: 0,
        zombie: false,
        stopped: false,
        report: Report::None,
        exit_signal: if r.flags & flag::PARENT != 0 { me.exit_signal } else { r.exit_signal },
        limits: me.limits,
        exe: me.exe.clone(),
        did_exec: false,
        subreaper: false,
        pdeath_signal: 0,
        dumpable: me.dumpable,
        own_usage: Usage::default(),
        child_usage: Usage::default(),
        timers: crate::timers::ProcessTimers::default(),
        started: k.now(),
    })
}

/// set_tid_address(2).
pub fn sys_set_tid_address(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    k.task_mut(t).clear_child_tid = a.u64(0);
    Ok(t.into())
}

impl Kernel {
    /// The task let go of its memory (exec or exit): the parent that waits in vfork goes on.
    pub fn vfork_done(&mut self, tid: Tid) {
        if let Some(parent) = self.task_mut(tid).vfork_parent.take()
            && let Some(task) = self.tables.task_mut(parent)
        {
            task.progress.woken = true;
            self.wake(parent);
        }
    }
}

impl SigHandlers {
    /// Handlers become the default; ignored signals stay ignored (execve, CLONE_CLEAR_SIGHAND).
    pub fn reset_handlers(&mut self) {
        for action in &mut self.0 {
            let ignored = action.handler == crate::sigstate::SIG_IGN;
            *action = crate::sigstate::SigAction::default();
            if ignored {
                action.handler = crate::sigstate::SIG_IGN;
            }
        }
    }
}
