//! hostfs: a directory of the host as a filesystem of the guest.
//!
//! An inode is an `O_PATH` descriptor of a host file, found by a single name in the descriptor of its directory and
//! never through a symbolic link: the walk is the guest's own, so no path leads out of the tree. Only regular files,
//! directories and symbolic links of the host are ever opened; a FIFO, socket or device there is a guest object that
//! the syscall layer opens by the type and identity its attributes tell. Nothing is remembered of the host but the
//! file's type, which never changes: people edit on the host while the guest looks.

use super::file::{File, FileOps, oflag};
use super::hostfile::{HostDir, HostFile};
use super::inode::{Attr, DirEntry, Fresh, Inode, NewFile, SetAttr, StatFs, mode};
use crate::cred::Cred;
use crate::error::{Errno, Result, host};
use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::OnceCell;
use llano_machine::host::{self as os, HostFd};
use llano_machine::host_meta::HostStat;

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
}

/// A file of the host.
pub struct HostInode {
    fs: Rc<Shared>,
    fd: HostFd,
    /// Device and inode number, once known.
    id: OnceCell<(u64, u64)>,
    /// Type bits of the mode.
    kind: u32,
    fresh: Fresh,
}

/// The root of the filesystem at `path` of the host (which the host's own rules resolve).
///
/// # Errors
/// What the host said: `ENOENT`, `EACCES`, `ENOTDIR`, ...
pub fn root(path: &[u8], access: Access, owners: Owners) -> Result<Rc<dyn Inode>> {
    let fd = HostFd::open(&c_name(path)?, os::O_PATH | os::O_DIRECTORY).map_err(host)?;
    Ok(Rc::new(HostInode {
        fs: Rc::new(Shared { access, owners }),
        fd,
        id: OnceCell::new(),
        kind: mode::DIR,
        fresh: Fresh::default(),
    }))
}

fn c_name(name: &[u8]) -> Result<CString> {
    CString::new(name).map_err(|_| Errno::EINVAL)
}

impl HostInode {
    fn find(&self, name: &CString) -> Result<HostInode> {
        let fd = HostFd::open_at(Some(&self.fd), name, os::O_PATH | os::O_NOFOLLOW, 0).map_err(host)?;
        let attr = attr(&fd.stat().map_err(host)?, &self.fs.owners);
        let id = OnceCell::from((attr.dev, attr.ino));
        Ok(HostInode { fs: self.fs.clone(), fd, id, kind: attr.kind(), fresh: Fresh::new(attr) })
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
        let made = HostInode {
            fs: self.fs.clone(),
            fd,
            id: OnceCell::new(),
            kind: mode::REG,
            fresh: Fresh::default(),
        };
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
        if self.kind == mode::LNK { self.fd.readlink().map_err(host) } else { Err(Errno::EINVAL) }
    }

    fn open(&self, _: &Rc<dyn Inode>, flags: u32, _: &Cred) -> Result<Box<dyn FileOps>> {
        if self.kind == mode::DIR {
            return Ok(Box::new(HostDir::new(self.contents(os::O_RDONLY | os::O_DIRECTORY)?)));
        }
        let access = flags & oflag::ACCMODE;
        if access != oflag::RDONLY || flags & oflag::TRUNC != 0 {
            self.writable()?;
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

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::user::{Dst, Src};
    use std::path::PathBuf;

    /// A scratch directory of the host and its root inode.
    fn scratch(name: &str, access: Access) -> (PathBuf, Rc<dyn Inode>) {
        let dir = std::env::temp_dir().join(std::format!("llano-hostfs-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir(&dir).unwrap();
        let root = root(dir.to_str().unwrap().as_bytes(), access, Owners::default()).unwrap();
        (dir, root)
    }

    fn open(inode: &Rc<dyn Inode>, flags: u32) -> Rc<File> {
        let cred = Cred::new(0, 0, Vec::new());
        File::new(inode.open(inode, flags, &cred).unwrap(), flags, None)
    }

    fn new(mode: u32) -> NewFile {
        let a = HostFd::open(c"/proc/self", os::O_RDONLY).unwrap().stat().unwrap();
        NewFile { mode, uid: a.uid, gid: a.gid, rdev: 0 }
    }

    #[test]
    fn changes_reach_the_host_with_their_mode() {
        let (dir, root) = scratch("rw", Access::ReadWrite);
        let sub = root.create(b"d", &new(mode::DIR | 0o777)).unwrap();
        let f = sub.create(b"f", &new(mode::REG | 0o666)).unwrap();
        assert_eq!(f.attr().unwrap().mode, mode::REG | 0o666);
        let file = open(&f, oflag::RDWR);
        assert_eq!(file.ops().write(&file, &mut Src::Kernel(b"hello"), 3), Ok(5));
        assert_eq!(std::fs::read(dir.join("d/f")).unwrap(), b"\0\0\0hello");
        let mut buf = [0; 16];
        assert_eq!(file.ops().read(&file, &mut Dst::Kernel(&mut buf, 0), 4), Ok(4));
        assert_eq!(&buf[..4], b"ello");
        f.set_attr(&SetAttr { size: Some(4), mtime: Some(-1_500_000_000), ..SetAttr::default() }).unwrap();
        let attr = f.attr().unwrap();
        assert_eq!((attr.size, attr.mtime), (4, -1_500_000_000));
        sub.symlink(b"l", b"f", &new(0)).unwrap();
        assert_eq!(sub.lookup(b"l").unwrap().readlink().unwrap(), b"f");
        sub.link(b"hard", &f).unwrap();
        assert_eq!(f.attr().unwrap().nlink, 2);
        sub.rename(b"hard", &root, b"moved", 0).unwrap();
        assert!(dir.join("moved").exists() && !dir.join("d/hard").exists());
        assert_eq!(root.rmdir(b"d"), Err(Errno::ENOTEMPTY));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn read_only_refuses_and_links_are_not_followed() {
        let (dir, root) = scratch("ro", Access::ReadOnly);
        std::os::unix::fs::symlink("/etc", dir.join("out")).unwrap();
        std::fs::write(dir.join("f"), "x").unwrap();
        let out = root.lookup(b"out").unwrap();
        assert_eq!(out.attr().unwrap().kind(), mode::LNK);
        assert_eq!(out.lookup(b"passwd").err(), Some(Errno::ENOTDIR));
        let f = root.lookup(b"f").unwrap();
        let cred = Cred::new(0, 0, Vec::new());
        assert_eq!(f.open(&f, oflag::RDWR, &cred).err(), Some(Errno::EROFS));
        assert_eq!(root.unlink(b"f"), Err(Errno::EROFS));
        assert_eq!(f.set_attr(&SetAttr { mode: Some(0o777), ..SetAttr::default() }), Err(Errno::EROFS));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn listings_go_on_at_any_cookie() {
        let (dir, root) = scratch("ls", Access::ReadOnly);
        for i in 0..1500 {
            std::fs::write(dir.join(std::format!("file-with-a-long-name-{i}")), "").unwrap();
        }
        let file = open(&root, oflag::RDONLY | oflag::DIRECTORY);
        let (mut names, mut cookie) = (Vec::new(), 0);
        loop {
            let entries = root.read_dir(&file, cookie).unwrap();
            // Seven at a time, as a small guest buffer would.
            let Some((_, next)) = entries.get(..7.min(entries.len())).and_then(<[_]>::last) else { break };
            cookie = *next;
            names.extend(entries.into_iter().take(7).map(|(e, _)| e.name));
        }
        assert_eq!(names.len(), 1500);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 1500);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn the_caller_is_root_and_root_is_nobody() {
        let owners = Owners { user: Some((1000, 0)), group: None };
        assert_eq!(owners.shown(1000, 1000), (0, 1000));
        assert_eq!(owners.shown(0, 0), (NOBODY, 0));
        assert_eq!([owners.real_uid(0), owners.real_uid(5), owners.real_gid(0)], [1000, 5, 0]);
    }
}
