//! What the trace says of a call beside its registers: the strings it reads, and what the descriptors it makes are
//! open on. The call's argument kinds say where to look, so that no handler has to.

use crate::kernel::Kernel;
use crate::task::Call;
use crate::user;
use crate::wait::Tid;
use alloc::vec::Vec;
use llano_abi::names::{F_DUPFD, F_DUPFD_CLOEXEC};
use llano_abi::syscalls::{self, ArgKind, Ret, nr};
use llano_machine::clock;
use llano_trace::record::BytesKind;

/// The result of a call that did not come to its end: -ERESTARTSYS, as a tracer on Linux sees it.
pub const RESTART: i64 = -512;

/// Records the strings that a call is about to read: later it may have changed or unmapped them.
#[cold]
pub fn strings(k: &mut Kernel, tid: Tid, call: &Call) {
    let Some(row) = syscalls::lookup(call.nr) else { return };
    for (arg, &addr) in row.args.iter().zip(&call.args) {
        if matches!(arg.kind, ArgKind::Path | ArgKind::Str)
            && let Ok(text) = user::path(addr)
        {
            k.trace.call_bytes(clock::tsc(), tid as u32, call.nr, BytesKind::Path, addr, &text);
        }
    }
}

/// Records what the descriptors that a call has made are open on.
#[inline]
pub fn descriptors(k: &mut Kernel, tid: Tid, call: &Call, value: i64) {
    let pair = |addr| user::get::<[i32; 2]>(addr).ok();
    let made = match call.nr {
        _ if value < 0 => return,
        nr::PIPE | nr::PIPE2 => pair(call.args[0]),
        nr::SOCKETPAIR => pair(call.args[3]),
        nr::FCNTL if [F_DUPFD, F_DUPFD_CLOEXEC].contains(&(call.args[1] as u32)) => Some([value as i32; 2]),
        number if syscalls::lookup(number).is_some_and(|row| row.ret == Ret::Fd) => Some([value as i32; 2]),
        _ => None,
    };
    let Some([first, second]) = made else { return };
    name(k, tid, first);
    if second != first {
        name(k, tid, second);
    }
}

/// Records the first process: its birth and the descriptors it was given.
pub fn first_task(k: &mut Kernel, tid: Tid) {
    if k.trace.on() {
        k.trace.clone_task(clock::tsc(), 0, tid as u32, tid as u32, 0);
        let given: Vec<i32> = k.task(tid).files.borrow().iter().map(|(fd, _)| fd).collect();
        for fd in given {
            name(k, tid, fd);
        }
    }
}

/// Records every task as it is now, for a recording that begins in the middle: its birth, its name, its descriptors.
pub fn all_tasks(k: &mut Kernel) {
    let tasks: Vec<(Tid, Tid)> = k.tables.tasks().map(|task| (task.tid, task.pid)).collect();
    for (tid, pid) in tasks {
        let parent = if tid == pid { k.tables.process(pid).map_or(0, |p| p.parent) } else { pid };
        k.trace.clone_task(clock::tsc(), parent as u32, tid as u32, pid as u32, 0);
        let comm = k.task(tid).name().to_vec();
        k.trace.bytes(clock::tsc(), tid as u32, BytesKind::Comm, 0, &comm);
        let open: Vec<i32> = k.task(tid).files.borrow().iter().map(|(fd, _)| fd).collect();
        for fd in open {
            name(k, tid, fd);
        }
    }
}

/// Records the end of a task and the call that it ends in: its exit, or the one in which it was killed.
pub fn exit(k: &mut Kernel, tid: Tid, call: Option<Call>, status: i32) {
    if !k.trace.on() {
        return;
    }
    let now = clock::tsc();
    if let Some(call) = call.filter(|call| call.start != 0) {
        let result = if [nr::EXIT, nr::EXIT_GROUP].contains(&call.nr) { 0 } else { RESTART };
        k.trace.syscall(call.start, now, tid as u32, call.nr, result, &call.args);
    }
    k.trace.exit(now, tid as u32, status);
}

#[cold]
fn name(k: &mut Kernel, tid: Tid, fd: i32) {
    let Ok(file) = k.task(tid).files.borrow().get(fd).cloned() else { return };
    let text = match &file.path {
        Some(path) => path.to_bytes(&k.mounts.root()),
        None => file.ops().label().into_bytes(),
    };
    k.trace.bytes(clock::tsc(), tid as u32, BytesKind::Fd, fd as u64, &text);
}
