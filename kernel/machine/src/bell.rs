//! Waiting for the outside: one epoll over host descriptors, and the doorbell for requests of other threads.

use crate::border::host;
use crate::host::HostFd;
use crate::signals::SIG_DOORBELL;
use crate::{HostError, check};
use std::sync::atomic::{AtomicBool, Ordering};

/// What a host descriptor is ready for; bits as in poll(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// The number given to [`Bell::watch`].
    pub key: u64,
    /// `EPOLLIN`, `EPOLLOUT`, `EPOLLHUP`, `EPOLLERR`.
    pub events: u32,
}

/// The key under which host signals (SIGTERM, SIGWINCH, ...) show up.
const KEY_SIGNALS: u64 = u64::MAX;
const KEY_DOORBELL: u64 = u64::MAX - 1;

/// The vCPU's waiting place.
pub struct Bell {
    epoll: HostFd,
    event: HostFd,
    signals: HostFd,
    door: Door,
}

/// A way to make the vCPU look up; cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Door {
    event: i32,
    tid: i32,
}

/// Host signals that llano takes as messages, not as interruptions.
const MESSAGES: [i32; 7] =
    [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGWINCH, libc::SIGCONT, libc::SIGTSTP];

/// SIGTERM or SIGHUP has come.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Blocks the host signals that become messages. Threads started later inherit that, so it comes before all of them.
pub fn block_messages() {
    // SAFETY: the set lives through the call, which takes nothing else.
    unsafe { host!(sigprocmask)(libc::SIG_BLOCK, &messages(), core::ptr::null_mut()) };
}

/// Lets them do to llano what they do to any program: for its last words, which nobody may be there to read.
pub fn release_messages() {
    // SAFETY: as above.
    unsafe { host!(sigprocmask)(libc::SIG_UNBLOCK, &messages(), core::ptr::null_mut()) };
}

/// Whether a signal that asks llano to end has come: SIGTERM or SIGHUP ever, any if it was not looked at yet.
pub fn asked_to_end() -> bool {
    if ASKED.load(Ordering::Relaxed) {
        return true;
    }
    // SAFETY: a set is plain numbers; the calls read and fill in this one.
    unsafe {
        let mut set: libc::sigset_t = core::mem::zeroed();
        host!(sigpending)(&mut set);
        [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT]
            .iter()
            .any(|s| host!(sigismember)(&set, *s) == 1)
    }
}

fn messages() -> libc::sigset_t {
    // SAFETY: a set is plain numbers, and these calls fill it in.
    unsafe {
        let mut set: libc::sigset_t = core::mem::zeroed();
        libc::sigemptyset(&mut set);
        // What whoever started llano had it ignore (nohup) stays ignored: blocked, it would be kept.
        for s in MESSAGES.into_iter().filter(|&s| !crate::host::is_ignored(s)) {
            libc::sigaddset(&mut set, s);
        }
        set
    }
}

impl Bell {
    /// Makes the calling thread's bell; the host signals that become messages are blocked from now on.
    ///
    /// # Errors
    /// What the host said to epoll_create1, eventfd or signalfd.
    pub fn new() -> Result<Bell, HostError> {
        block_messages();
        // SAFETY: these calls take plain numbers or structs that live through the call, and return fresh descriptors.
        let (epoll, event, signals, tid) = unsafe {
            host!(signal)(libc::SIGPIPE, libc::SIG_IGN);
            host!(signal)(libc::SIGTTOU, libc::SIG_IGN);
            (
                HostFd::from_raw(check(host!(epoll_create1)(libc::EPOLL_CLOEXEC).into())? as i32),
                HostFd::from_raw(
                    check(host!(eventfd)(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK).into())? as i32
                ),
                HostFd::from_raw(check(
                    host!(signalfd)(-1, &messages(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK).into(),
                )? as i32),
                host!(gettid)(),
            )
        };
        let door = Door { event: event.raw(), tid };
        let bell = Bell { epoll, event, signals, door };
        bell.control(libc::EPOLL_CTL_ADD, bell.event.raw(), KEY_DOORBELL, libc::EPOLLIN as u32)?;
        bell.control(libc::EPOLL_CTL_ADD, bell.signals.raw(), KEY_SIGNALS, libc::EPOLLIN as u32)?;
        Ok(bell)
    }

    fn control(&self, op: i32, fd: i32, key: u64, events: u32) -> Result<(), HostError> {
        let mut event = libc::epoll_event { events, u64: key };
        // SAFETY: epoll_ctl reads the struct; both descriptors are open.
        check(unsafe { host!(epoll_ctl)(self.epoll.raw(), op, fd, &mut event) }.into()).map(|_| ())
    }

    /// Watches a host descriptor for `events` (poll bits), level-triggered; `EPERM` says it is always ready.
    pub fn watch(&self, fd: &HostFd, key: u64, events: u32) -> Result<(), HostError> {
        match self.control(libc::EPOLL_CTL_ADD, fd.raw(), key, events) {
            Err(HostError(libc::EEXIST)) => self.control(libc::EPOLL_CTL_MOD, fd.raw(), key, events),
            r => r,
        }
    }

    /// Stops watching.
    pub fn unwatch(&self, fd: &HostFd) {
        let _ = self.control(libc::EPOLL_CTL_DEL, fd.raw(), 0, 0);
    }

    /// A way for other threads to ring.
    pub fn door(&self) -> Door {
        self.door.clone()
    }

    /// Waits until something is ready, the doorbell rings, or `timeout_ns` is over (`None`: for ever; 0: just looks).
    /// Host signals received are appended to `signals`.
    pub fn wait(&self, timeout_ns: Option<u64>, ready: &mut Vec<Ready>, signals: &mut Vec<i32>) {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 32];
        let ts = timeout_ns.map(|ns| libc::timespec {
            tv_sec: (ns / 1_000_000_000) as i64,
            tv_nsec: (ns % 1_000_000_000) as i64,
        });
        let ts_ptr = ts.as_ref().map_or(core::ptr::null(), |t| t as *const libc::timespec);
        // SAFETY: epoll_pwait2 writes at most 32 events into the array; the timeout lives through the call.
        let n = unsafe {
            host!(syscall)(
                libc::SYS_epoll_pwait2,
                self.epoll.raw(),
                events.as_mut_ptr(),
                32,
                ts_ptr,
                core::ptr::null::<u8>(),
                8,
            )
        };
        for e in events.iter().take(n.max(0) as usize) {
            match e.u64 {
                KEY_DOORBELL => {
                    let mut buf = [0; 8];
                    let _ = self.event.read(&mut buf);
                }
                KEY_SIGNALS => self.read_signals(signals),
                key => ready.push(Ready { key, events: e.events }),
            }
        }
    }

    /// Waits until the doorbell rings and looks at nothing else: a system that stands still leaves the outside alone.
    pub fn wait_door(&self) {
        let mut door = libc::pollfd { fd: self.event.raw(), events: libc::POLLIN, revents: 0 };
        // SAFETY: poll writes into the one struct it is given, which outlives the call.
        unsafe { host!(poll)(&mut door, 1, -1) };
        let mut buf = [0; 8];
        let _ = self.event.read(&mut buf);
    }

    fn read_signals(&self, signals: &mut Vec<i32>) {
        let mut info = [0u8; 128];
        while self.signals.read(&mut info) == Ok(128) {
            let signo = i32::from_le_bytes([info[0], info[1], info[2], info[3]]);
            ASKED.fetch_or(matches!(signo, libc::SIGTERM | libc::SIGHUP), Ordering::Relaxed);
            signals.push(signo);
        }
    }
}

impl Door {
    /// The host's number of the vCPU's thread.
    pub fn tid(&self) -> i32 {
        self.tid
    }

    /// Makes the vCPU crash where it stands: for who has waited too long for an answer.
    pub fn abort(&self) {
        // SAFETY: tgkill takes numbers; the handler of SIGABRT reports a crash.
        unsafe { host!(syscall)(libc::SYS_tgkill, host!(getpid)(), self.tid, libc::SIGABRT) };
    }

    /// Wakes a vCPU that sleeps at the door ([`Bell::wait_door`]).
    pub fn knock(&self) {
        let one = 1u64.to_le_bytes();
        // SAFETY: writes eight bytes to an eventfd that lives as long as the process's vCPU.
        unsafe { host!(write)(self.event, one.as_ptr().cast(), 8) };
    }

    /// Rings: an idle vCPU wakes, a running guest is interrupted, kernel code notices at its next entry.
    pub fn ring(&self) {
        self.knock();
        // SAFETY: tgkill takes numbers.
        unsafe { host!(syscall)(libc::SYS_tgkill, host!(getpid)(), self.tid, SIG_DOORBELL) };
    }
}
