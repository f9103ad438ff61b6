//! What the trace says of a call beside its registers: the strings it reads, and what the descriptors it makes are
//! open on; at full detail also the structures and buffers it reads and leaves (`memory`). The call's argument kinds
//! say where to look, so that no handler has to.

mod memory;

use crate::ipc::pipe::PipeEnd;
use crate::kernel::Kernel;
use crate::task::Call;
use crate::user;
use crate::wait::Tid;
use alloc::vec::Vec;
use llano_abi::names::{F_DUPFD, F_DUPFD_CLOEXEC, SCM_RIGHTS, SOL_SOCKET};
use llano_abi::syscalls::{self, ArgKind, Ret, nr};
use llano_machine::clock;
use llano_trace::record::{BytesKind, Counter};
use llano_trace::recorder::Detail;

/// The result of a call that did not come to its end: -ERESTARTSYS, as a tracer on Linux sees it.
pub const RESTART: i64 = -512;

/// The descriptor number under which the working directory is named.
const AT_FDCWD: i32 = -100;

/// Records what a call is about to read: later it may have changed or unmapped it.
#[cold]
pub fn reads(k: &mut Kernel, tid: Tid, call: &Call) {
    let Some(row) = syscalls::lookup(call.nr) else { return };
    for (arg, &addr) in row.args.iter().zip(&call.args) {
        if matches!(arg.kind, ArgKind::Path | ArgKind::Str)
            && let Ok(text) = user::short_path(addr)
        {
            k.trace.call_bytes(clock::tsc(), tid as u32, call.nr, BytesKind::Path, addr, &text);
        }
    }
    if k.trace.detail() == Detail::Full {
        memory::read(k, tid, row, call);
    }
}

/// Records what a call has left: what the descriptors it made are open on, and the memory it wrote.
#[cold]
pub fn left(k: &mut Kernel, tid: Tid, call: &Call, value: i64) {
    if value >= 0 {
        for fd in made(call, value) {
            name(k, tid, fd);
        }
        for fd in moved(call) {
            fill(k, tid, fd);
        }
    }
    if k.trace.detail() == Detail::Full
        && let Some(row) = syscalls::lookup(call.nr)
    {
        memory::left(k, tid, row, call, value);
    }
}

/// The descriptors between which a call moves bytes.
fn moved(call: &Call) -> impl Iterator<Item = i32> {
    let fds: &[usize] = match call.nr {
        nr::READ | nr::WRITE | nr::READV | nr::WRITEV | nr::VMSPLICE => &[0],
        nr::SPLICE => &[0, 2],
        nr::TEE | nr::SENDFILE => &[0, 1],
        _ => &[],
    };
    fds.iter().map(|&at| call.args[at] as i32)
}

/// Records how full the pipe is that `fd` is open on, if it is one.
fn fill(k: &mut Kernel, tid: Tid, fd: i32) {
    let Ok(file) = k.file(tid, fd) else { return };
    if let Some(end) = file.downcast::<PipeEnd>() {
        let (pipe, bytes) = (end.pipe().number(), end.pipe().len());
        k.trace.counter(clock::tsc(), Counter::Pipe, pipe, bytes as i64);
    }
}

/// The descriptors a call has made; and [`AT_FDCWD`], if it changed the working directory.
fn made(call: &Call, value: i64) -> Vec<i32> {
    let pair = |addr| user::get::<[i32; 2]>(addr).map_or(Vec::new(), Vec::from);
    match call.nr {
        nr::PIPE | nr::PIPE2 => pair(call.args[0]),
        nr::SOCKETPAIR => pair(call.args[3]),
        nr::CHDIR | nr::FCHDIR => Vec::from([AT_FDCWD]),
        nr::RECVMSG => received(call.args[1]).unwrap_or_default(),
        nr::FCNTL if [F_DUPFD, F_DUPFD_CLOEXEC].contains(&(call.args[1] as u32)) => Vec::from([value as i32]),
        number if syscalls::lookup(number).is_some_and(|row| row.ret == Ret::Fd) => Vec::from([value as i32]),
        _ => Vec::new(),
    }
}

/// The descriptors that came with a message (`cmsg(3)`, `SCM_RIGHTS`).
fn received(message: u64) -> crate::error::Result<Vec<i32>> {
    const HEADER: usize = 16;
    // Linux passes at most 253 descriptors at once.
    const MOST: usize = 2048;
    let [.., control, length, _] = user::get::<[u64; 7]>(message)?;
    let control = user::bytes(control, (length as usize).min(MOST))?;
    let (mut fds, mut rest) = (Vec::new(), control.as_slice());
    while let Some((header, _)) = rest.split_at_checked(HEADER) {
        let word = |at| llano_abi::layout::u32_at(header, at);
        let end = (word(0) as usize).clamp(HEADER, rest.len());
        if (word(8), word(12)) == (SOL_SOCKET, SCM_RIGHTS) {
            fds.extend(rest[HEADER..end].chunks_exact(4).map(|fd| llano_abi::layout::u32_at(fd, 0) as i32));
        }
        rest = rest.get(end.next_multiple_of(8)..).unwrap_or_default();
    }
    Ok(fds)
}

/// Records the first process: its birth and the descriptors it was given.
pub fn first_task(k: &mut Kernel, tid: Tid) {
    if k.trace.on() {
        k.trace.clone_task(clock::tsc(), 0, tid as u32, tid as u32, 0);
        let given: Vec<i32> = k.task(tid).files.borrow().iter().map(|(fd, _)| fd).collect();
        for fd in core::iter::once(AT_FDCWD).chain(given) {
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

/// Records what `fd` is open on.
fn name(k: &mut Kernel, tid: Tid, fd: i32) {
    let root = k.mounts.root();
    let text = if fd == AT_FDCWD {
        k.task(tid).fs.borrow().cwd.to_bytes(&root)
    } else {
        let Ok(file) = k.task(tid).files.borrow().get(fd).cloned() else { return };
        match &file.path {
            Some(path) => path.to_bytes(&root),
            None => file.ops().label().into_bytes(),
        }
    };
    k.trace.bytes(clock::tsc(), tid as u32, BytesKind::Fd, i64::from(fd) as u64, &text);
}
