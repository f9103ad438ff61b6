//! Open files, pipes, sockets and mounts, for tools.

use crate::error::{Errno, Result};
use crate::fs::file::{File, Seek, oflag};
use crate::fs::mount::flag;
use crate::fs::namei::{Follow, WalkCx, walk};
use crate::fs::path::Path;
use crate::fs::path::same_file;
use crate::ipc::pipe::{PipeEnd, Side};
use crate::ipc::unix::{Kind, Name, Role, SocketFile};
use crate::kernel::Kernel;
use crate::mm::Backing;
use crate::task::{Pid, Task};
use crate::wait::{Tid, Why};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FdView {
    /// Its number.
    pub fd: i32,
    /// `r`, `w`, `rw`, or `path` for O_PATH.
    pub access: &'static str,
    /// The file's path, or `pipe:[12]` and the like.
    pub name: String,
    /// The position, bytes; `None` for what has none.
    pub position: Option<u64>,
    /// `append`, `nonblock`, `cloexec`, `async`: those that are set.
    pub flags: Vec<&'static str>,
    /// How many descriptors, of all processes, and messages on their way share this open file.
    pub shared: usize,
}

/// Who has something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderView {
    /// The process.
    pub pid: Pid,
    /// Its name.
    pub comm: String,
    /// How: `fd 3 r`, `maps`, `cwd`, `root`, `program`.
    pub how: String,
}

/// A pipe or FIFO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipeView {
    /// Its number, as in `pipe:[12]`.
    pub number: u64,
    /// Bytes in it.
    pub bytes: u64,
    /// Bytes it takes.
    pub capacity: u64,
    /// Who can read: `12 sh fd 3`.
    pub readers: Vec<String>,
    /// Who can write.
    pub writers: Vec<String>,
    /// Tasks that sleep in a read or write of it: `12 reads`.
    pub waiting: Vec<String>,
}

/// A socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketView {
    /// Its number, as in `socket:[12]`.
    pub number: u64,
    /// `stream`, `dgram`, `seqpacket`.
    pub kind: &'static str,
    /// `unconnected`, `listening`, `connected`, `closed`.
    pub role: &'static str,
    /// Its name: a path, or `@name` in the abstract namespace; empty without one.
    pub name: String,
    /// The number of the socket it is connected to, while that is there.
    pub peer: Option<u64>,
    /// Bytes that wait to be received.
    pub waiting: u64,
    /// Who has it.
    pub holders: Vec<String>,
}

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountView {
    /// Where.
    pub at: String,
    /// The type.
    pub fs_type: &'static str,
    /// What.
    pub source: String,
    /// Whether nothing can be written.
    pub read_only: bool,
}

fn access(file: &File) -> &'static str {
    match (file.is_path(), file.readable(), file.writable()) {
        (true, ..) => "path",
        (_, true, true) => "rw",
        (_, false, true) => "w",
        _ => "r",
    }
}

fn comm(task: &Task) -> String {
    String::from_utf8_lossy(task.name()).into_owned()
}

impl Kernel {
    /// A file's path, or what else it is called.
    pub(crate) fn file_text(&self, file: &File) -> String {
        file.path.as_ref().map_or_else(|| file.ops().label(), |p| self.path_text(p))
    }

    /// The descriptors of a task, by number.
    ///
    /// # Errors
    /// `ESRCH`; `EBUSY`: the kernel crashed while it changed them.
    pub fn view_fds(&self, tid: Tid) -> Result<Vec<FdView>> {
        let task = self.tables.task(tid).ok_or(Errno::ESRCH)?;
        let files = task.files.try_borrow().map_err(|_| Errno::EBUSY)?;
        let view = |(fd, slot): (i32, &crate::fs::fdtable::Fd)| {
            let bits = slot.file.flags.get();
            let all = [(oflag::APPEND, "append"), (oflag::NONBLOCK, "nonblock"), (oflag::ASYNC, "async")];
            let mut flags: Vec<_> =
                all.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
            flags.extend(slot.cloexec.then_some("cloexec"));
            let seekable =
                !slot.file.is_path() && matches!(slot.file.ops().seek(), Seek::Bytes(_) | Seek::Directory);
            FdView {
                fd,
                access: access(&slot.file),
                name: self.file_text(&slot.file),
                position: seekable.then(|| slot.file.pos.get()),
                flags,
                shared: Rc::strong_count(&slot.file),
            }
        };
        Ok(files.iter().map(view).collect())
    }

    /// The first task of each table of descriptors, with the table's content: threads share one.
    fn each_fd(&self, mut f: impl FnMut(&Task, i32, &Rc<File>)) {
        let mut seen = BTreeSet::new();
        for task in self.tables.tasks() {
            if !seen.insert(Rc::as_ptr(&task.files) as usize) {
                continue;
            }
            let Ok(files) = task.files.try_borrow() else { continue };
            files.iter().for_each(|(fd, slot)| f(task, fd, &slot.file));
        }
    }

    /// Who has the file at `path` of the root, or what is called so (`pipe:[12]`): descriptors, maps, programs, directories.
    ///
    /// # Errors
    /// `ENOENT`: nothing is called so.
    pub fn view_holders(&self, path: &[u8]) -> Result<Vec<HolderView>> {
        let (root, cred) = (self.mounts.root(), crate::cred::Cred::new(0, 0, Vec::new()));
        let cx = WalkCx { mounts: &self.mounts, root: &root, cred: &cred, resolve: 0 };
        let place = walk(&cx, &root, path, Follow::Yes);
        let same = |other: &Path| place.as_ref().is_ok_and(|p| same_file(&p.node.inode, &other.node.inode));
        let mut out = Vec::new();
        self.each_fd(|task, fd, file| {
            let label = || file.path.is_none() && file.ops().label().as_bytes() == path;
            if file.path.as_ref().map_or_else(label, same) {
                let how = format!("fd {fd} {}", access(file));
                out.push(HolderView { pid: task.pid, comm: comm(task), how });
            }
        });
        if out.is_empty()
            && let Err(e) = place
        {
            return Err(e);
        }
        for task in self.tables.tasks().filter(|t| t.tid == t.pid) {
            let mut hold =
                |how: &str| out.push(HolderView { pid: task.pid, comm: comm(task), how: how.into() });
            let (Ok(mm), Ok(fs)) = (task.mm.try_borrow(), task.fs.try_borrow()) else { continue };
            let mapped = mm.vmas.values().any(
                |v| matches!(&v.backing, Backing::File(file, _) if file.path.as_ref().is_some_and(&same)),
            );
            let exe = self.process(task.pid).ok().and_then(|p| p.exe.as_ref());
            let ways = [
                (exe.is_some_and(&same), "program"),
                (mapped, "maps"),
                (same(&fs.cwd), "cwd"),
                (same(&fs.root), "root"),
            ];
            ways.iter().filter(|(is, _)| *is).for_each(|(_, how)| hold(how));
        }
        out.sort_by_key(|h| h.pid);
        Ok(out)
    }

    /// All pipes that somebody has, by number.
    pub fn view_pipes(&self) -> Vec<PipeView> {
        let mut pipes: BTreeMap<u64, PipeView> = BTreeMap::new();
        self.each_fd(|task, fd, file| {
            let Some(end) = file.downcast::<PipeEnd>() else { return };
            let pipe = end.pipe();
            let view = pipes.entry(pipe.number()).or_insert_with(|| PipeView {
                number: pipe.number(),
                bytes: pipe.len() as u64,
                capacity: pipe.capacity() as u64,
                readers: Vec::new(),
                writers: Vec::new(),
                waiting: Vec::new(),
            });
            let holder = format!("{} {} fd {fd}", task.pid, comm(task));
            if end.side() != Side::Write {
                view.readers.push(holder.clone());
            }
            if end.side() != Side::Read {
                view.writers.push(holder);
            }
        });
        for task in self.tables.tasks() {
            let (fd, does) = match task.wait.as_ref().map(|w| w.why) {
                Some(Why::Read(fd)) => (fd, "reads"),
                Some(Why::Write(fd)) => (fd, "writes"),
                _ => continue,
            };
            let Ok(files) = task.files.try_borrow() else { continue };
            if let Some(end) = files.get(fd).ok().and_then(|f| f.downcast::<PipeEnd>())
                && let Some(view) = pipes.get_mut(&end.pipe().number())
            {
                view.waiting.push(format!("{} {does}", task.tid));
            }
        }
        pipes.into_values().collect()
    }

    /// All sockets that somebody has, by number.
    pub fn view_sockets(&self) -> Vec<SocketView> {
        let mut sockets: BTreeMap<u64, SocketView> = BTreeMap::new();
        self.each_fd(|task, fd, file| {
            let Some(SocketFile(socket)) = file.downcast::<SocketFile>() else { return };
            let name = socket.name().map_or_else(String::new, |name| match &*name {
                Name::Path(path) => String::from_utf8_lossy(path).into_owned(),
                Name::Abstract(name) => format!("@{}", String::from_utf8_lossy(name)),
            });
            let view = sockets.entry(socket.number()).or_insert_with(|| SocketView {
                number: socket.number(),
                kind: match socket.kind {
                    Kind::Stream => "stream",
                    Kind::Dgram => "dgram",
                    Kind::SeqPacket => "seqpacket",
                },
                role: match socket.role() {
                    Role::Unconnected => "unconnected",
                    Role::Listening => "listening",
                    Role::Connected => "connected",
                    Role::Closed => "closed",
                },
                name,
                peer: socket.peer_number(),
                waiting: socket.received() as u64,
                holders: Vec::new(),
            });
            view.holders.push(format!("{} {} fd {fd}", task.pid, comm(task)));
        });
        sockets.into_values().collect()
    }

    /// The mounts, in their order.
    pub fn view_mounts(&self) -> Vec<MountView> {
        let view = |mount: &Rc<crate::fs::path::Mount>| MountView {
            at: self.path_text(&Path { node: mount.root.clone(), mount: mount.clone() }),
            fs_type: mount.fs_type,
            source: String::from_utf8_lossy(&mount.source).to_string(),
            read_only: mount.flags.get() & flag::RDONLY != 0,
        };
        self.mounts.list().iter().map(view).collect()
    }
}
