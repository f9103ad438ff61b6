//! exit, exit_group, and everything that happens when a task ends.

use super::Args;
use crate::debug::Death;
use crate::error::{Fail, SysResult};
use crate::kernel::{Kernel, log};
use crate::sigstate::{SIG_IGN, SigInfo, code, sig};
use crate::task::process::Last;
use crate::task::{Pid, State};
use crate::user;
use crate::wait::{Tid, poll};
use alloc::rc::Rc;
use llano_machine::overlay;

const SA_NOCLDWAIT: u64 = 2;
const SA_NOCLDSTOP: u64 = 1;

/// exit(2): this thread only.
pub fn sys_exit(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let status = (a.i32(0) & 0xff) << 8;
    k.exit_task(t, status);
    Err(Fail::NoReturn)
}

/// exit_group(2).
pub fn sys_exit_group(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let status = (a.i32(0) & 0xff) << 8;
    k.exit_process(k.task(t).pid, status);
    Err(Fail::NoReturn)
}

impl Kernel {
    /// A signal kills the process.
    pub fn killed_by(&mut self, tid: Tid, info: &SigInfo, core: bool) {
        let pid = self.task(tid).pid;
        if core && info.signo != sig::QUIT {
            let rip = self.task(tid).ctx.regs().rip;
            let name = alloc::string::String::from_utf8_lossy(self.task(tid).name()).into_owned();
            log!(
                self,
                INFO,
                "signal",
                "{name}[{tid}]: killed by signal {} (code {}) at ip {rip:#x}, address {:#x}",
                info.signo,
                info.code,
                info.fields[0]
            );
        } else {
            log!(self, DEBUG, "signal", "task {tid}: signal {} ends process {pid}", info.signo);
        }
        let first = self.tables.processes().next().is_some_and(|p| p.pid == pid);
        if self.deaths.watched && (core || first) {
            self.deaths.next = Some(Death { tid, pid, info: *info, core });
            self.stop_requested = true;
            return;
        }
        // wait(2)'s "core dumped" bit stays clear: the guest finds no core.
        self.exit_process(pid, info.signo);
    }

    /// Ends all threads of a process.
    pub fn exit_process(&mut self, pid: Pid, status: i32) {
        let Some(process) = self.tables.process_mut(pid) else { return };
        if process.exit_status.is_none() {
            process.exit_status = Some(status);
        }
        for tid in process.threads.clone() {
            self.exit_task(tid, status);
        }
    }

    /// Ends one thread; with the last one the process becomes a zombie.
    pub fn exit_task(&mut self, tid: Tid, status: i32) {
        let Some(task) = self.tables.task(tid) else { return };
        let (pid, call, gone) = (task.pid, task.call, task.view);
        if Rc::strong_count(&task.mm) == 1 {
            self.note_resident(tid);
        }
        // Its memory may not be in place: it may be another task that ends it.
        let before = overlay::activate(gone).unwrap_or_default();
        self.set_state(tid, State::Dead);
        super::futex::exit_robust_list(self, tid);
        let shared = Rc::strong_count(&self.task(tid).mm) > 1;
        let clear = self.task(tid).clear_child_tid;
        if clear != 0 && shared && user::put(clear, &0i32).is_ok() {
            super::futex::wake_at(self, tid, clear);
        }
        let had_mm = self.task(tid).mm.clone();
        self.vfork_done(tid);
        self.close_files(tid);
        let Some(task) = self.tables.remove_task(tid) else { return };
        self.task_gone(tid);
        self.forget_held(tid);
        let usage = task.usage();
        let last = Last { comm: task.comm, uid: task.cred.euid, gid: task.cred.egid };
        let uid = task.cred.uid;
        drop(task);
        self.release_mm(had_mm);
        if before != gone {
            let _ = overlay::activate(before);
        }
        let Some(process) = self.tables.process_mut(pid) else { return };
        process.last = Some(last);
        process.own_usage.add(&usage);
        process.uid = uid;
        process.threads.retain(|t| *t != tid);
        if let Some(&heir) = process.threads.first() {
            self.leave_children(pid, tid, heir);
        } else {
            process.exit_status.get_or_insert(status);
            self.process_over(pid);
        }
        super::traced::exit(self, tid, call, status);
        log!(self, DEBUG, "task", "task {tid} of process {pid} ends, status {status:#x}");
    }

    /// A thread ends and its process goes on: its children are another thread's now, and those that asked to be told of
    /// their parent's death are told (prctl(2): the parent is the thread).
    fn leave_children(&mut self, pid: Pid, from: Tid, to: Tid) {
        let Some(process) = self.tables.process(pid) else { return };
        for child in process.children.clone() {
            let Some(child) = self.tables.process_mut(child).filter(|c| c.parent_thread == from) else {
                continue;
            };
            child.parent_thread = to;
            let (pid, signo) = (child.pid, child.pdeath_signal);
            if signo != 0 {
                crate::signal::send_to_process(self, pid, SigInfo::from_process(signo, code::SI_USER, 0, 0));
            }
        }
    }

    /// The descriptors go with the last task that shares them.
    fn close_files(&mut self, tid: Tid) {
        let files = self.task(tid).files.clone();
        if Rc::strong_count(&files) == 2 {
            let all = files.borrow_mut().take_all();
            for file in all {
                self.file_closed(tid, file);
            }
        }
    }

    /// Memory goes with the last task that shares it.
    pub fn release_mm(&mut self, mm: Rc<core::cell::RefCell<crate::mm::Mm>>) {
        if Rc::strong_count(&mm) == 1 {
            self.images_changed();
            self.debug.breakpoints.leave(mm.borrow().view, 0, u64::MAX);
            mm.borrow_mut().release(&mut self.space);
        }
    }

    /// The last thread is gone: orphans get a new parent, the old parent is told.
    fn process_over(&mut self, pid: Pid) {
        self.drop_timers(pid);
        let Some(process) = self.tables.process_mut(pid) else { return };
        process.zombie = true;
        process.end.reached();
        process.stopped = false;
        process.exe = None;
        let (sid, pgid, parent) = (process.sid, process.pgid, process.parent);
        let status = process.exit_status.unwrap_or(0);
        let children = core::mem::take(&mut process.children);
        let heir = self.heir(pid);
        for child in children {
            self.adopt(child, heir);
        }
        if sid == pid {
            self.session_over(pid);
        }
        self.group_may_be_orphaned(pid, parent, pgid, sid);
        if parent == 0 {
            self.exit_status = Some(status);
            return;
        }
        if self.tables.process(pid).is_some_and(|p| p.collected) {
            return self.reap(pid);
        }
        let Some(p) = self.tables.process(parent) else { return };
        let leader = p.threads.first().copied();
        let (mut discard, mut exit_signal) = (false, self.tables.process(pid).map_or(0, |p| p.exit_signal));
        if let Some(task) = leader.and_then(|t| self.tables.task(t))
            && exit_signal == sig::CHLD
        {
            let action = *task.sighand.borrow().get(sig::CHLD);
            discard = action.handler == SIG_IGN || action.flags & SA_NOCLDWAIT != 0;
            if action.handler == SIG_IGN {
                exit_signal = 0;
            }
        }
        if exit_signal != 0 {
            let (code, value) = exit_code(status);
            let Some(mut info) = self.tables.process(pid).map(|p| p.child_info(code, value)) else { return };
            info.signo = exit_signal;
            crate::signal::send_to_process(self, parent, info);
        }
        if let Some(p) = self.tables.process(parent) {
            p.child_wait.wake(poll::IN);
        }
        if discard {
            self.reap(pid);
        }
    }

    /// Who adopts the children of `pid`: the nearest subreaper above it, else the first process.
    ///
    /// The first process is whatever the user runs, seldom an init that expects children it never made. So unless it is
    /// a subreaper, it is their parent by number only: the kernel collects them when they end, as the host's init does
    /// for a program run there.
    fn heir(&self, pid: Pid) -> Pid {
        let mut at = self.tables.process(pid).map_or(0, |p| p.parent);
        while let Some(p) = self.tables.process(at) {
            if p.subreaper && !p.zombie {
                return at;
            }
            at = p.parent;
        }
        self.tables.processes().find(|p| p.parent == 0 && !p.zombie).map_or(0, |p| p.pid)
    }

    fn adopt(&mut self, child: Pid, heir: Pid) {
        let thread = self.tables.process(heir).and_then(|p| p.threads.first().copied()).unwrap_or(0);
        let Some(process) = self.tables.process_mut(child) else { return };
        process.parent = heir;
        process.parent_thread = thread;
        let (zombie, death) = (process.zombie, process.pdeath_signal);
        process.exit_signal = sig::CHLD;
        if death != 0 {
            crate::signal::send_to_process(self, child, SigInfo::from_process(death, code::SI_USER, 0, 0));
        }
        if heir == 0 {
            return;
        }
        if self.tables.process(heir).is_some_and(|p| p.parent == 0 && !p.subreaper) {
            if let Some(process) = self.tables.process_mut(child) {
                process.collected = true;
            }
            if zombie {
                self.reap(child);
            }
            return;
        }
        if let Some(p) = self.tables.process_mut(heir) {
            p.children.push(child);
            if zombie {
                p.child_wait.wake(poll::IN);
                let Some(process) = self.tables.process(child) else { return };
                let (code, value) = exit_code(process.exit_status.unwrap_or(0));
                let info = process.child_info(code, value);
                crate::signal::send_to_process(self, heir, info);
            }
        }
    }

    /// A stopped group whose last link to its session goes away is woken by SIGHUP and SIGCONT (POSIX orphans).
    fn group_may_be_orphaned(&mut self, pid: Pid, parent: Pid, pgid: Pid, sid: Pid) {
        let linked = self.tables.process(parent).is_some_and(|p| p.sid == sid && p.pgid != pgid);
        let stopped = self.tables.processes().any(|p| p.pgid == pgid && p.pid != pid && p.stopped);
        if linked && stopped && self.orphaned_group(pgid) {
            for signo in [sig::HUP, sig::CONT] {
                let info = SigInfo::new(signo, code::SI_KERNEL);
                let _ = crate::signal::send_to_group(self, None, pgid, signo, info);
            }
        }
    }

    /// No member of the group has a parent in the same session but another group.
    pub fn orphaned_group(&self, pgid: Pid) -> bool {
        !self.tables.processes().filter(|p| p.pgid == pgid && !p.zombie && !p.collected).any(|p| {
            self.tables.process(p.parent).is_some_and(|parent| parent.sid == p.sid && parent.pgid != p.pgid)
        })
    }

    /// Tells the parent that a child stopped or continued.
    pub fn notify_parent(&mut self, pid: Pid, code: i32, value: i32) {
        let Some(parent) = self.tables.process(pid).filter(|p| !p.collected).map(|p| p.parent) else {
            return;
        };
        let Some(p) = self.tables.process(parent) else { return };
        p.child_wait.wake(poll::IN);
        let quiet = p.threads.first().and_then(|t| self.tables.task(*t)).is_none_or(|t| {
            let action = *t.sighand.borrow().get(sig::CHLD);
            action.handler == SIG_IGN || action.flags & SA_NOCLDSTOP != 0
        });
        if !quiet && let Some(info) = self.tables.process(pid).map(|p| p.child_info(code, value)) {
            crate::signal::send_to_process(self, parent, info);
        }
    }

    /// Removes a zombie; its times go to the parent.
    pub fn reap(&mut self, pid: Pid) {
        let Some(process) = self.tables.remove_process(pid) else { return };
        if process.collected {
            return;
        }
        if let Some(parent) = self.tables.process_mut(process.parent) {
            parent.children.retain(|c| *c != pid);
            parent.child_usage.add(&process.own_usage);
            parent.child_usage.add(&process.child_usage);
        }
    }
}

/// A wait(2) status as `si_code` and `si_status`.
pub fn exit_code(status: i32) -> (i32, i32) {
    match status & 0x7f {
        0 => (code::CLD_EXITED, status >> 8 & 0xff),
        signo if status & 0x80 != 0 => (code::CLD_DUMPED, signo),
        signo => (code::CLD_KILLED, signo),
    }
}
