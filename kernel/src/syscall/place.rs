//! From the path arguments of a call to a place, and who may change what there: shared by all file calls.

use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::fs::file::File;
use crate::fs::inode::{Attr, Moment, NewFile, mode};
use crate::fs::mount::flag;
use crate::fs::namei::{self, Follow, Last, Parent, WalkCx};
use crate::fs::{Mount, Mounts, Path};
use crate::kernel::Kernel;
use crate::user;
use crate::wait::Tid;
use alloc::rc::Rc;

/// The working directory instead of a descriptor.
pub const AT_FDCWD: i32 = -100;
/// Flags of the `*at` calls.
#[allow(missing_docs)]
pub mod at {
    pub const SYMLINK_NOFOLLOW: u32 = 0x100;
    pub const REMOVEDIR: u32 = 0x200;
    pub const EACCESS: u32 = 0x200;
    pub const SYMLINK_FOLLOW: u32 = 0x400;
    pub const NO_AUTOMOUNT: u32 = 0x800;
    pub const EMPTY_PATH: u32 = 0x1000;
}

/// Who looks for a place, and from where: a copy, so that the kernel is free meanwhile.
pub struct Seeker {
    /// What is mounted.
    pub mounts: Mounts,
    /// Where `/` is.
    pub root: Path,
    /// Permission bits that new files do not get.
    pub umask: u32,
    /// Who it is.
    pub cred: Rc<Cred>,
}

impl Seeker {
    /// The task `t`.
    pub fn new(k: &Kernel, t: Tid) -> Seeker {
        let task = k.task(t);
        let fs = task.fs.borrow();
        Seeker { mounts: k.mounts.clone(), root: fs.root.clone(), umask: fs.umask, cred: task.cred.clone() }
    }

    /// The walk's view of it.
    pub fn cx(&self) -> WalkCx<'_> {
        WalkCx { mounts: &self.mounts, root: &self.root, cred: &self.cred, resolve: 0 }
    }

    /// Goes to `path` from `base`.
    pub fn walk(&self, base: &Path, path: &[u8], follow: Follow) -> Result<Path> {
        namei::walk(&self.cx(), base, path, follow)
    }

    /// Whether the file's permissions allow `want` (4 read, 2 write, 1 execute or search).
    ///
    /// # Errors
    /// `EACCES`.
    pub fn may(&self, want: u32, attr: &Attr) -> Result<()> {
        if self.cred.may(want, attr.mode, attr.uid, attr.gid) { Ok(()) } else { Err(Errno::EACCES) }
    }

    /// Whether it may do what only the owner may.
    pub fn owns(&self, attr: &Attr) -> bool {
        self.cred.fsuid == attr.uid || self.cred.privileged()
    }

    /// What a new file of this mode is in `dir`: the umask applied, the group inherited from a set-group-id directory.
    pub fn new_file(&self, dir: &Attr, mode: u32, rdev: u64) -> NewFile {
        let mut mode = mode & !(self.umask & 0o777);
        let mut gid = self.cred.fsgid;
        if dir.mode & mode::SETGID != 0 {
            gid = dir.gid;
            if mode & mode::FMT == mode::DIR {
                mode |= mode::SETGID;
            }
        }
        NewFile { mode, uid: self.cred.fsuid, gid, rdev }
    }

    /// Whether an entry may be made in `dir`.
    ///
    /// # Errors
    /// `EROFS`, `EACCES`, `ENOENT` for a removed directory.
    pub fn may_create(&self, dir: &Path, attr: &Attr) -> Result<()> {
        writable(dir)?;
        // In /proc a name that is not there cannot be made, whoever asks: that is said before permissions.
        if dir.node.deleted.get() || dir.mount.fs_type == "proc" {
            return Err(Errno::ENOENT);
        }
        self.may(3, attr)
    }

    /// Whether the entry that is `victim` may be taken out of `dir`.
    ///
    /// # Errors
    /// `EROFS`, `EACCES`, `EPERM` in a sticky directory.
    pub fn may_delete(&self, dir: &Path, attr: &Attr, victim: &Attr) -> Result<()> {
        writable(dir)?;
        self.may(3, attr)?;
        let sticky = attr.mode & mode::STICKY != 0;
        if sticky && self.cred.fsuid != victim.uid && self.cred.fsuid != attr.uid && !self.cred.privileged() {
            return Err(Errno::EPERM);
        }
        Ok(())
    }
}

/// Whether the mount may be written to.
///
/// # Errors
/// `EROFS`.
pub fn writable(at: &Path) -> Result<()> {
    if at.mount.flags.get() & flag::RDONLY != 0 { Err(Errno::EROFS) } else { Ok(()) }
}

/// A path that a call was given; a usual one needs no memory of the heap.
pub type PathArgument = user::ShortPath;

/// A path argument.
///
/// # Errors
/// `ENOENT` if it is empty, `EFAULT`, `ENAMETOOLONG`.
pub fn path_argument(addr: u64) -> Result<PathArgument> {
    let path = user::short_path(addr)?;
    if path.is_empty() { Err(Errno::ENOENT) } else { Ok(path) }
}

/// Where a path relative to descriptor `dir` starts.
///
/// # Errors
/// `EBADF`; `ENOTDIR` for a file without a place (a pipe).
pub fn base(k: &Kernel, t: Tid, dir: i32, path: &[u8]) -> Result<Path> {
    let fs = k.task(t).fs.borrow();
    // The walk would go to the root anyhow; started there it asks one directory less.
    if path.first() == Some(&b'/') {
        return Ok(fs.root.clone());
    }
    if dir == AT_FDCWD {
        return Ok(fs.cwd.clone());
    }
    k.file(t, dir)?.path.clone().ok_or(Errno::ENOTDIR)
}

/// What a descriptor and a path name together.
pub enum Target {
    /// A place in the tree.
    Place(Path),
    /// An open file without one: a pipe, a socket.
    File(Rc<File>),
}

impl Target {
    /// What stat(2) tells.
    pub fn attr(&self) -> Result<Attr> {
        match self {
            Target::Place(path) => path.inode().attr(),
            Target::File(file) => Ok(file.ops().attr()),
        }
    }

    /// The place.
    ///
    /// # Errors
    /// `EBADF` for a file without one.
    pub fn place(self) -> Result<Path> {
        match self {
            Target::Place(path) => Ok(path),
            Target::File(_) => Err(Errno::EBADF),
        }
    }
}

/// The file behind a descriptor, as a target.
pub fn of_fd(k: &Kernel, t: Tid, fd: i32) -> Result<Target> {
    let file = k.file(t, fd)?;
    Ok(match &file.path {
        Some(path) => Target::Place(path.clone()),
        None => Target::File(file),
    })
}

/// What `(dir, path)` names; with AT_EMPTY_PATH and an empty path that is the descriptor itself.
pub fn target(k: &Kernel, t: Tid, dir: i32, path_ptr: u64, flags: u32, follow: Follow) -> Result<Target> {
    let empty_allowed = flags & at::EMPTY_PATH != 0;
    // Linux takes a null pointer for the empty path here.
    let path = match path_ptr {
        0 if empty_allowed => PathArgument::new(),
        _ if empty_allowed => user::short_path(path_ptr)?,
        _ => path_argument(path_ptr)?,
    };
    if path.is_empty() && empty_allowed && dir != AT_FDCWD {
        return of_fd(k, t, dir);
    }
    let base = base(k, t, dir, &path)?;
    if path.is_empty() && empty_allowed {
        return Ok(Target::Place(base));
    }
    Seeker::new(k, t).walk(&base, &path, follow).map(Target::Place)
}

/// What stat(2) and statx(2) tell of a target.
pub struct Told {
    /// Attributes.
    pub attr: Attr,
    /// The mount it is in; `None` for a file without a place.
    pub mount: Option<Rc<Mount>>,
    /// It is the top of that.
    pub top: bool,
}

/// What stat(2) tells of what `(dir, path)` names; with AT_EMPTY_PATH as [`target`].
pub fn stat(k: &Kernel, t: Tid, dir: i32, path_ptr: u64, flags: u32, follow: Follow) -> Result<Told> {
    if flags & at::EMPTY_PATH != 0 {
        let target = target(k, t, dir, path_ptr, flags, follow)?;
        let attr = target.attr()?;
        return Ok(match target {
            Target::Place(at) => {
                Told { attr, top: Rc::ptr_eq(&at.node, &at.mount.root), mount: Some(at.mount) }
            }
            Target::File(_) => Told { attr, mount: None, top: false },
        });
    }
    let path = path_argument(path_ptr)?;
    let base = base(k, t, dir, &path)?;
    let told = namei::stat(&Seeker::new(k, t).cx(), &base, &path, follow)?;
    Ok(Told { attr: told.attr, mount: Some(told.mount), top: told.top })
}

/// Follow unless AT_SYMLINK_NOFOLLOW.
pub fn follow_of(flags: u32) -> Follow {
    if flags & at::SYMLINK_NOFOLLOW != 0 { Follow::No } else { Follow::Yes }
}

/// An entry that a call makes or removes.
pub struct Entry {
    /// Who asks.
    pub seeker: Seeker,
    /// Where.
    pub dir: Path,
    /// What is known of the directory.
    pub dir_attr: Attr,
    /// The last component.
    pub last: Last,
    /// A slash stood behind it.
    pub slash: bool,
}

impl Entry {
    /// Walks to the directory of what a path argument names.
    pub fn find(k: &Kernel, t: Tid, dir: i32, path_ptr: u64) -> Result<Entry> {
        let path = path_argument(path_ptr)?;
        Entry::find_path(k, t, dir, &path)
    }

    /// Walks to the directory of what `path` names.
    pub fn find_path(k: &Kernel, t: Tid, dir: i32, path: &[u8]) -> Result<Entry> {
        let base = base(k, t, dir, path)?;
        let seeker = Seeker::new(k, t);
        let Parent { dir, last, slash } = namei::walk_parent(&seeker.cx(), &base, path)?;
        let dir_attr = dir.inode().attr()?;
        Ok(Entry { seeker, dir, dir_attr, last, slash })
    }

    /// The name, or `otherwise` if it is `.`, `..` or `/`.
    pub fn name(&self, otherwise: Errno) -> Result<&[u8]> {
        match &self.last {
            Last::Name(name) => Ok(name),
            _ => Err(otherwise),
        }
    }

    /// What is there now, mounts not looked through.
    pub fn existing(&self, name: &[u8]) -> Result<Path> {
        if name.len() > namei::NAME_MAX {
            return Err(if self.dir.node.deleted.get() { Errno::ENOENT } else { Errno::ENAMETOOLONG });
        }
        Ok(Path { mount: self.dir.mount.clone(), node: self.dir.node.child(name, &Moment::default())? })
    }

    /// Checks that a file of this name can be made: nothing is there, and the directory may be changed. Returns the
    /// name.
    ///
    /// # Errors
    /// `EEXIST`, `ENOENT` for a trailing slash behind what will be no directory, and those of
    /// [`Seeker::may_create`].
    pub fn to_create(&self, kind: u32) -> Result<&[u8]> {
        let name = self.name(Errno::EEXIST)?;
        match self.existing(name) {
            Ok(_) => return Err(Errno::EEXIST),
            Err(Errno::ENOENT) => {}
            Err(e) => return Err(e),
        }
        if self.slash && kind != mode::DIR {
            return Err(Errno::ENOENT);
        }
        self.seeker.may_create(&self.dir, &self.dir_attr)?;
        Ok(name)
    }
}
