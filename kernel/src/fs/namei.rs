//! From a path to a place: the walk (path_resolution(7)).
//!
//! [`walk`] and [`walk_parent`] are enough for most; whoever may create what the last component names, through
//! symbolic links ([`open`](https://man7.org/linux/man-pages/man2/open.2.html) with O_CREAT), drives a [`Walker`].

use super::inode::{Attr, mode};
use super::mount::Mounts;
use super::path::Path;
use crate::cred::Cred;
use crate::error::{Errno, Result};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The longest name of a directory entry.
pub const NAME_MAX: usize = 255;
/// How many symbolic links one walk follows.
const MAX_LINKS: u32 = 40;

/// Restrictions of openat2(2).
#[allow(missing_docs)]
pub mod resolve {
    pub const NO_XDEV: u32 = 0x01;
    pub const NO_MAGICLINKS: u32 = 0x02;
    pub const NO_SYMLINKS: u32 = 0x04;
    pub const BENEATH: u32 = 0x08;
    pub const IN_ROOT: u32 = 0x10;
    pub const CACHED: u32 = 0x20;
}

/// For whom a path is resolved.
#[derive(Clone, Copy)]
pub struct WalkCx<'a> {
    /// What is mounted.
    pub mounts: &'a Mounts,
    /// Where `/` is.
    pub root: &'a Path,
    /// Who walks.
    pub cred: &'a Cred,
    /// Bits of [`resolve`]; 0 for all but openat2.
    pub resolve: u32,
}

/// What to do with a symbolic link at the end of the path. With a trailing slash it is always followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Go where it leads.
    Yes,
    /// Stop at it (lstat, O_NOFOLLOW).
    No,
}

/// The last component of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Last {
    /// A name, perhaps of nothing yet.
    Name(Vec<u8>),
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// There is none: the path was `/`.
    Root,
}

/// Where the last component of a path is to be looked for.
pub struct Parent {
    /// The directory.
    pub dir: Path,
    /// The component.
    pub last: Last,
    /// A slash stood behind it: it must be, or become, a directory.
    pub slash: bool,
}

/// Goes to the place `path` names, from `base` if it is relative.
///
/// # Errors
/// `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`; `EXDEV` and `EAGAIN` for restricted walks.
pub fn walk(cx: &WalkCx<'_>, base: &Path, path: &[u8], follow: Follow) -> Result<Path> {
    let mut walker = Walker::new(*cx, base)?;
    walker.go(path, follow)?;
    Ok(walker.at)
}

/// Goes to the directory of what `path` names.
///
/// # Errors
/// As [`walk`].
pub fn walk_parent(cx: &WalkCx<'_>, base: &Path, path: &[u8]) -> Result<Parent> {
    Walker::new(*cx, base)?.parent(path)
}

/// A walk under way.
pub struct Walker<'a> {
    cx: WalkCx<'a>,
    /// `/` of this walk.
    root: Path,
    /// Where the walk is.
    pub at: Path,
    /// What is there.
    pub attr: Attr,
    links: u32,
}

/// What a symbolic link turned out to be.
pub enum Link {
    /// A path, to be walked from where the walker is.
    Text(Vec<u8>),
    /// A magic link: the walker is where it leads.
    Arrived,
}

impl<'a> Walker<'a> {
    /// Starts at `base`.
    pub fn new(cx: WalkCx<'a>, base: &Path) -> Result<Walker<'a>> {
        if cx.resolve & resolve::CACHED != 0 {
            return Err(Errno::EAGAIN);
        }
        let restricted = cx.resolve & (resolve::BENEATH | resolve::IN_ROOT) != 0;
        let root = if restricted { base.clone() } else { cx.root.clone() };
        Ok(Walker { cx, root, attr: base.inode().attr()?, at: base.clone(), links: 0 })
    }

    fn forbids(&self, what: u32) -> bool {
        self.cx.resolve & what != 0
    }

    /// Goes to a place that was found in the current directory, or by a link.
    ///
    /// # Errors
    /// `EXDEV` if the walk may not leave its mount.
    pub fn arrive(&mut self, to: Path) -> Result<()> {
        let attr = to.inode().attr()?;
        self.arrive_at(to, attr)
    }

    /// [`Walker::arrive`] where it is known what is there.
    ///
    /// # Errors
    /// `EXDEV`.
    pub fn arrive_at(&mut self, to: Path, attr: Attr) -> Result<()> {
        if self.forbids(resolve::NO_XDEV) && !Rc::ptr_eq(&to.mount, &self.at.mount) {
            return Err(Errno::EXDEV);
        }
        (self.at, self.attr) = (to, attr);
        Ok(())
    }

    /// The current place must be a directory that may be searched.
    fn searchable(&self) -> Result<()> {
        if !self.attr.is_dir() {
            return Err(Errno::ENOTDIR);
        }
        if !self.cx.cred.may(1, self.attr.mode, self.attr.uid, self.attr.gid) {
            return Err(Errno::EACCES);
        }
        Ok(())
    }

    /// Goes to what `path` names.
    pub fn go(&mut self, path: &[u8], follow: Follow) -> Result<()> {
        let parent = self.parent(path)?;
        match parent.last {
            Last::Root | Last::Dot => {}
            Last::DotDot => self.up()?,
            Last::Name(name) => {
                let follow = if parent.slash { Follow::Yes } else { follow };
                self.step(&name, follow)?;
            }
        }
        if parent.slash && !self.attr.is_dir() {
            return Err(Errno::ENOTDIR);
        }
        Ok(())
    }

    /// Goes to the directory of what `path` names.
    pub fn parent(&mut self, path: &[u8]) -> Result<Parent> {
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        if path[0] == b'/' {
            if self.forbids(resolve::BENEATH) {
                return Err(Errno::EXDEV);
            }
            if !self.at.same(&self.root) {
                let root = self.root.clone();
                self.arrive(root)?;
            }
        }
        let mut components = path.split(|b| *b == b'/').filter(|c| !c.is_empty()).peekable();
        let mut last: &[u8] = b"";
        while let Some(component) = components.next() {
            self.searchable()?;
            if components.peek().is_none() {
                last = component;
                break;
            }
            match component {
                b"." => {}
                b".." => self.up()?,
                name => self.step(name, Follow::Yes)?,
            }
        }
        if !self.attr.is_dir() {
            return Err(Errno::ENOTDIR);
        }
        let slash = path.ends_with(b"/");
        let last = match last {
            b"" => Last::Root,
            b"." => Last::Dot,
            b".." => Last::DotDot,
            name => Last::Name(name.to_vec()),
        };
        Ok(Parent { dir: self.at.clone(), last, slash })
    }

    /// Looks at an entry of the current directory without going there.
    pub fn look(&self, name: &[u8]) -> Result<(Path, Attr)> {
        if name.len() > NAME_MAX {
            // In a removed directory nothing is looked for at all.
            return Err(if self.at.node.deleted.get() { Errno::ENOENT } else { Errno::ENAMETOOLONG });
        }
        let (node, attr) = self.at.node.child_attr(name)?;
        let covered = node.is_covered();
        let to = self.cx.mounts.topmost(Path { mount: self.at.mount.clone(), node });
        let attr = if covered { to.inode().attr()? } else { attr };
        Ok((to, attr))
    }

    fn step(&mut self, name: &[u8], follow: Follow) -> Result<()> {
        let (to, attr) = self.look(name)?;
        if attr.kind() == mode::LNK && follow == Follow::Yes {
            return match self.link(&to)? {
                Link::Arrived => Ok(()),
                Link::Text(target) => self.go(&target, Follow::Yes),
            };
        }
        self.arrive_at(to, attr)
    }

    /// Reads a symbolic link found in the current directory.
    pub fn link(&mut self, link: &Path) -> Result<Link> {
        self.links += 1;
        if self.links > MAX_LINKS || self.forbids(resolve::NO_SYMLINKS) {
            return Err(Errno::ELOOP);
        }
        if let Some(to) = link.inode().follow() {
            if self.forbids(resolve::NO_MAGICLINKS) {
                return Err(Errno::ELOOP);
            }
            if self.forbids(resolve::BENEATH | resolve::IN_ROOT) {
                return Err(Errno::EXDEV);
            }
            self.arrive(to)?;
            return Ok(Link::Arrived);
        }
        let target = link.inode().readlink()?;
        if target.is_empty() { Err(Errno::ENOENT) } else { Ok(Link::Text(target)) }
    }

    fn up(&mut self) -> Result<()> {
        if self.at.same(&self.root) {
            return if self.forbids(resolve::BENEATH) { Err(Errno::EXDEV) } else { Ok(()) };
        }
        match self.at.parent() {
            Some(parent) => self.arrive(self.cx.mounts.topmost(parent)),
            None => Ok(()),
        }
    }
}
