//! open(2), openat(2), openat2(2), creat(2), memfd_create(2).

use super::Args;
use super::inotify;
use super::place::{self, AT_FDCWD, PathArgument, Seeker};
use crate::error::{Errno, Fail, Result, SysResult};
use crate::fs::file::{Directory, File, FileOps, oflag};
use crate::fs::inode::{Attr, NewFile, mode};
use crate::fs::mount::flag;
use crate::fs::namei::{Follow, Last, Link, WalkCx, Walker, resolve};
use crate::fs::path::Node;
use crate::fs::procfs::FdInode;
use crate::fs::{Path, devfs, tmpfs};
use crate::ipc::inotify::bits;
use crate::ipc::pipe::PipeEnd;
use crate::kernel::Kernel;
use crate::task::process::rlimit;
use crate::user;
use crate::wait::{Tid, Wait, Why};
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use llano_abi::names::{F_SEAL_EXEC, F_SEAL_SEAL};
use llano_abi::stat::{OpenHow, makedev};

/// What a call of the open family asks for.
#[derive(Debug, Clone, Copy)]
struct How {
    flags: u32,
    mode: u32,
    resolve: u32,
}

/// open(2).
pub fn sys_open(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    open_at(k, t, AT_FDCWD, a.u64(0), How { flags: a.u32(1), mode: a.u32(2), resolve: 0 })
}

/// creat(2).
pub fn sys_creat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let flags = oflag::CREAT | oflag::WRONLY | oflag::TRUNC;
    open_at(k, t, AT_FDCWD, a.u64(0), How { flags, mode: a.u32(1), resolve: 0 })
}

/// openat(2).
pub fn sys_openat(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    open_at(k, t, a.i32(0), a.u64(1), How { flags: a.u32(2), mode: a.u32(3), resolve: 0 })
}

/// Everything openat2(2) knows.
const KNOWN_FLAGS: u32 = oflag::ACCMODE
    | oflag::CREAT
    | oflag::EXCL
    | oflag::NOCTTY
    | oflag::TRUNC
    | oflag::APPEND
    | oflag::NONBLOCK
    | oflag::SYNC
    | oflag::ASYNC
    | oflag::DIRECT
    | oflag::LARGEFILE
    | oflag::DIRECTORY
    | oflag::NOFOLLOW
    | oflag::NOATIME
    | oflag::CLOEXEC
    | oflag::PATH
    | oflag::TMPFILE;
const RESTRICTED: u32 = resolve::BENEATH | resolve::IN_ROOT;
const PATH_FLAGS: u32 = oflag::PATH | oflag::DIRECTORY | oflag::NOFOLLOW | oflag::CLOEXEC;

/// openat2(2).
pub fn sys_openat2(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let size = a.usize(3);
    if size < size_of::<OpenHow>() {
        return Err(Errno::EINVAL.into());
    }
    if size > 4096 {
        return Err(Errno::E2BIG.into());
    }
    let how: OpenHow = user::get(a.u64(2))?;
    // What a later Linux may have behind it must be zero.
    let rest = user::bytes(a.u64(2) + size_of::<OpenHow>() as u64, size - size_of::<OpenHow>())?;
    if rest.iter().any(|b| *b != 0) {
        return Err(Errno::E2BIG.into());
    }
    let makes = how.flags & u64::from(oflag::CREAT) != 0
        || how.flags & u64::from(oflag::TMPFILE) == u64::from(oflag::TMPFILE);
    let path_only = how.flags & u64::from(oflag::PATH) != 0;
    let bad = how.flags & !u64::from(KNOWN_FLAGS) != 0
        || path_only && how.flags & !u64::from(PATH_FLAGS) != 0
        || how.mode & !0o7777 != 0
        || !makes && how.mode != 0
        || how.resolve & !0x3f != 0
        || how.resolve as u32 & RESTRICTED == RESTRICTED;
    if bad {
        return Err(Errno::EINVAL.into());
    }
    let how = How { flags: how.flags as u32, mode: how.mode as u32, resolve: how.resolve as u32 };
    open_at(k, t, a.i32(0), a.u64(1), how)
}

fn open_at(k: &mut Kernel, t: Tid, dir: i32, path: u64, how: How) -> SysResult {
    let how = checked(how)?;
    let file = match k.task(t).progress.held {
        Some(_) => meet(k, t)?,
        None => open_file(k, t, dir, &place::path_argument(path)?, how)?,
    };
    if how.flags & oflag::PATH == 0 {
        super::tty::opened(k, t, &file);
        inotify::tell_file(k, &file, bits::OPEN);
    }
    file.flags.set(file.flags.get() & !oflag::NOCTTY);
    Ok(k.install(t, file, how.flags & oflag::CLOEXEC != 0)?.into())
}

fn may_write(flags: u32) -> bool {
    matches!(flags & oflag::ACCMODE, oflag::WRONLY | oflag::RDWR)
}

/// Flags that go together; O_PATH leaves only few.
fn checked(mut how: How) -> Result<How> {
    if how.flags & oflag::PATH != 0 {
        how.flags &= PATH_FLAGS;
    }
    let creates = how.flags & oflag::CREAT != 0;
    let bad = if how.flags & oflag::TMPFILE & !oflag::DIRECTORY != 0 {
        how.flags & oflag::DIRECTORY == 0 || !may_write(how.flags) || creates
    } else {
        creates && how.flags & oflag::DIRECTORY != 0
    };
    if bad { Err(Errno::EINVAL) } else { Ok(how) }
}

/// Flags that are over once the file is open.
const ONCE: u32 = oflag::CREAT | oflag::EXCL | oflag::TRUNC | oflag::CLOEXEC;

fn open_file(k: &mut Kernel, t: Tid, dir: i32, path: &[u8], how: How) -> Result<Rc<File>, Fail> {
    let flags = how.flags;
    let tmpfile = flags & oflag::TMPFILE == oflag::TMPFILE;
    // Before anything is made: a process without a free descriptor makes no file.
    k.task(t).files.borrow().free(0, k.limit(t, rlimit::NOFILE))?;
    // In its own root even an absolute path starts at the descriptor.
    let start: &[u8] = if how.resolve & RESTRICTED != 0 { b"" } else { path };
    let base = place::base(k, t, dir, start)?;
    let seeker = Seeker::new(k, t);
    let cx = WalkCx { resolve: how.resolve, ..seeker.cx() };
    let mut walker = Walker::new(cx, &base)?;
    let follow = if flags & oflag::NOFOLLOW != 0 { Follow::No } else { Follow::Yes };
    if flags & oflag::CREAT != 0 {
        if let Some((at, ops)) = find_or_create(&seeker, &mut walker, path, how)? {
            if let Some(dir) = at.parent() {
                inotify::tell_created(k, &dir, &at.node.name.borrow(), mode::REG);
            }
            return Ok(File::new(ops, flags & !ONCE | oflag::LARGEFILE, Some(at)));
        }
    } else {
        let other = oflag::ACCMODE | oflag::TRUNC | oflag::PATH | oflag::DIRECTORY;
        walker.to_read = flags & other == oflag::RDONLY;
        walker.go(path, follow)?;
    }
    let at = walker.at.clone();
    let attr = walker.attr()?;
    if tmpfile {
        return Ok(nameless(&seeker, &at, &attr, how)?);
    }
    if flags & oflag::DIRECTORY != 0 && !attr.is_dir() {
        return Err(Errno::ENOTDIR.into());
    }
    if flags & oflag::PATH != 0 {
        return Ok(File::new(Box::new(Directory), flags & !oflag::CLOEXEC, Some(at)));
    }
    may_open(&seeker, &at, &attr, flags)?;
    if let Some(known) = at.inode().as_any().downcast_ref::<FdInode>() {
        let ops = known.file().ops().reopen(flags)?;
        return Ok(File::new(ops, flags & !ONCE | oflag::LARGEFILE, None));
    }
    if may_write(flags) && attr.kind() == mode::REG && executing(k, &attr) {
        return Err(Errno::ETXTBSY.into());
    }
    if attr.kind() == mode::FIFO {
        return open_fifo(k, t, at, &attr, flags);
    }
    if flags & oflag::TRUNC != 0 && attr.kind() == mode::REG {
        k.may_shrink(&at, 0)?;
    }
    let ops = open_ops(k, t, &seeker, &at, &attr, flags)?;
    let file = File::new(ops, flags & !ONCE | oflag::LARGEFILE, Some(at.clone()));
    if flags & oflag::TRUNC != 0 && attr.kind() == mode::REG {
        super::attr::cut_maps(k, &at, 0);
        super::rw::drop_privileges(k, t, &file);
        inotify::tell(k, &at, bits::MODIFY);
    }
    Ok(file)
}

/// A file that was just made, open.
type Created = (Path, Box<dyn FileOps>);

/// O_CREAT: the new file; or `None`, and the walker stands at what was there already.
fn find_or_create(
    seeker: &Seeker,
    walker: &mut Walker<'_>,
    path: &[u8],
    how: How,
) -> Result<Option<Created>> {
    let mut path = PathArgument::from_slice(path);
    loop {
        let parent = walker.parent(&path)?;
        let Last::Name(name) = parent.last else {
            return Err(if how.flags & oflag::EXCL != 0 { Errno::EEXIST } else { Errno::EISDIR });
        };
        if parent.slash {
            return Err(Errno::EISDIR);
        }
        let there = match walker.look(&name) {
            Ok(found) => found,
            Err(Errno::ENOENT) => {
                let dir_attr = walker.attr()?;
                seeker.may_create(&parent.dir, &dir_attr)?;
                let new = seeker.new_file(&dir_attr, mode::REG | how.mode & 0o7777, 0);
                let flags = how.flags & !oflag::TRUNC;
                let (inode, ops) = parent.dir.inode().create_open(&name, &new, flags, &seeker.cred)?;
                let node = parent.dir.node.adopt(&name, inode);
                return Ok(Some((Path { mount: parent.dir.mount, node }, ops)));
            }
            Err(e) => return Err(e),
        };
        if how.flags & oflag::EXCL != 0 {
            return Err(Errno::EEXIST);
        }
        match there.inode().kind()? {
            mode::LNK if how.flags & oflag::NOFOLLOW != 0 => return Err(Errno::ELOOP),
            mode::LNK => match walker.link(&there)? {
                Link::Arrived => return Ok(None),
                Link::Text(target) => path = target.into(),
            },
            mode::DIR => return Err(Errno::EISDIR),
            _ => {
                walker.arrive(there)?;
                return Ok(None);
            }
        }
    }
}

/// O_TMPFILE.
fn nameless(seeker: &Seeker, dir: &Path, attr: &Attr, how: How) -> Result<Rc<File>> {
    if !attr.is_dir() {
        return Err(Errno::ENOTDIR);
    }
    seeker.may_create(dir, attr)?;
    let new = seeker.new_file(attr, mode::REG | how.mode & 0o7777, 0);
    let inode = dir.inode().tmpfile(&new, how.flags)?;
    let name = format!("#{}", inode.attr()?.ino);
    let node = Node::nameless(&dir.node, name.as_bytes(), inode.clone());
    let ops = inode.open(&inode, how.flags, &seeker.cred)?;
    let flags = how.flags & !ONCE | oflag::LARGEFILE;
    Ok(File::new(ops, flags, Some(Path { mount: dir.mount.clone(), node })))
}

fn may_open(seeker: &Seeker, at: &Path, attr: &Attr, flags: u32) -> Result<()> {
    let want = match flags & oflag::ACCMODE {
        oflag::RDONLY => 4,
        oflag::WRONLY => 2,
        _ => 6,
    } | if flags & oflag::TRUNC != 0 { 2 } else { 0 };
    match attr.kind() {
        mode::LNK => return Err(Errno::ELOOP),
        mode::DIR if want & 2 != 0 => return Err(Errno::EISDIR),
        mode::CHR | mode::BLK if at.mount.flags.get() & flag::NODEV != 0 => return Err(Errno::EACCES),
        mode::REG if want & 2 != 0 => place::writable(at)?,
        _ => {}
    }
    seeker.may(want, attr)?;
    if flags & oflag::NOATIME != 0 && !seeker.owns(attr) {
        return Err(Errno::EPERM);
    }
    Ok(())
}

/// Whether some process executes the file: its text must stay as it is.
fn executing(k: &Kernel, attr: &Attr) -> bool {
    let programs = k.tables.processes().filter_map(|p| p.exe.as_ref());
    programs.filter_map(|exe| exe.inode().id().ok()).any(|exe| exe == (attr.dev, attr.ino))
}

/// Whether someone has the file open for writing: then it cannot be executed. A memfd can: it is always open so.
pub fn is_written(k: &Kernel, path: &Path) -> bool {
    let (Ok(id), true) = (path.inode().id(), path.node.parent.borrow().is_some()) else { return false };
    let is_it =
        |file: &File| file.writable() && file.path.as_ref().is_some_and(|other| other.inode().id() == Ok(id));
    // Threads share a table.
    let tables = k.tables.tasks().filter(|task| task.tid == task.pid || Rc::strong_count(&task.files) == 1);
    tables.into_iter().any(|task| task.files.borrow().iter().any(|(_, fd)| is_it(&fd.file)))
}

fn open_ops(
    k: &mut Kernel,
    t: Tid,
    seeker: &Seeker,
    at: &Path,
    attr: &Attr,
    flags: u32,
) -> Result<Box<dyn FileOps>, Fail> {
    match attr.kind() {
        mode::SOCK => Err(Errno::ENXIO.into()),
        mode::CHR if attr.rdev == makedev(5, 0) => {
            let tty = k.process_of(t).tty.clone().ok_or(Errno::ENXIO)?;
            Ok(k.terminals.open(&tty, &seeker.cred)?)
        }
        mode::CHR => match k.terminals.open_device(attr.rdev, &seeker.cred) {
            Some(ops) => Ok(ops?),
            None => Ok(devfs::open(&k.env, attr.rdev).ok_or(Errno::ENXIO)?),
        },
        mode::BLK => Err(Errno::ENXIO.into()),
        _ => Ok(at.inode().open(at.inode(), flags, &seeker.cred)?),
    }
}

/// A FIFO opens when its other side does (fifo(7)); until then the task holds its end.
fn open_fifo(k: &mut Kernel, t: Tid, at: Path, attr: &Attr, flags: u32) -> Result<Rc<File>, Fail> {
    if flags & oflag::ACCMODE == oflag::ACCMODE {
        return Err(Errno::EINVAL.into());
    }
    let fifo = k.env.ipc.fifo(&k.env, (attr.dev, attr.ino));
    let opens = fifo.opens();
    let file = File::new(fifo.attach(flags)?, flags & !ONCE | oflag::LARGEFILE, Some(at));
    let progress = &mut k.task_mut(t).progress;
    progress.held = Some(file);
    progress.value = opens.0 << 32 | opens.1 & 0xffff_ffff;
    meet(k, t)
}

/// Goes on with the FIFO whose end the task holds.
fn meet(k: &mut Kernel, t: Tid) -> Result<Rc<File>, Fail> {
    let progress = &mut k.task_mut(t).progress;
    let since = (progress.value >> 32, progress.value & 0xffff_ffff);
    let file = progress.held.take().ok_or(Errno::EIO)?;
    let fifo = file.downcast::<PipeEnd>().ok_or(Errno::EIO)?.pipe();
    let flags = file.flags.get();
    if fifo.met(flags, since) {
        return Ok(file);
    }
    let (queue, events) = fifo.open_queue(flags);
    let wait = Wait::new(Why::Open).on(queue, events);
    progress.held = Some(file);
    Err(wait.into())
}

/// memfd_create(2).
pub fn sys_memfd_create(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const CLOEXEC: u32 = 1;
    const ALLOW_SEALING: u32 = 2;
    const NOEXEC_SEAL: u32 = 8;
    const EXEC: u32 = 0x10;
    const NAME_MAX: usize = 249;
    let flags = a.u32(1);
    let both = NOEXEC_SEAL | EXEC;
    if flags & !(CLOEXEC | ALLOW_SEALING | both) != 0 || flags & both == both {
        return Err(Errno::EINVAL.into());
    }
    let name = user::string(a.u64(0), NAME_MAX, Errno::EINVAL)?;
    let noexec = flags & NOEXEC_SEAL != 0;
    let seals = match (flags & ALLOW_SEALING != 0, noexec) {
        (_, true) => F_SEAL_EXEC,
        (true, false) => 0,
        (false, false) => F_SEAL_SEAL,
    };
    let cred = k.task(t).cred.clone();
    let permissions = if noexec { 0o666 } else { 0o777 };
    let new = NewFile { mode: mode::REG | permissions, uid: cred.fsuid, gid: cred.fsgid, rdev: 0 };
    let file = tmpfs::memfd(&k.env, &k.mounts, &name, &new, seals);
    Ok(k.install(t, file, flags & CLOEXEC != 0)?.into())
}
