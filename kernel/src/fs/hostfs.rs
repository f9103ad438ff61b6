//! hostfs: a directory of the host as a filesystem of the guest.
//!
//! An inode is an `O_PATH` descriptor of a host file, found by a single name in the descriptor of its directory and
//! never through a symbolic link: the walk is the guest's own, so no path leads out of the tree. Only regular files,
//! directories and symbolic links of the host are ever opened; a FIFO, socket or device there is a guest object that
//! the syscall layer opens by the type and identity its attributes tell. People edit on the host while the guest looks,
//! so nothing is remembered of it but the file's type, which never changes, and what the host promises to tell changes
//! of (`hostwatch`).

#[cfg(test)]
mod tests;

use super::file::{File, FileOps, oflag};
use super::hostfile::{HostDir, HostFile};
use super::hostwatch::{Watch, Watched, Watches};
use super::inode::{Attr, DirEntry, Fresh, Inode, Keep, Moment, NewFile, Permissions, SetAttr, StatFs, mode};
use crate::cred::Cred;
use crate::error::{Errno, Result, host};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{OnceCell, RefCell};
use core::ffi::CStr;
use core::ops::Deref;
use llano_machine::host::{self as os, HostFd};
use llano_machine::host_meta::HostStat;
use smallvec::SmallVec;

/// Whether the guest may change the host's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything that would change something is `EROFS`: below an overlay.
    ReadOnly,
    /// Changes go through to the host.
    ReadWrite,
}

/// How owners on the host look in the guest: as they are, but for one user and one group, as (host, guest). With
/// `--user 0` the caller is root, and so the host's root is nobody, as in a user namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owners {
    /// The user who looks different.
    pub user: Option<(u32, u32)>,
    /// The group that looks different.
    pub group: Option<(u32, u32)>,
}

/// Whom those are shown as whose number someone else has (`/proc/sys/kernel/overflowuid`).
const NOBODY: u32 = 65534;

fn shown(pair: Option<(u32, u32)>, id: u32) -> u32 {
    match pair {
        Some((host, guest)) if id == host => guest,
        Some((_, guest)) if id == guest => NOBODY,
        _ => id,
    }
}

fn real(pair: Option<(u32, u32)>, id: u32) -> u32 {
    match pair {
        Some((host, guest)) if id == guest => host,
        _ => id,
    }
}

impl Owners {
    /// A file's user and group on the host, as the guest sees them.
    pub fn shown(&self, uid: u32, gid: u32) -> (u32, u32) {
        (shown(self.user, uid), shown(self.group, gid))
    }

    /// The user on the host that a guest's user is.
    pub fn real_uid(&self, uid: u32) -> u32 {
        real(self.user, uid)
    }

    /// The group on the host that a guest's group is.
    pub fn real_gid(&self, gid: u32) -> u32 {
        real(self.group, gid)
    }
}

/// What the inodes of one such filesystem share.
struct Shared {
    access: Access,
    owners: Owners,
    watches: Rc<Watches>,
}

/// A file of the host.
pub struct HostInode {
    fs: Rc<Shared>,
    fd: Rc<HostFd>,
    /// The descriptor is open for reading, not `O_PATH`.
    readable: bool,
    /// Device and inode number, once known.
    id: OnceCell<(u64, u64)>,
    /// Type bits of the mode.
    kind: u32,
    fresh: Fresh,
    /// Of a directory: whether the host tells when it changes.
    watched: RefCell<Watched>,
    /// Where it was found when the directory there had this generation.
    found: RefCell<(u64, Name)>,
    /// Of a symbolic link: where it leads, which never changes.
    target: OnceCell<Vec<u8>>,
}

/// A name with its NUL.
#[derive(Default, PartialEq, Eq)]
struct Name(SmallVec<[u8; 32]>);

impl Deref for Name {
    type Target = CStr;

    fn deref(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}

/// The root of the filesystem at `path` of the host (which the host's own rules resolve).
///
/// # Errors
/// What the host said: `ENOENT`, `EACCES`, `ENOTDIR`, ...
pub fn root(path: &[u8], access: Access, owners: Owners) -> Result<Rc<dyn Inode>> {
    let fd = HostFd::open(&c_name(path)?, os::O_PATH | os::O_DIRECTORY).map_err(host)?;
    let fs = Rc::new(Shared { access, owners, watches: Watches::new() });
    Ok(Rc::new(HostInode::new(&fs, fd, mode::DIR)))
}

fn c_name(name: &[u8]) -> Result<Name> {
    if name.contains(&0) {
        return Err(Errno::EINVAL);
    }
    let mut c_name = SmallVec::from_slice(name);
    c_name.push(0);
    Ok(Name(c_name))
}

impl HostInode {
    fn new(fs: &Rc<Shared>, fd: HostFd, kind: u32) -> HostInode {
        HostInode {
            fs: fs.clone(),
            fd: Rc::new(fd),
            readable: false,
            id: OnceCell::new(),
            kind,
            fresh: Fresh::default(),
            watched: RefCell::default(),
            found: RefCell::default(),
            target: OnceCell::new(),
        }
    }

    fn known(fs: &Rc<Shared>, fd: HostFd, attr: Attr) -> HostInode {
        let id = OnceCell::from((attr.dev, attr.ino));
        HostInode { id, fresh: Fresh::new(attr), ..HostInode::new(fs, fd, attr.kind()) }
    }

    fn find(&self, name: &CStr) -> Result<HostInode> {
        let fd = HostFd::open_at(Some(&self.fd), name, os::O_PATH | os::O_NOFOLLOW, 0).map_err(host)?;
        let attr = attr(&fd.stat().map_err(host)?, &self.fs.owners);
        Ok(HostInode::known(&self.fs, fd, attr))
    }

    fn stat_at(&self, name: &CStr) -> Result<Attr> {
        Ok(attr(&self.fd.stat_at(name).map_err(host)?, &self.fs.owners))
    }

    /// Opens a regular file for reading; `None`: it must be found in the usual way. Whatever else the host may put there
    /// between the two looks is opened without waiting, and closed again.
    fn find_to_read(&self, name: &CStr) -> Result<Option<HostInode>> {
        if self.stat_at(name)?.kind() != mode::REG {
            return Ok(None);
        }
        let flags = os::O_RDONLY | os::O_NOFOLLOW | os::O_NONBLOCK | os::O_NOCTTY;
        let Ok(fd) = HostFd::open_at(Some(&self.fd), name, flags, 0) else { return Ok(None) };
        let attr = attr(&fd.stat().map_err(host)?, &self.fs.owners);
        let found = HostInode { readable: true, ..HostInode::known(&self.fs, fd, attr) };
        Ok(Some(found).filter(|found| found.kind == mode::REG))
    }

    /// The watch on this directory, if walks go through it often.
    fn watch(&self) -> Option<Rc<Watch>> {
        let dev = self.id().ok()?.0;
        self.fs.watches.watch(&self.fd, dev, &self.watched)
    }

    /// The watch that there is, after a look at what the host tells.
    fn watch_now(&self, now: &Moment) -> Option<Rc<Watch>> {
        let Watched::By(watch) = &*self.watched.borrow() else { return None };
        let watch = watch.clone();
        if now.first() {
            self.fs.watches.look();
        }
        Some(watch).filter(|watch| watch.generation() != 0)
    }

    fn writable(&self) -> Result<()> {
        if self.fs.access == Access::ReadWrite { Ok(()) } else { Err(Errno::EROFS) }
    }

    /// Gives what was just made its owner and exact mode: the host's umask does not count.
    fn finish(&self, made: &HostInode, new: &NewFile) -> Result<()> {
        made.fresh.take();
        let (uid, gid) = (self.fs.owners.real_uid(new.uid), self.fs.owners.real_gid(new.gid));
        let stat = made.fd.stat().map_err(host)?;
        if (stat.uid, stat.gid) != (uid, gid) {
            // Without privilege on the host, the file stays the caller's.
            let _ = made.fd.chown(Some(uid), Some(gid));
        }
        if made.kind != mode::LNK && stat.mode & 0o7777 != new.mode & 0o7777 {
            made.fd.chmod(new.mode & 0o7777).map_err(host)?;
        }
        Ok(())
    }

    fn contents(&self, flags: i32) -> Result<HostFd> {
        match self.kind {
            mode::REG | mode::DIR => self.fd.reopen(flags | os::O_NOCTTY | os::O_NONBLOCK).map_err(host),
            _ => Err(Errno::ENXIO),
        }
    }

    fn neighbour(to: &Rc<dyn Inode>) -> Result<&HostInode> {
        to.as_any().downcast_ref().ok_or(Errno::EXDEV)
    }
}

/// What the host tells, as the guest shall see it.
pub(super) fn attr(stat: &HostStat, owners: &Owners) -> Attr {
    let (uid, gid) = owners.shown(stat.uid, stat.gid);
    Attr {
        dev: stat.dev,
        ino: stat.ino,
        mode: stat.mode,
        nlink: stat.nlink,
        uid,
        gid,
        rdev: stat.rdev,
        size: stat.size,
        blocks: stat.blocks,
        blksize: stat.blksize,
        atime: stat.atime,
        mtime: stat.mtime,
        ctime: stat.ctime,
        btime: stat.btime,
    }
}

impl Inode for HostInode {
    fn attr(&self) -> Result<Attr> {
        match self.fresh.take() {
            Some(attr) => Ok(attr),
            None => Ok(attr(&self.fd.stat().map_err(host)?, &self.fs.owners)),
        }
    }

    fn id(&self) -> Result<(u64, u64)> {
        if let Some(id) = self.id.get() {
            return Ok(*id);
        }
        let stat = self.fd.stat().map_err(host)?;
        Ok(*self.id.get_or_init(|| (stat.dev, stat.ino)))
    }

    fn kind(&self) -> Result<u32> {
        Ok(self.kind)
    }

    fn permissions(&self, now: &Moment) -> Result<Permissions> {
        if let Some(known) = self.watch_now(now).and_then(|watch| watch.permissions()) {
            return Ok(known);
        }
        if let Some(attr) = self.fresh.peek() {
            return Ok(Permissions::from(&attr));
        }
        let watch = self.watch();
        let attr = attr(&self.fd.stat().map_err(host)?, &self.fs.owners);
        let permissions = Permissions::from(&attr);
        if let Some(watch) = watch {
            watch.learn(permissions);
        }
        Ok(permissions)
    }

    fn keep(&self) -> Keep {
        if matches!(self.kind, mode::DIR | mode::LNK) { Keep::Host } else { Keep::Not }
    }

    fn still(&self, name: &[u8], found: &Rc<dyn Inode>, now: &Moment) -> Result<bool> {
        let Some(found) = found.as_any().downcast_ref::<HostInode>() else { return Ok(false) };
        let name = c_name(name)?;
        let watch = self.watch_now(now).or_else(|| self.watch());
        let generation = watch.map_or(0, |watch| watch.generation());
        let place = (generation, name);
        if generation != 0 && *found.found.borrow() == place {
            return Ok(true);
        }
        let attr = self.stat_at(&place.1)?;
        if (attr.dev, attr.ino) != found.id()? || attr.kind() != found.kind {
            return Ok(false);
        }
        found.fresh.learn(attr);
        *found.found.borrow_mut() = place;
        Ok(true)
    }

    fn glance(&self, name: &[u8]) -> Result<Option<Attr>> {
        self.stat_at(&c_name(name)?).map(Some)
    }

    fn set_attr(&self, set: &SetAttr) -> Result<()> {
        self.writable()?;
        if let Some(size) = set.size {
            match self.kind {
                mode::REG => self.fd.truncate(size).map_err(host)?,
                mode::DIR => return Err(Errno::EISDIR),
                _ => return Err(Errno::EINVAL),
            }
        }
        if set.uid.is_some() || set.gid.is_some() {
            let owners = &self.fs.owners;
            self.fd
                .chown(set.uid.map(|id| owners.real_uid(id)), set.gid.map(|id| owners.real_gid(id)))
                .map_err(host)?;
        }
        if let Some(mode) = set.mode {
            self.fd.chmod(mode & 0o7777).map_err(host)?;
        }
        if set.atime.is_some() || set.mtime.is_some() {
            self.fd.set_times(set.atime, set.mtime).map_err(host)?;
        }
        Ok(())
    }

    fn lookup(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        Ok(Rc::new(self.find(&c_name(name)?)?))
    }

    fn lookup_to_read(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        let name = c_name(name)?;
        match self.find_to_read(&name)? {
            Some(found) => Ok(Rc::new(found)),
            None => Ok(Rc::new(self.find(&name)?)),
        }
    }

    fn create(&self, name: &[u8], new: &NewFile) -> Result<Rc<dyn Inode>> {
        self.writable()?;
        let name = c_name(name)?;
        match new.mode & mode::FMT {
            mode::DIR => self.fd.mkdir_at(&name, 0o700).map_err(host)?,
            mode::REG => {
                let flags = os::O_CREAT | os::O_EXCL | os::O_WRONLY | os::O_NOFOLLOW;
                HostFd::open_at(Some(&self.fd), &name, flags, 0o600).map_err(host)?;
            }
            kind @ (mode::FIFO | mode::SOCK) => self.fd.mknod_at(&name, kind | 0o600).map_err(host)?,
            // A device file on the host would be the host's device to everyone who finds it there.
            _ => return Err(Errno::EPERM),
        }
        let made = self.find(&name)?;
        self.finish(&made, new)?;
        Ok(Rc::new(made))
    }

    fn create_open(
        &self,
        name: &[u8],
        new: &NewFile,
        flags: u32,
        _: &Cred,
    ) -> Result<(Rc<dyn Inode>, Box<dyn FileOps>)> {
        self.writable()?;
        let name = c_name(name)?;
        let flags = (flags & (oflag::ACCMODE | oflag::SYNC)) as i32;
        let flags = flags | os::O_CREAT | os::O_EXCL | os::O_NOFOLLOW;
        let fd = HostFd::open_at(Some(&self.fd), &name, flags, 0o600).map_err(host)?;
        let made = self.find(&name)?;
        self.finish(&made, new)?;
        Ok((Rc::new(made), Box::new(HostFile::new(fd))))
    }

    fn tmpfile(&self, new: &NewFile, flags: u32) -> Result<Rc<dyn Inode>> {
        self.writable()?;
        let flags = os::O_TMPFILE | os::O_RDWR | (flags & oflag::EXCL) as i32;
        let fd = HostFd::open_at(Some(&self.fd), c".", flags, 0o600).map_err(host)?;
        let made = HostInode::new(&self.fs, fd, mode::REG);
        self.finish(&made, new)?;
        Ok(Rc::new(made))
    }

    fn symlink(&self, name: &[u8], target: &[u8], new: &NewFile) -> Result<Rc<dyn Inode>> {
        self.writable()?;
        let name = c_name(name)?;
        self.fd.symlink_at(&name, &c_name(target)?).map_err(host)?;
        let made = self.find(&name)?;
        self.finish(&made, new)?;
        Ok(Rc::new(made))
    }

    fn link(&self, name: &[u8], to: &Rc<dyn Inode>) -> Result<()> {
        self.writable()?;
        self.fd.link_at(&c_name(name)?, &HostInode::neighbour(to)?.fd).map_err(host)
    }

    fn unlink(&self, name: &[u8]) -> Result<()> {
        self.writable()?;
        self.fd.unlink_at(&c_name(name)?).map_err(host)
    }

    fn rmdir(&self, name: &[u8]) -> Result<()> {
        self.writable()?;
        self.fd.rmdir_at(&c_name(name)?).map_err(host)
    }

    fn rename(&self, name: &[u8], to_dir: &Rc<dyn Inode>, to: &[u8], flags: u32) -> Result<()> {
        self.writable()?;
        self.fd
            .rename_at(&c_name(name)?, &HostInode::neighbour(to_dir)?.fd, &c_name(to)?, flags)
            .map_err(host)
    }

    fn readlink(&self) -> Result<Vec<u8>> {
        if self.kind != mode::LNK {
            return Err(Errno::EINVAL);
        }
        if let Some(target) = self.target.get() {
            return Ok(target.clone());
        }
        let target = self.fd.readlink().map_err(host)?;
        Ok(self.target.get_or_init(|| target).clone())
    }

    fn open(&self, _: &Rc<dyn Inode>, flags: u32, _: &Cred) -> Result<Box<dyn FileOps>> {
        if self.kind == mode::DIR {
            return Ok(Box::new(HostDir::new(self.contents(os::O_RDONLY | os::O_DIRECTORY)?)));
        }
        let access = flags & oflag::ACCMODE;
        if access != oflag::RDONLY || flags & oflag::TRUNC != 0 {
            self.writable()?;
        }
        if self.readable && access == oflag::RDONLY && flags & oflag::TRUNC == 0 {
            return Ok(Box::new(HostFile::sharing(self.fd.clone())));
        }
        // Of the other flags only these are the host's business: positions and appending are the guest kernel's.
        let kept = flags & (oflag::TRUNC | oflag::SYNC);
        let fd = self.contents((access | kept) as i32)?;
        Ok(Box::new(HostFile::new(fd)))
    }

    fn read_dir(&self, file: &File, cookie: u64) -> Result<Vec<(DirEntry, u64)>> {
        file.downcast::<HostDir>().ok_or(Errno::ENOTDIR)?.list(cookie)
    }

    fn sync(&self) -> Result<()> {
        if self.fs.access == Access::ReadOnly {
            return Ok(());
        }
        self.contents(os::O_RDONLY)?.sync().map_err(host)
    }

    fn statfs(&self) -> Result<StatFs> {
        let s = self.fd.statfs().map_err(host)?;
        Ok(StatFs {
            magic: s.magic,
            bsize: s.bsize,
            blocks: s.blocks,
            files: s.files,
            namelen: s.namelen,
            flags: s.flags,
        })
    }

    fn allocate(&self, how: u32, offset: u64, len: u64) -> Result<()> {
        self.writable()?;
        self.contents(os::O_WRONLY)?.allocate(how, offset, len).map_err(host)
    }

    fn get_xattr(&self, name: &[u8]) -> Result<Vec<u8>> {
        self.fd.get_xattr(&c_name(name)?).map_err(host)
    }

    fn set_xattr(&self, name: &[u8], value: &[u8], flags: i32) -> Result<()> {
        self.writable()?;
        self.fd.set_xattr(&c_name(name)?, value, flags).map_err(host)
    }

    fn list_xattr(&self) -> Result<Vec<Vec<u8>>> {
        self.fd.list_xattr().map_err(host)
    }

    fn remove_xattr(&self, name: &[u8]) -> Result<()> {
        self.writable()?;
        self.fd.remove_xattr(&c_name(name)?).map_err(host)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
