//! Terminals and tasks: job control, controlling terminals, and the ioctls about them. What concerns the terminal
//! alone is the noun's ([`crate::tty::ioctl`]).

use crate::cred::Cred;
use crate::error::{Errno, Fail, Result, SysResult};
use crate::fs::file::{File, oflag};
use crate::fs::hostfs::Owners;
use crate::fs::inode::{Attr, mode};
use crate::fs::namei::{Follow, WalkCx, walk};
use crate::fs::{console, devfs};
use crate::kernel::Kernel;
use crate::signal;
use crate::sigstate::{SIG_IGN, SigInfo, code};
use crate::task::Pid;
use crate::tty::terminal::Target;
use crate::tty::{Background, Side, Timer, TtyFile, TtyRef, Verdict, Wish, ioctl};
use crate::user;
use crate::wait::Tid;
use alloc::rc::Rc;
use alloc::vec::Vec;
use llano_abi::stat::makedev;
use llano_abi::termios::*;
use llano_machine::term;

/// Sends the signals that terminals want sent; the run loop calls this while
/// [`Outbox::any`](crate::tty::terminal::Outbox::any).
pub fn send_signals(k: &mut Kernel) {
    for (target, number) in k.terminals.outbox.take() {
        let info = SigInfo::new(number as i32, code::SI_KERNEL);
        match target {
            // A group that is gone has nobody to tell.
            Target::Group(group) => {
                let _ = signal::send_to_group(k, None, group, number as i32, info);
            }
            Target::Leader(session) => {
                forget_terminal(k, session);
                signal::send_to_process(k, session, info);
            }
        }
    }
}

/// The processes of a session lose their terminal.
fn forget_terminal(k: &mut Kernel, session: Pid) {
    let members: Vec<Pid> = k.tables.processes().filter(|p| p.sid == session).map(|p| p.pid).collect();
    for pid in members {
        if let Some(process) = k.tables.process_mut(pid) {
            process.tty = None;
        }
    }
}

impl Kernel {
    /// The leader of a session ended: its processes lose the terminal, and the foreground gets SIGHUP.
    pub fn session_over(&mut self, leader: Pid) {
        let terminal = self.tables.process(leader).and_then(|p| p.tty.clone());
        forget_terminal(self, leader);
        if let Some(terminal) = terminal {
            terminal.leader_ended();
        }
    }
}

/// Job control: whether the task may read, write or change a terminal now. A background process is stopped and
/// its call made again afterwards, or refused.
///
/// # Errors
/// `EIO`; interrupted by `SIGTTIN` or `SIGTTOU`.
pub fn may(k: &mut Kernel, tid: Tid, file: &TtyFile, wish: Wish) -> Result<(), Fail> {
    let process = k.process_of(tid);
    let group = process.pgid;
    let mine = process.tty.as_ref().is_some_and(|tty| Rc::ptr_eq(tty, &file.terminal));
    if !mine || file.side == Side::Master || !file.terminal.look(|pair| pair.slave.is_background(group, wish))
    {
        return Ok(());
    }
    let number = wish.signal() as i32;
    let task = k.task(tid);
    let heedless = task.sigmask.has(number) || task.sighand.borrow().get(number).handler == SIG_IGN;
    match wish.verdict(Background { heedless, orphaned: k.orphaned_group(group) }) {
        Verdict::Allowed => Ok(()),
        Verdict::Refused => Err(Errno::EIO.into()),
        Verdict::Stop => {
            signal::send_to_group(k, None, group, number, SigInfo::new(number, code::SI_KERNEL))?;
            Err(Fail::Interrupted)
        }
    }
}

/// When a read of a terminal that found nothing ends all the same (VTIME), monotonic ns. Between bytes the time
/// starts anew at each.
pub fn read_deadline(k: &mut Kernel, tid: Tid, file: &TtyFile) -> Option<u64> {
    let now = k.now();
    let there = file.terminal.look(|pair| pair.slave.input_len()) as u64;
    let progress = &mut k.task_mut(tid).progress;
    match file.read_timer() {
        Timer::None => None,
        Timer::Whole(ns) => Some(*progress.deadline.get_or_insert(now + ns)),
        Timer::Gap(ns) => {
            if progress.value != there {
                progress.value = there;
                progress.deadline = Some(now + ns);
            }
            progress.deadline
        }
    }
}

/// A terminal was opened: it becomes the controlling terminal of a session leader that has none, unless O_NOCTTY says
/// no.
pub fn opened(k: &mut Kernel, tid: Tid, file: &File) {
    let Some(tty) = file.downcast::<TtyFile>() else { return };
    let process = k.process_of(tid);
    let fits = process.sid == process.pid && process.tty.is_none() && file.readable();
    let free = tty.terminal.look(|pair| pair.slave.session()) == 0;
    if tty.side == Side::Slave
        && fits
        && free
        && file.flags.get() & oflag::NOCTTY == 0
        && !tty.terminal.is_console()
    {
        take(k, tid, &tty.terminal);
    }
}

/// Makes a terminal the task's controlling terminal.
pub fn take(k: &mut Kernel, tid: Tid, terminal: &TtyRef) {
    let process = k.process_of_mut(tid);
    process.tty = Some(terminal.clone());
    let (session, group) = (process.sid, process.pgid);
    terminal.with(|pair| pair.slave.set_session(session, group));
}

/// What the first process gets as standard input, output and error. If llano's own input and output are a terminal and
/// llano is in its foreground, that becomes the console and the guest's; the host's `/dev/null` is the guest's own; all
/// else passes through as it is.
pub fn standard_files(k: &Kernel, cred: &Cred, owners: Owners) -> [Option<Rc<File>>; 3] {
    let console = (term::is_foreground(0) && term::is_tty(1)).then(|| open_console(k, cred).ok()).flatten();
    let through = [0, 1, 2].map(|fd| console.is_none() || !term::is_tty(fd));
    let mut files = console::open(&k.env, owners, through);
    for (file, through) in files.iter_mut().zip(through) {
        if !through {
            *file = console.clone();
        }
    }
    for file in files.iter_mut().flatten() {
        if let Some(own) = own_null(k, cred, file) {
            *file = own;
        }
    }
    files
}

/// The guest's `/dev/null`, if `file` is the host's: programs compare descriptors with that name (stat(2)).
fn own_null(k: &Kernel, cred: &Cred, file: &File) -> Option<Rc<File>> {
    let null = |attr: Attr| attr.kind() == mode::CHR && attr.rdev == makedev(1, 3);
    if !null(file.ops().attr()) {
        return None;
    }
    let root = k.mounts.root();
    let cx = WalkCx { mounts: &k.mounts, root: &root, cred, resolve: 0 };
    let path = walk(&cx, &root, b"/dev/null", Follow::Yes).ok()?;
    let rdev = path.inode().attr().ok().filter(|attr| null(*attr))?.rdev;
    Some(File::new(devfs::open(&k.env, rdev)?, file.flags.get(), Some(path)))
}

/// Makes the host's terminal the console and opens that, by its name in the tree if it has one there.
fn open_console(k: &Kernel, cred: &Cred) -> Result<Rc<File>> {
    let terminal = k.terminals.open_host()?;
    let root = k.mounts.root();
    let cx = WalkCx { mounts: &k.mounts, root: &root, cred, resolve: 0 };
    let path = walk(&cx, &root, b"/dev/console", Follow::Yes).ok();
    Ok(File::new(k.terminals.open(&terminal, cred)?, oflag::RDWR, path))
}

/// Gives the console to the first process's session, as a login program would. An init gets none, as on Linux:
/// the terminal is for the sessions it starts.
pub fn lend_console(k: &mut Kernel, tid: Tid, program: &[u8]) {
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or(program);
    if let Some(console) = k.terminals.console()
        && name != b"init"
    {
        take(k, tid, &console);
    }
}

/// ioctl(2) on a terminal.
pub fn terminal_ioctl(k: &mut Kernel, tid: Tid, file: &File, tty: &TtyFile, cmd: u32, arg: u64) -> SysResult {
    if tty.is_hung_up() {
        return Err(if cmd == TIOCSPGRP { Errno::ENOTTY } else { Errno::EIO }.into());
    }
    if ioctl::changes(cmd) {
        may(k, tid, tty, Wish::Change)?;
    }
    match cmd {
        TIOCSCTTY => set_controlling(k, tid, file, tty, arg)?,
        TIOCNOTTY => give_up(k, tid, tty)?,
        TIOCGPGRP => {
            must_see(k, tid, tty)?;
            user::put(arg, &tty.terminal.look(|pair| pair.slave.foreground()))?;
        }
        TIOCSPGRP => return set_foreground(k, tid, tty, arg),
        TIOCGSID => {
            must_see(k, tid, tty)?;
            match tty.terminal.look(|pair| pair.slave.session()) {
                0 => return Err(Errno::ENOTTY.into()),
                session => user::put(arg, &session)?,
            }
        }
        TIOCSTI => {
            if !controls(k, tid, tty) && !k.task(tid).cred.privileged() {
                return Err(Errno::EPERM.into());
            }
            let byte: u8 = user::get(arg)?;
            tty.terminal.with(|pair| pair.write(&[byte]));
        }
        TIOCVHANGUP => {
            if !k.task(tid).cred.privileged() {
                return Err(Errno::EPERM.into());
            }
            tty.terminal.hang_up();
        }
        TIOCGPTPEER if tty.side == Side::Master => {
            let flags = arg as u32;
            let cred = k.task(tid).cred.clone();
            let ops = k.terminals.open(&tty.terminal, &cred)?;
            let peer = File::new(ops, flags & !oflag::CLOEXEC, None);
            opened(k, tid, &peer);
            return Ok(k.install(tid, peer, flags & oflag::CLOEXEC != 0)?.into());
        }
        _ => return Ok(file.ops().ioctl(file, cmd, arg)?),
    }
    Ok(0)
}

/// Whether this is the task's controlling terminal.
fn controls(k: &Kernel, tid: Tid, tty: &TtyFile) -> bool {
    k.process_of(tid).tty.as_ref().is_some_and(|mine| Rc::ptr_eq(mine, &tty.terminal))
}

/// At the slave only its own processes may ask for group and session; at the master whoever holds it.
fn must_see(k: &Kernel, tid: Tid, tty: &TtyFile) -> Result<()> {
    if tty.side == Side::Master || controls(k, tid, tty) { Ok(()) } else { Err(Errno::ENOTTY) }
}

fn set_controlling(k: &mut Kernel, tid: Tid, file: &File, tty: &TtyFile, steal: u64) -> Result<()> {
    let process = k.process_of(tid);
    let session = tty.terminal.look(|pair| pair.slave.session());
    let leader = process.sid == process.pid;
    if leader && controls(k, tid, tty) && session == process.sid {
        return Ok(());
    }
    let privileged = k.task(tid).cred.privileged();
    let refused = !leader || process.tty.is_some() || (!file.readable() && !privileged);
    if refused || tty.side == Side::Master || (session != 0 && !(steal == 1 && privileged)) {
        return Err(Errno::EPERM);
    }
    if session != 0 {
        forget_terminal(k, session);
    }
    take(k, tid, &tty.terminal);
    Ok(())
}

fn give_up(k: &mut Kernel, tid: Tid, tty: &TtyFile) -> Result<()> {
    if !controls(k, tid, tty) {
        return Err(Errno::ENOTTY);
    }
    let process = k.process_of_mut(tid);
    let pid = process.pid;
    if process.sid == pid {
        forget_terminal(k, pid);
        tty.terminal.disown();
    } else {
        process.tty = None;
    }
    Ok(())
}

fn set_foreground(k: &mut Kernel, tid: Tid, tty: &TtyFile, arg: u64) -> SysResult {
    match may(k, tid, tty, Wish::Change) {
        Err(Fail::Err(_)) => return Err(Errno::ENOTTY.into()),
        other => other?,
    }
    let session = k.process_of(tid).sid;
    if !controls(k, tid, tty) || tty.terminal.look(|pair| pair.slave.session()) != session {
        return Err(Errno::ENOTTY.into());
    }
    let group: Pid = user::get(arg)?;
    if group < 0 {
        return Err(Errno::EINVAL.into());
    }
    let member = k.tables.processes().find(|p| p.pgid == group).ok_or(Errno::ESRCH)?;
    if member.sid != session {
        return Err(Errno::EPERM.into());
    }
    tty.terminal.with(|pair| pair.slave.set_foreground(group));
    Ok(0)
}
