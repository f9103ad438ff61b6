//! /proc: names and shapes of its files; what is in them only the kernel knows.
//!
//! An inode knows no task, and low code does not call high code. So a file that needs to know something puts a
//! [`Query`] where the kernel finds it and fails with [`ASK`], an error that no guest ever sees: the syscall layer
//! answers the query ([`crate::procfs`]) and invokes the call again, which then finds its answer. Answers live as long
//! as the call, so that they are never old. Calls decide before they change anything and paths are walked first, so
//! invoking one again is harmless.
//!
//! - `names`: the tables of names
//! - `node`: inodes and listings
//! - `open`: open files

mod names;
mod node;
mod open;

pub use open::FdInode;

use super::Path;
use super::inode::Inode;
use crate::env::Env;
use crate::error::{Errno, Result};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

/// "Answer [`Questions::wanted`] and invoke the call again." Like Linux's ERESTARTSYS it never leaves the kernel.
pub const ASK: Errno = Errno(600);

/// Whose files: /proc/PID, or /proc/PID/task/TID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// The number in /proc: a process's, or that of one of its threads.
    pub pid: i32,
    /// The thread.
    pub tid: Option<i32>,
}

/// What an inode wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Process and thread of the caller: [`Answer::Numbers`].
    Caller,
    /// Whether memory is as with an MMU: [`Answer::Numbers`], 0 or 1.
    Mmu,
    /// All processes: [`Answer::Numbers`].
    Processes,
    /// All threads of a process: [`Answer::Numbers`].
    Threads(i32),
    /// All descriptors: [`Answer::Numbers`].
    Descriptors(Who),
    /// Whether it exists, and to whom its files belong: [`Answer::Owner`].
    Owner(Who),
    /// What is in a file: [`Answer::Text`].
    Text(Option<Who>, &'static str),
    /// What is in fdinfo/N: [`Answer::Text`].
    DescriptorText(Who, i32),
    /// Where cwd, root or exe lead: [`Answer::Link`].
    Link(Who, &'static str),
    /// Where fd/N leads: [`Answer::Link`].
    DescriptorLink(Who, i32),
    /// Writes a file: [`Answer::Done`].
    Store(Option<Who>, &'static str, Vec<u8>),
    /// Memory at an address, at most so many bytes: [`Answer::Text`].
    Memory(Who, u64, usize),
    /// Writes memory: [`Answer::Done`].
    StoreMemory(Who, u64, Vec<u8>),
    /// Puts a program's word into the trace: [`Answer::Done`].
    Mark(Vec<u8>),
}

/// What the kernel says.
#[derive(Clone)]
pub enum Answer {
    /// Numbers, ascending.
    Numbers(Vec<i32>),
    /// User and group.
    Owner(u32, u32),
    /// Contents.
    Text(Vec<u8>),
    /// Where a magic link leads.
    Link(Target),
    /// It was done; so many bytes.
    Done(usize),
}

/// Where a magic link leads.
#[derive(Clone)]
pub struct Target {
    /// What readlink(2) tells.
    pub text: Vec<u8>,
    /// The place itself.
    pub path: Path,
    /// Permission bits of the link: how the descriptor was opened.
    pub permissions: u32,
}

/// Queries and their answers, during one call.
#[derive(Default)]
pub struct Questions {
    wanted: RefCell<Option<Query>>,
    answers: RefCell<Vec<(Query, Result<Answer>)>>,
}

impl Questions {
    /// The answer to a query, if the kernel has given it.
    ///
    /// # Errors
    /// [`ASK`] if not; else what the kernel answered.
    pub(super) fn ask(&self, query: Query) -> Result<Answer> {
        let answer = self.answers.borrow().iter().find(|(q, _)| *q == query).map(|(_, a)| a.clone());
        answer.unwrap_or_else(|| {
            *self.wanted.borrow_mut() = Some(query);
            Err(ASK)
        })
    }

    /// What the call that failed with [`ASK`] wants to know.
    pub fn wanted(&self) -> Option<Query> {
        self.wanted.borrow_mut().take()
    }

    /// Keeps an answer for the call's next invocation.
    pub fn answer(&self, query: Query, answer: Result<Answer>) {
        self.answers.borrow_mut().push((query, answer));
    }

    /// The call is over.
    pub fn forget(&self) {
        self.answers.borrow_mut().clear();
    }
}

/// The filesystem's top.
pub fn mount(env: &Rc<Env>) -> Rc<dyn Inode> {
    node::root(env)
}
