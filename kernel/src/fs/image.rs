//! Filling a filesystem from an archive, entry by entry.

use super::inode::{Inode, NewFile, SetAttr, mode};
use super::namei::{Follow, Last, WalkCx, walk, walk_parent};
use super::{Mounts, Path};
use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::fs::file::{File, oflag};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'a> {
    /// A regular file; its contents are written to what [`Image::add`] returns.
    File,
    /// A directory.
    Directory,
    /// A symbolic link to this path.
    Symlink(&'a [u8]),
    /// Another name for the file of this path, which came before.
    HardLink(&'a [u8]),
    /// A FIFO, or a device: type bits of the mode, and number.
    Special(u32, u64),
}

/// An entry of an archive.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Where, with or without slashes and dots around it.
    pub path: &'a [u8],
    /// What it is.
    pub what: What<'a>,
    /// Permission bits.
    pub permissions: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Last change, ns since 1970.
    pub mtime: i64,
}

/// A filesystem being filled.
pub struct Image {
    mounts: Mounts,
    cred: Cred,
    /// Directories whose times are set at the end, when nothing is added to them any more.
    directories: Vec<(Rc<dyn Inode>, i64)>,
}

impl Image {
    /// Fills the filesystem with this top directory.
    pub fn new(root: Rc<dyn Inode>) -> Image {
        let mounts = Mounts::new("image", b"image", root, 0);
        Image { mounts, cred: Cred::new(0, 0, Vec::new()), directories: Vec::new() }
    }

    fn walk(&self, path: &[u8]) -> Result<Path> {
        let root = self.mounts.root();
        let cx = WalkCx { mounts: &self.mounts, root: &root, cred: &self.cred, resolve: 0 };
        walk(&cx, &root, path, Follow::No)
    }

    /// The directory that `path` is in, made if it is not there, and the last name; `None` for the top itself. Links
    /// inside the image are followed; nothing leads out of it.
    fn parent(&self, path: &[u8]) -> Result<Option<(Path, Vec<u8>)>> {
        let root = self.mounts.root();
        let cx = WalkCx { mounts: &self.mounts, root: &root, cred: &self.cred, resolve: 0 };
        let mut end = 0;
        while let Some(slash) = path[end..].iter().position(|b| *b == b'/') {
            let directory = &path[..end + slash];
            end += slash + 1;
            if directory.iter().all(|b| matches!(b, b'/' | b'.')) {
                continue;
            }
            if let Err(Errno::ENOENT) = walk(&cx, &root, directory, Follow::Yes) {
                let made = NewFile { mode: mode::DIR | 0o755, uid: 0, gid: 0, rdev: 0 };
                let above = walk_parent(&cx, &root, directory)?;
                if let Last::Name(name) = above.last {
                    above.dir.inode().create(&name, &made)?;
                }
            }
        }
        let parent = walk_parent(&cx, &root, path)?;
        match parent.last {
            Last::Name(name) => Ok(Some((parent.dir, name.to_vec()))),
            Last::Root | Last::Dot => Ok(None),
            Last::DotDot => Err(Errno::EINVAL),
        }
    }

    /// Adds an entry, replacing what has the name. For a regular file returns it open for writing.
    ///
    /// # Errors
    /// `ENOENT` for a hard link to what did not come before, `ENOSPC`, `ENOTDIR`, ...
    pub fn add(&mut self, entry: &Entry<'_>) -> Result<Option<Rc<File>>> {
        let new = |kind, rdev| NewFile {
            mode: kind | entry.permissions & 0o7777,
            uid: entry.uid,
            gid: entry.gid,
            rdev,
        };
        let Some((dir, name)) = self.parent(entry.path)? else {
            let top = self.mounts.root().inode().clone();
            return self.set_directory(top, entry);
        };
        let dir = dir.inode();
        let old = match dir.lookup(&name) {
            Ok(inode) => Some(inode),
            Err(Errno::ENOENT) => None,
            Err(e) => return Err(e),
        };
        if let Some(old) = old {
            let is_dir = old.attr()?.is_dir();
            match (entry.what, is_dir) {
                (What::Directory, true) => return self.set_directory(old, entry),
                (_, true) => dir.rmdir(&name)?,
                _ => dir.unlink(&name)?,
            }
        }
        let inode = match entry.what {
            What::Directory => {
                let made = dir.create(&name, &new(mode::DIR, 0))?;
                return self.set_directory(made, entry);
            }
            What::HardLink(to) => {
                let to = self.walk(to)?.inode().clone();
                dir.link(&name, &to)?;
                return Ok(None);
            }
            What::File => dir.create(&name, &new(mode::REG, 0))?,
            What::Symlink(target) => dir.symlink(&name, target, &new(mode::LNK, 0))?,
            What::Special(kind, rdev) => dir.create(&name, &new(kind, rdev))?,
        };
        if entry.what == What::File {
            let ops = inode.open(&inode, oflag::WRONLY, &self.cred)?;
            let path = Path { node: super::Node::detached(&name, inode), mount: self.mounts.root().mount };
            return Ok(Some(File::new(ops, oflag::WRONLY, Some(path))));
        }
        set_time(&inode, entry.mtime)?;
        Ok(None)
    }

    /// The contents of a file that [`Image::add`] returned are complete.
    pub fn complete(&self, file: &File, mtime: i64) -> Result<()> {
        match &file.path {
            Some(path) => set_time(path.inode(), mtime),
            None => Ok(()),
        }
    }

    fn set_directory(&mut self, inode: Rc<dyn Inode>, entry: &Entry<'_>) -> Result<Option<Rc<File>>> {
        if entry.what != What::Directory {
            return Err(Errno::EISDIR);
        }
        inode.set_attr(&SetAttr {
            mode: Some(entry.permissions & 0o7777),
            uid: Some(entry.uid),
            gid: Some(entry.gid),
            ..SetAttr::default()
        })?;
        self.directories.push((inode, entry.mtime));
        Ok(None)
    }

    /// Nothing comes any more.
    pub fn finish(self) -> Result<()> {
        self.directories.iter().try_for_each(|(inode, mtime)| set_time(inode, *mtime))
    }
}

fn set_time(inode: &Rc<dyn Inode>, mtime: i64) -> Result<()> {
    inode.set_attr(&SetAttr { atime: Some(mtime), mtime: Some(mtime), ..SetAttr::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::tmpfs::TmpFs;
    use crate::user::{Dst, Src};

    fn entry<'a>(path: &'a str, what: What<'a>) -> Entry<'a> {
        Entry { path: path.as_bytes(), what, permissions: 0o754, uid: 7, gid: 8, mtime: 9_000_000_000 }
    }

    #[test]
    fn entries_become_files() {
        let top = NewFile { mode: mode::DIR | 0o755, uid: 0, gid: 0, rdev: 0 };
        let root: Rc<dyn Inode> = TmpFs::mount(&crate::ipc::tests::env(), 1 << 20, &top);
        let mut image = Image::new(root.clone());
        image.add(&entry("./", What::Directory)).unwrap();
        image.add(&entry("usr/lib/", What::Directory)).unwrap();
        image.add(&entry("lib", What::Symlink(b"usr/lib"))).unwrap();
        let file = image.add(&entry("./lib/f", What::File)).unwrap().unwrap();
        file.ops().write(&file, &mut Src::Kernel(b"text"), 0).unwrap();
        image.complete(&file, 5).unwrap();
        image.add(&entry("/usr/g", What::HardLink(b"usr/lib/f"))).unwrap();
        image.add(&entry("dev/null", What::Special(mode::CHR, 0x103))).unwrap();
        assert_eq!(image.add(&entry("x", What::HardLink(b"none"))).err(), Some(Errno::ENOENT));
        assert_eq!(image.add(&entry("../x", What::Symlink(b"y"))).err(), None);
        image.finish().unwrap();
        let g = root.lookup(b"usr").unwrap().lookup(b"g").unwrap();
        let attr = g.attr().unwrap();
        assert_eq!((attr.size, attr.nlink, attr.mtime, attr.mode), (4, 2, 5, mode::REG | 0o754));
        let cred = Cred::new(0, 0, Vec::new());
        let file = File::new(g.open(&g, 0, &cred).unwrap(), 0, None);
        let mut buf = [0; 8];
        assert_eq!(file.ops().read(&file, &mut Dst::Kernel(&mut buf, 0), 0), Ok(4));
        let lib = root.lookup(b"usr").unwrap().lookup(b"lib").unwrap().attr().unwrap();
        assert_eq!((lib.mtime, lib.uid, lib.gid), (9_000_000_000, 7, 8));
        assert_eq!(root.lookup(b"dev").unwrap().lookup(b"null").unwrap().attr().unwrap().rdev, 0x103);
        // `..` at the top is the top.
        assert!(root.lookup(b"x").is_ok());
    }
}
