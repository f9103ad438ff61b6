//! What the trace says of scheduling: who waits for what, whose turn it is, what putting a memory in place took.

use crate::ipc::pipe::PipeEnd;
use crate::ipc::unix::SocketFile;
use crate::kernel::Kernel;
use crate::task::{State, Task};
use crate::timers::Due;
use crate::tty::file::TtyFile;
use crate::wait::{Tid, Why};
use llano_machine::{PAGE, clock, overlay};
use llano_trace::record::{TaskState, TimerKind, Waiting};

impl Kernel {
    /// `next` runs instead of `prev`; 0 is idle.
    pub(crate) fn trace_switch(&mut self, prev: Tid, next: Tid) {
        let state = self.tables.task(prev).map_or(TaskState::Dead, state);
        self.trace.switch(clock::tsc(), prev as u32, next as u32, state);
    }

    /// `tid` goes to sleep.
    pub(crate) fn trace_block(&mut self, tid: Tid, why: &Why) {
        let nr = self.task(tid).call.map_or(0, |c| c.nr);
        let (kind, object) = match *why {
            Why::Read(fd) | Why::Write(fd) => (self.file_kind(tid, fd), fd as u64),
            Why::Lock(fd) => (Waiting::Lock, fd as u64),
            Why::Futex(at) => (Waiting::Futex, at),
            Why::Child => (Waiting::Child, 0),
            Why::Vfork(tid) => (Waiting::Vfork, tid as u64),
            Why::Sleep | Why::Delay => (Waiting::Timer, 0),
            Why::Poll => (Waiting::Poll, 0),
            Why::Signal => (Waiting::Signal, 0),
            Why::Open => (Waiting::Other, 0),
        };
        self.trace.block(clock::tsc(), tid as u32, nr, kind, object);
    }

    fn file_kind(&self, tid: Tid, fd: i32) -> Waiting {
        let Ok(file) = self.file(tid, fd) else { return Waiting::Other };
        if file.downcast::<PipeEnd>().is_some() {
            Waiting::Pipe
        } else if file.downcast::<SocketFile>().is_some() {
            Waiting::Socket
        } else if file.downcast::<TtyFile>().is_some() {
            Waiting::Tty
        } else if file.path.is_none() {
            Waiting::Event
        } else {
            Waiting::Other
        }
    }

    /// A timer was due `late` ns ago.
    pub(crate) fn trace_timer(&mut self, due: Due, late: u64) {
        let (owner, kind, id) = match due {
            Due::Wake(tid) => (tid, TimerKind::Wait, 0),
            Due::Itimer(pid) => (pid, TimerKind::Itimer, 0),
            Due::Posix(pid, id) => (pid, TimerKind::Posix, id),
        };
        self.trace.timer(clock::tsc(), owner as u32, kind, late, id as u64);
    }

    /// The memory of `tid` was put in place from `begin` to `end`, if that took more than a look; `before` is what
    /// [`overlay::work_done`] said then.
    pub(crate) fn trace_exchange(&mut self, tid: Tid, before: (u64, u64), begin: u64, end: u64) {
        let now = overlay::work_done();
        if now != before {
            let bytes = (now.0 - before.0) * PAGE as u64;
            self.trace.exchange(begin, end, tid as u32, bytes, now.1 - before.1);
        }
    }
}

fn state(task: &Task) -> TaskState {
    match task.state {
        State::Runnable => TaskState::Runnable,
        State::Blocked if task.is_uninterruptible() => TaskState::Uninterruptible,
        State::Blocked => TaskState::Sleeping,
        State::Stopped | State::Frozen => TaskState::Stopped,
        State::Dead => TaskState::Dead,
    }
}
