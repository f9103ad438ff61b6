//! A terminal as the rest of the kernel holds it: the pair, who waits on it, what it wants sent.

use super::console::Host;
use super::{Effects, Pty};
use crate::env::Env;
use crate::wait::{WaitQueue, poll};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// To whom a terminal's signal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// All processes of a process group.
    Group(i32),
    /// The leader of a session, which loses its terminal.
    Leader(i32),
}

/// Signals that terminals want sent. One list, shared by all; the run loop drains it.
#[derive(Debug, Clone, Default)]
pub struct Outbox(Rc<List>);

#[derive(Debug, Default)]
struct List {
    letters: RefCell<Vec<(Target, u32)>>,
    any: Cell<bool>,
}

impl Outbox {
    /// Whether anything is to be sent: one load.
    #[inline]
    pub fn any(&self) -> bool {
        self.0.any.get()
    }

    /// Takes all of it, oldest first.
    pub fn take(&self) -> Vec<(Target, u32)> {
        self.0.any.set(false);
        core::mem::take(&mut *self.0.letters.borrow_mut())
    }

    fn push(&self, target: Target, signal: u32) {
        self.0.letters.borrow_mut().push((target, signal));
        self.0.any.set(true);
    }
}

/// What the master side is.
pub(super) enum Master {
    /// A file some process holds; here its readers and writers wait.
    File(WaitQueue),
    /// The host's terminal.
    Host(Host),
}

/// A terminal. Processes, files and the table of terminals share it.
pub struct Terminal {
    pair: RefCell<Pty>,
    /// Where readers, writers and pollers of the slave wait.
    pub(super) queue: WaitQueue,
    pub(super) master: Master,
    outbox: Outbox,
    pub(super) env: Rc<Env>,
    /// `TIOCEXCL`: nobody but root opens it further.
    pub(super) exclusive: Cell<bool>,
    /// Permission bits, owner and group of the slave's inode.
    pub(super) owner: Cell<(u32, u32, u32)>,
    /// When it was made, ns since 1970.
    pub(super) made: u64,
}

/// A shared terminal.
pub type TtyRef = Rc<Terminal>;

impl core::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.name())
    }
}

impl Terminal {
    pub(super) fn new(
        env: &Rc<Env>,
        outbox: &Outbox,
        pair: Pty,
        master: Master,
        owner: (u32, u32),
    ) -> Terminal {
        Terminal {
            pair: RefCell::new(pair),
            queue: env.queue(),
            master,
            outbox: outbox.clone(),
            env: env.clone(),
            exclusive: Cell::new(false),
            owner: Cell::new((0o620, owner.0, owner.1)),
            made: env.realtime_ns(),
        }
    }

    /// Whether it is the host's terminal.
    pub fn is_console(&self) -> bool {
        matches!(self.master, Master::Host(_))
    }

    /// `console` or `pts/N`, as `ps` and `/proc` name it.
    pub fn name(&self) -> alloc::string::String {
        if self.is_console() {
            "console".into()
        } else {
            alloc::format!("pts/{}", self.pair.borrow().number())
        }
    }

    /// Its device number: 5:1 for the console, 136:N for a pty slave.
    pub fn rdev(&self) -> u64 {
        if self.is_console() {
            return 5 << 8 | 1;
        }
        let minor = u64::from(self.pair.borrow().number());
        136 << 8 | minor & 0xff | (minor & !0xff) << 12
    }

    /// Looks at the pair.
    pub fn look<R>(&self, f: impl FnOnce(&Pty) -> R) -> R {
        f(&self.pair.borrow())
    }

    /// Does something with the pair, then what follows from it: wakes, and queues signals for the run loop.
    pub fn with<R>(&self, f: impl FnOnce(&mut Pty) -> R) -> R {
        let (result, effects, foreground) = {
            let mut pair = self.pair.borrow_mut();
            let result = f(&mut pair);
            (result, pair.slave.take_effects(), pair.slave.foreground())
        };
        self.act(effects, foreground);
        result
    }

    fn act(&self, effects: Effects, foreground: i32) {
        if effects.slave {
            self.queue.wake(poll::IN | poll::OUT | poll::RDNORM | poll::WRNORM);
        }
        if effects.master {
            match &self.master {
                Master::File(queue) => {
                    queue.wake(poll::IN | poll::OUT | poll::PRI | poll::RDNORM | poll::WRNORM);
                }
                Master::Host(_) => self.show(),
            }
        }
        if foreground != 0 {
            effects.signals().for_each(|signal| self.outbox.push(Target::Group(foreground), signal));
        }
    }

    /// Bytes from the host's terminal, if this is the console and they are there.
    pub(super) fn host_ready(&self) {
        if let Master::Host(host) = &self.master {
            let still_there = self.with(|pair| host.listen(pair));
            if !still_there {
                self.hang_up();
            }
            self.show();
        }
    }

    /// Hands the console's output to the host; writers may find room then.
    fn show(&self) {
        if let Master::Host(host) = &self.master {
            host.show(&self.pair, &self.env);
            if self.pair.borrow_mut().slave.take_effects().slave {
                self.queue.wake(poll::OUT | poll::WRNORM);
            }
        }
    }

    /// Shows the rest of the console's output, waiting for the host.
    pub(super) fn finish(&self) {
        if let Master::Host(host) = &self.master {
            host.finish(&self.pair);
        }
    }

    /// The other side is gone: readers get end of file, the session's leader SIGHUP and SIGCONT.
    pub fn hang_up(&self) {
        let session = self.with(|pair| {
            let session = pair.slave.session();
            pair.slave.hang_up();
            pair.slave.clear_session();
            session
        });
        self.queue.wake(poll::ERR | poll::HUP);
        if session != 0 {
            self.outbox.push(Target::Leader(session), super::signal::HUP);
            self.outbox.push(Target::Leader(session), super::signal::CONT);
        }
    }

    /// The session's leader gave the terminal up: the foreground gets SIGHUP and SIGCONT.
    pub fn disown(&self) {
        let foreground = self.leave();
        if foreground != 0 {
            self.outbox.push(Target::Group(foreground), super::signal::HUP);
            self.outbox.push(Target::Group(foreground), super::signal::CONT);
        }
    }

    /// The session's leader ended: the foreground gets SIGHUP. The terminal itself goes on.
    pub fn leader_ended(&self) {
        let foreground = self.leave();
        if foreground != 0 {
            self.outbox.push(Target::Group(foreground), super::signal::HUP);
        }
    }

    /// Belongs to no session any more; returns the foreground group it had.
    fn leave(&self) -> i32 {
        self.with(|pair| {
            let foreground = pair.slave.foreground();
            pair.slave.clear_session();
            foreground
        })
    }
}
