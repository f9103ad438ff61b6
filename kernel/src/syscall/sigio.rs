//! O_ASYNC: a signal when a file becomes ready (fcntl(2), `F_SETOWN`).
//!
//! A file that asks for it is watched as an epoll watches; what shows up there wakes [`NOBODY`], which is how the run
//! loop learns that signals are to be sent.

use crate::env::Env;
use crate::fs::file::{File, oflag};
use crate::kernel::Kernel;
use crate::signal;
use crate::sigstate::{SigInfo, code, sig};
use crate::task::Pid;
use crate::wait::{ReadyList, Tid, WaitQueue, poll};
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;

/// The number no task has: woken, it stands for the files that are ready.
pub const NOBODY: Tid = 0;

/// Kinds of owners (`F_SETOWN_EX`).
#[allow(missing_docs)]
pub mod owner {
    pub const TID: i32 = 0;
    pub const PID: i32 = 1;
    pub const PGRP: i32 = 2;
}

/// The files with O_ASYNC.
pub struct AsyncFiles {
    ready: Rc<ReadyList>,
    files: BTreeMap<u64, Watched>,
    last: u64,
}

struct Watched {
    file: Weak<File>,
    fd: i32,
    queues: Vec<WaitQueue>,
}

const INPUT: u32 = poll::IN | poll::PRI;

impl AsyncFiles {
    /// None.
    pub fn new(env: &Env) -> AsyncFiles {
        let ready = ReadyList::new(&env.wakes);
        ready.queue.add(NOBODY, poll::IN);
        AsyncFiles { ready, files: BTreeMap::new(), last: 0 }
    }

    /// O_ASYNC of a file was set through descriptor `fd`, or cleared.
    pub fn changed(&mut self, file: &Rc<File>, fd: i32) {
        let key = self.files.iter().find(|(_, w)| w.file.as_ptr() == Rc::as_ptr(file)).map(|(key, _)| *key);
        if let Some(key) = key {
            self.forget(key);
        }
        if file.flags.get() & oflag::ASYNC == 0 {
            return;
        }
        self.last += 1;
        let mut queues: Vec<WaitQueue> = Vec::new();
        for events in [INPUT, poll::OUT] {
            if let Some(queue) = file.ops().queue(file, events)
                && !queues.iter().any(|q| q.same(&queue))
            {
                queue.watch(&self.ready, self.last, INPUT | poll::OUT);
                queues.push(queue);
            }
        }
        self.files.insert(self.last, Watched { file: Rc::downgrade(file), fd, queues });
    }

    fn forget(&mut self, key: u64) {
        if let Some(watched) = self.files.remove(&key) {
            for queue in watched.queues {
                queue.unwatch(&self.ready, key);
            }
        }
    }
}

/// Sends the signals of the files that became ready.
pub fn send(k: &mut Kernel) {
    for _ in 0..k.async_files.ready.len() {
        let Some(key) = k.async_files.ready.pop() else { break };
        let Some(watched) = k.async_files.files.get(&key) else { continue };
        match watched.file.upgrade() {
            Some(file) => {
                let fd = watched.fd;
                tell(k, &file, fd);
            }
            None => k.async_files.forget(key),
        }
    }
}

fn tell(k: &mut Kernel, file: &File, fd: i32) {
    const POLL_IN: i32 = 1;
    const POLL_OUT: i32 = 2;
    let events = file.ops().poll(file);
    let info = match file.signal.get() {
        0 => SigInfo::new(sig::IO, code::SI_KERNEL),
        number => {
            let mut info = SigInfo::new(number, if events & INPUT != 0 { POLL_IN } else { POLL_OUT });
            info.fields[0] = events.into();
            info.fields[1] = u64::from(fd as u32);
            info
        }
    };
    let Some(to) = file.owner.get() else { return };
    let members: Vec<Pid> = match to.kind {
        owner::TID => {
            if allowed(k, to.euid, to.id) {
                signal::send_to_task(k, to.id, info);
            }
            return;
        }
        owner::PGRP => k.tables.processes().filter(|p| p.pgid == to.id).map(|p| p.pid).collect(),
        _ => [to.id].into(),
    };
    for pid in members {
        let leader = k.tables.process(pid).and_then(|p| p.threads.first().copied());
        if leader.is_some_and(|tid| allowed(k, to.euid, tid)) {
            signal::send_to_process(k, pid, info);
        }
    }
}

fn allowed(k: &Kernel, euid: u32, tid: Tid) -> bool {
    euid == 0 || k.tables.task(tid).is_some_and(|t| [t.cred.uid, t.cred.suid].contains(&euid))
}
