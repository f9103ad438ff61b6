//! Sockets that nobody can reach: their files are only in messages to each other.
//!
//! A socket's file that is referred to by as many messages as it has references at all is a candidate. Candidates whose
//! messages lie in inboxes of reachable sockets are reachable, and so is what lies in theirs; the rest is garbage, and
//! its inboxes are emptied (unix(7) says nothing of it; Linux does the same in `net/unix/garbage.c`).

use super::{Socket, SocketFile};
use crate::env::Env;
use crate::fs::file::File;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// Files on their way.
#[derive(Default)]
pub struct Flights {
    /// How many files of any kind are in messages.
    pub count: Cell<usize>,
    /// Sockets' files that were sent some time.
    sockets: RefCell<Vec<Weak<File>>>,
    /// Collect when so many of those exist.
    threshold: Cell<usize>,
    /// Files that were in dropped messages: closed one after the other, however deep they were nested.
    buried: RefCell<Vec<Rc<File>>>,
    closing: Cell<bool>,
    collecting: Cell<bool>,
}

impl Flights {
    pub(super) fn note(&self, files: &[Rc<File>]) {
        let mut sockets = self.sockets.borrow_mut();
        for file in files {
            if file.downcast::<SocketFile>().is_some_and(|s| !s.0.listed.replace(true)) {
                sockets.push(Rc::downgrade(file));
            }
        }
    }

    pub(super) fn bury(&self, env: &Rc<Env>, files: Vec<Rc<File>>) {
        self.buried.borrow_mut().extend(files);
        if self.closing.replace(true) {
            return;
        }
        loop {
            let file = self.buried.borrow_mut().pop();
            if file.is_none() {
                break;
            }
        }
        self.closing.set(false);
        after_close(env);
    }
}

/// Collects after a socket was closed, if sockets are on their way.
pub(super) fn after_close(env: &Rc<Env>) {
    let flights = &env.ipc.flights;
    if !flights.closing.get() && !flights.sockets.borrow().is_empty() {
        collect(env);
    }
}

/// Collects before sending sockets, if many are on their way.
pub fn before_send(env: &Rc<Env>) {
    let flights = &env.ipc.flights;
    if flights.sockets.borrow().len() >= flights.threshold.get().max(16) {
        collect(env);
        flights.threshold.set(flights.sockets.borrow().len() * 2);
    }
}

/// Empties the inboxes of sockets that nobody can reach.
pub fn collect(env: &Rc<Env>) {
    let flights = &env.ipc.flights;
    if flights.collecting.replace(true) {
        return;
    }
    let mut sockets = flights.sockets.borrow_mut();
    sockets.retain(|file| {
        let socket = file.upgrade().and_then(|f| socket_of(&f));
        socket.is_some_and(|s| {
            s.listed.set(s.flying.get() > 0);
            s.listed.get()
        })
    });
    let files: Vec<Rc<File>> = sockets.iter().filter_map(Weak::upgrade).collect();
    drop(sockets);
    // `files` itself holds one reference of each.
    let candidates: BTreeMap<usize, Rc<Socket>> = files
        .iter()
        .filter_map(|file| Some((file, socket_of(file)?)))
        .filter(|(file, socket)| Rc::strong_count(file) - 1 == socket.flying.get())
        .map(|(_, socket)| (Rc::as_ptr(&socket) as usize, socket))
        .collect();
    let mut inside: BTreeMap<usize, usize> = BTreeMap::new();
    for socket in candidates.values() {
        for held in held_by(socket) {
            *inside.entry(held).or_default() += 1;
        }
    }
    let mut garbage = candidates;
    let mut reachable: Vec<usize> = garbage
        .iter()
        .filter(|(id, socket)| socket.flying.get() > inside.get(id).copied().unwrap_or(0))
        .map(|(id, _)| *id)
        .collect();
    while let Some(id) = reachable.pop() {
        if let Some(socket) = garbage.remove(&id) {
            reachable.extend(held_by(&socket));
        }
    }
    drop(files);
    for socket in garbage.values() {
        let mut state = socket.state.borrow_mut();
        let (inbox, backlog) = (core::mem::take(&mut state.inbox), core::mem::take(&mut state.backlog));
        drop(state);
        drop(inbox);
        backlog.iter().for_each(|connection| connection.close());
    }
    flights.collecting.set(false);
}

fn socket_of(file: &File) -> Option<Rc<Socket>> {
    file.downcast::<SocketFile>().map(|s| s.0.clone())
}

/// The sockets in messages to this one, and to connections it has not accepted.
fn held_by(socket: &Socket) -> Vec<usize> {
    let state = socket.state.borrow();
    let mut held: Vec<usize> = Vec::new();
    for mark in &state.inbox.marks {
        let files = mark.rights.iter().flat_map(|r| r.files());
        held.extend(files.filter_map(|f| socket_of(f)).map(|s| Rc::as_ptr(&s) as usize));
    }
    for connection in &state.backlog {
        held.extend(held_by(connection));
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::file::oflag;
    use crate::ipc::tests::{env, pipe};
    use crate::ipc::unix::{Kind, Outgoing};
    use crate::user::Src;
    use alloc::boxed::Box;
    use alloc::vec;
    use llano_abi::socket::Ucred;

    fn pair(env: &Rc<Env>) -> [Rc<File>; 2] {
        let (a, b) = Socket::pair(env, Kind::Stream, Ucred::default());
        [a, b].map(|s| File::new(Box::new(SocketFile(s)), oflag::RDWR, None))
    }

    fn pass(over: &File, files: Vec<Rc<File>>) {
        let mut out = Outgoing { files, ..Outgoing::new(Ucred::default()) };
        socket_of(over).unwrap().send(&mut Src::Kernel(b"f"), &mut out).unwrap();
    }

    #[test]
    fn sockets_that_hold_themselves_are_collected() {
        let env = env();
        let (r, w) = pipe(&env, 0);
        let [a, b] = pair(&env);
        pass(&a, vec![b.clone(), w.clone()]);
        pass(&b, vec![a.clone()]);
        drop(w);
        assert_eq!(env.ipc.flights.count.get(), 3);
        collect(&env);
        assert_eq!(env.ipc.flights.count.get(), 3, "still reachable");
        drop((a, b));
        collect(&env);
        assert_eq!(env.ipc.flights.count.get(), 0);
        assert_eq!(crate::ipc::tests::read(&r, 1), Ok(vec![]), "the pipe in the message was closed");
    }

    #[test]
    fn sockets_on_their_way_to_someone_stay() {
        let env = env();
        let [outer, keep] = pair(&env);
        let [a, b] = pair(&env);
        pass(&b, vec![b.clone()]);
        pass(&outer, vec![a.clone()]);
        drop((a, b));
        collect(&env);
        assert_eq!(env.ipc.flights.count.get(), 2);
        drop((outer, keep));
        assert_eq!(env.ipc.flights.count.get(), 0);
    }

    #[test]
    fn deep_nesting_is_closed_without_recursion() {
        let env = env();
        let [mut last, mut keep] = pair(&env);
        for _ in 0..20_000 {
            let [a, b] = pair(&env);
            pass(&a, vec![last, keep]);
            (last, keep) = (a, b);
        }
        drop((last, keep));
        assert_eq!(env.ipc.flights.count.get(), 0);
    }
}
