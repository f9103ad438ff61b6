//! execve and execveat (execve(2)): the syscall around [`crate::exec`].

use super::Args;
use crate::error::{Errno, Fail, Result, SysResult};
use crate::exec::{self, MAX_STRING, MAX_STRINGS, Plan, Program};
use crate::fs::Path;
use crate::fs::namei::{Follow, WalkCx, walk_to_read};
use crate::kernel::{Kernel, log, said};
use crate::mm::Mm;
use crate::task::AltStack;
use crate::user;
use crate::wait::Tid;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use llano_machine::clock;
use llano_machine::cpu::reg;
use llano_machine::overlay;
use tracing::Level;

const AT_FDCWD: i32 = -100;
const AT_EMPTY_PATH: i32 = 0x1000;
const AT_SYMLINK_NOFOLLOW: i32 = 0x100;

/// Reads a NULL-terminated array of string pointers; `left` counts down what all strings may take.
fn strings(at: u64, left: &mut usize) -> Result<Vec<Vec<u8>>> {
    let mut out = Vec::new();
    if at == 0 {
        return Ok(out);
    }
    loop {
        let p = user::get::<u64>(at + 8 * out.len() as u64)?;
        if p == 0 {
            return Ok(out);
        }
        let s = user::string(p, MAX_STRING - 1, Errno::E2BIG)?;
        *left = left.checked_sub(s.len() + 1 + 8).ok_or(Errno::E2BIG)?;
        out.push(s);
    }
}

/// execve(2).
pub fn sys_execve(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let name = user::path(a.u64(0))?;
    let path = k.lookup(t, &name)?;
    execute(k, t, path, name, a.u64(1), a.u64(2))
}

/// execveat(2).
pub fn sys_execveat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (dir, flags) = (a.i32(0), a.i32(4));
    if flags & !(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let name = user::path(a.u64(1))?;
    if name.is_empty() {
        if flags & AT_EMPTY_PATH == 0 {
            return Err(Errno::ENOENT.into());
        }
        let path = k.file(t, dir)?.path.clone().ok_or(Errno::EACCES)?;
        return execute(k, t, path, alloc::format!("/dev/fd/{dir}").into_bytes(), a.u64(2), a.u64(3));
    }
    let follow = if flags & AT_SYMLINK_NOFOLLOW != 0 { Follow::No } else { Follow::Yes };
    let path = k.lookup_at(t, dir, &name, follow)?;
    if path.node.inode.attr()?.kind() == crate::fs::inode::mode::LNK {
        return Err(Errno::ELOOP.into());
    }
    let shown = match (dir, name.first()) {
        (AT_FDCWD, _) | (_, Some(b'/')) => name,
        _ => [alloc::format!("/dev/fd/{dir}/").as_bytes(), &name].concat(),
    };
    execute(k, t, path, shown, a.u64(2), a.u64(3))
}

fn execute(k: &mut Kernel, t: Tid, path: Path, filename: Vec<u8>, argv: u64, envp: u64) -> SysResult {
    let mut left = MAX_STRINGS;
    let mut args = strings(argv, &mut left)?;
    let envp = strings(envp, &mut left)?;
    if args.is_empty() {
        args.push(Vec::new()); // as Linux since 5.18
    }
    let shown = path.clone();
    if let Err(error) = exec(k, t, path, filename, args, envp) {
        let name = shown.to_bytes(&k.mounts.root());
        log!(k, DEBUG, "exec", "task {t} cannot execute {}: {}", name.escape_ascii(), error.message());
        return Err(error.into());
    }
    Err(Fail::NoReturn)
}

/// Replaces the program of a task (and ends its process's other threads).
///
/// # Errors
/// Those of execve(2); nothing has changed then.
pub fn exec(
    k: &mut Kernel,
    t: Tid,
    path: Path,
    filename: Vec<u8>,
    argv: Vec<Vec<u8>>,
    envp: Vec<Vec<u8>>,
) -> Result<()> {
    let file = exec::open(k, t, &path)?;
    let program =
        Program { file, path: path.clone(), head: Vec::new(), filename: filename.clone(), argv, envp };
    let program = exec::resolve(k, t, path, program)?;
    let plan = Plan::read(k, t, &program)?;
    let cred = k.task(t).cred.clone();
    let stack = exec::stack_size(k, t);
    k.room_for_maps()?;
    let own = k.task(t).mm.clone();
    if let Some((at, len)) = plan.fixed_range() {
        k.contest(&Rc::default(), at, at + len);
    }
    let loaded = plan.load(&mut k.space, &program, &cred, stack).inspect_err(|_| {
        let _ = overlay::activate(own.borrow().view);
    })?;
    // From here on nothing fails.
    let t = leave_threads(k, t);
    k.vfork_done(t);
    let task = k.task_mut(t);
    task.view = loaded.mm.view;
    let old = core::mem::replace(&mut task.mm, Rc::new(RefCell::new(loaded.mm)));
    k.release_mm(own);
    k.release_mm(old);
    let comm = program.path_name(&filename);
    let task = k.task_mut(t);
    task.set_name(&comm);
    llano_machine::own::table::renamed(t, &task.comm);
    task.altstack = AltStack::default();
    task.clear_child_tid = 0;
    task.robust_list = 0;
    task.settings.keep_caps = false;
    let hand = {
        let mut hand = task.sighand.borrow().clone();
        hand.reset_handlers();
        hand
    };
    task.sighand = Rc::new(RefCell::new(hand));
    task.ctx.reset();
    let regs = task.ctx.regs_mut();
    regs.rip = loaded.entry;
    regs.regs[reg::RSP] = loaded.sp;
    let files = task.files.clone();
    if Rc::strong_count(&files) > 2 {
        task.files = Rc::new(RefCell::new(files.borrow().clone()));
    }
    drop(files);
    let files = k.task(t).files.clone();
    let closed = files.borrow_mut().take_cloexec();
    for file in closed {
        k.file_closed(t, file);
    }
    let process = k.process_of_mut(t);
    process.exe = Some(program.path.clone());
    process.did_exec = true;
    process.dumpable = true;
    k.drop_posix_timers(t);
    if k.trace.on() {
        let comm = k.task(t).name().to_vec();
        k.trace.exec(clock::tsc(), t as u32, &program.path.to_bytes(&k.mounts.root()), &comm);
    }
    told(k, t, &program, loaded.entry);
    k.images_changed();
    Ok(())
}

/// Says in the log what was loaded where.
fn told(k: &mut Kernel, t: Tid, program: &Program, entry: u64) {
    let name = program.path.to_bytes(&k.mounts.root());
    log!(k, DEBUG, "exec", "task {t} executes {}, {} arguments", name.escape_ascii(), program.argv.len());
    if !said(Level::TRACE) {
        return;
    }
    let mm = k.task(t).mm.clone();
    for image in &mm.borrow().images {
        log!(k, TRACE, "loader", "{} lies at {:#x}", image.path.escape_ascii(), image.bias);
    }
    log!(k, TRACE, "loader", "task {t} begins at {entry:#x}");
}

impl Program {
    /// The new task name: the last part of what was executed (the script, not its interpreter).
    fn path_name(&self, filename: &[u8]) -> Vec<u8> {
        filename.rsplit(|b| *b == b'/').next().unwrap_or_default().to_vec()
    }
}

/// All other threads end; the caller takes the number of the process. Returns its number.
fn leave_threads(k: &mut Kernel, t: Tid) -> Tid {
    let pid = k.task(t).pid;
    for other in k.process_of(t).threads.clone() {
        if other != t {
            k.exit_task(other, 0);
        }
    }
    if t != pid {
        k.rename_task(t, pid);
    }
    pid
}

impl Kernel {
    /// See [`Mm::room_for_maps`].
    pub fn room_for_maps(&self) -> Result<()> {
        Mm::room_for_maps(self.tables.tasks().map(|t| t.mm.clone()), self.max_maps)
    }

    /// Tells the machine whose pages lie where `mm` is about to map something of its own.
    pub fn contest(&self, mm: &Rc<RefCell<Mm>>, start: u64, end: u64) {
        let len = end.saturating_sub(start);
        let mut strange = mm.borrow().unclaimed(start, end).into_iter();
        if !self.space.is_contested(start, len) && !strange.any(|(s, e)| self.space.is_taken(s, e - s)) {
            return;
        }
        for task in self.tables.tasks().filter(|x| !Rc::ptr_eq(&x.mm, mm)) {
            let other = task.mm.borrow();
            for vma in other.vmas.range(..end).map(|(_, v)| v).filter(|v| v.end > start) {
                overlay::contest(other.view, vma.start.max(start), vma.end.min(end));
            }
        }
    }

    /// Resolves a path for a task, following links.
    pub fn lookup(&self, tid: Tid, path: &[u8]) -> Result<Path> {
        self.lookup_at(tid, AT_FDCWD, path, Follow::Yes)
    }

    /// Resolves the path of a program for a task, relative to a directory descriptor.
    pub fn lookup_at(&self, tid: Tid, dir: i32, path: &[u8], follow: Follow) -> Result<Path> {
        let task = self.task(tid);
        let fs = task.fs.borrow();
        let base = if dir == AT_FDCWD || path.first() == Some(&b'/') {
            fs.cwd.clone()
        } else {
            task.files.borrow().get(dir)?.path.clone().ok_or(Errno::ENOTDIR)?
        };
        walk_to_read(
            &WalkCx { mounts: &self.mounts, root: &fs.root, cred: &task.cred, resolve: 0 },
            &base,
            path,
            follow,
        )
    }

    /// A thread takes another number (the process's, when it executes a program).
    fn rename_task(&mut self, from: Tid, to: Tid) {
        let Some(mut task) = self.tables.remove_task(from) else { return };
        task.tid = to;
        let process = self.tables.process_mut(task.pid).expect("a task has a process");
        process.threads = alloc::vec![to];
        let children = process.children.clone();
        self.tables.add_task(task);
        for child in children {
            if let Some(child) = self.tables.process_mut(child) {
                child.parent_thread = to;
            }
        }
        self.sched.rename(from, to);
        self.debug.renamed(from, to);
        if self.running == from {
            self.running = to;
            llano_machine::own::table::run(to);
        }
    }

    /// A descriptor of a task was closed and this was its file: what must happen before it is dropped.
    pub fn file_closed(&mut self, tid: Tid, file: Rc<crate::fs::file::File>) {
        file.ops().flush(&file);
        super::inotify::tell_closed(self, &file);
        super::locks::closed(self, tid, &file);
    }
}
