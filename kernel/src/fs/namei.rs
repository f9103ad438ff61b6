//! From a path to a place: the walk (path_resolution(7)).
//!
//! [`walk`] and [`walk_parent`] are enough for most; whoever may create what the last component names, through
//! symbolic links ([`open`](https://man7.org/linux/man-pages/man2/open.2.html) with O_CREAT), drives a [`Walker`].

use super::inode::{Attr, Moment, Permissions, mode};
use super::mount::Mounts;
use super::path::{Mount, Path};
use crate::cred::Cred;
use crate::error::{Errno, Result};
use alloc::rc::Rc;
use alloc::vec::Vec;
use smallvec::SmallVec;

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

/// A name in a directory; usual ones need no memory of the heap.
pub type Name = SmallVec<[u8; 32]>;

/// The last component of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Last {
    /// A name, perhaps of nothing yet.
    Name(Name),
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

/// Goes to what will be opened for reading.
///
/// # Errors
/// As [`walk`].
pub fn walk_to_read(cx: &WalkCx<'_>, base: &Path, path: &[u8], follow: Follow) -> Result<Path> {
    let mut walker = Walker::new(*cx, base)?;
    walker.to_read = true;
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

/// What stat(2) tells of what `path` names.
///
/// # Errors
/// As [`walk`].
pub fn stat(cx: &WalkCx<'_>, base: &Path, path: &[u8], follow: Follow) -> Result<Stat> {
    let mut walker = Walker::new(*cx, base)?;
    let parent = walker.parent(path)?;
    if let Last::Name(name) = &parent.last
        && !parent.slash
        && name.len() <= NAME_MAX
        && let Some(attr) = walker.at.node.glance(name)?
        && (follow == Follow::No || attr.kind() != mode::LNK)
    {
        return Ok(Stat { attr, mount: parent.dir.mount, top: false });
    }
    walker.finish(parent, follow)?;
    let top = Rc::ptr_eq(&walker.at.node, &walker.at.mount.root);
    Ok(Stat { attr: walker.attr()?, mount: walker.at.mount, top })
}

/// What stat(2) and statx(2) tell of a place.
pub struct Stat {
    /// Attributes.
    pub attr: Attr,
    /// The mount it is in.
    pub mount: Rc<Mount>,
    /// It is the top of that.
    pub top: bool,
}

/// A walk under way.
pub struct Walker<'a> {
    cx: WalkCx<'a>,
    /// `/` of this walk.
    root: Path,
    /// Where the walk is.
    pub at: Path,
    now: Moment,
    /// What the walk goes to will be opened for reading.
    pub to_read: bool,
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
        Ok(Walker { cx, root, at: base.clone(), now: Moment::default(), to_read: false, links: 0 })
    }

    fn forbids(&self, what: u32) -> bool {
        self.cx.resolve & what != 0
    }

    /// What stat(2) tells of where the walk is.
    pub fn attr(&self) -> Result<Attr> {
        self.at.inode().attr()
    }

    /// Goes to a place that was found in the current directory, or by a link.
    ///
    /// # Errors
    /// `EXDEV` if the walk may not leave its mount.
    pub fn arrive(&mut self, to: Path) -> Result<()> {
        if self.forbids(resolve::NO_XDEV) && !Rc::ptr_eq(&to.mount, &self.at.mount) {
            return Err(Errno::EXDEV);
        }
        self.at = to;
        Ok(())
    }

    /// The current place must be a directory that may be searched.
    fn searchable(&self) -> Result<()> {
        if self.at.inode().kind()? != mode::DIR {
            return Err(Errno::ENOTDIR);
        }
        // Root may search every directory.
        if self.cx.cred.fsuid == 0 {
            return Ok(());
        }
        let Permissions { mode, uid, gid } = self.at.inode().permissions(&self.now)?;
        if self.cx.cred.may(1, mode, uid, gid) { Ok(()) } else { Err(Errno::EACCES) }
    }

    /// Goes to what `path` names.
    pub fn go(&mut self, path: &[u8], follow: Follow) -> Result<()> {
        let parent = self.parent(path)?;
        self.finish(parent, follow)
    }

    /// Goes from the directory of the last component to what that names.
    fn finish(&mut self, parent: Parent, follow: Follow) -> Result<()> {
        match parent.last {
            Last::Root | Last::Dot => {}
            Last::DotDot => self.up()?,
            Last::Name(name) => {
                let follow = if parent.slash { Follow::Yes } else { follow };
                self.now.reading.set(self.to_read);
                self.step(&name, follow)?;
            }
        }
        if parent.slash && self.at.inode().kind()? != mode::DIR {
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
        let mut rest = path;
        let last = loop {
            let (component, behind) = next_component(rest);
            if component.is_empty() {
                break component;
            }
            self.searchable()?;
            if behind.iter().all(|b| *b == b'/') {
                break component;
            }
            rest = behind;
            match component {
                b"." => {}
                b".." => self.up()?,
                name => self.step(name, Follow::Yes)?,
            }
        };
        let last = match last {
            b"" if self.at.inode().kind()? != mode::DIR => return Err(Errno::ENOTDIR),
            b"" => Last::Root,
            b"." => Last::Dot,
            b".." => Last::DotDot,
            name => Last::Name(Name::from_slice(name)),
        };
        Ok(Parent { dir: self.at.clone(), last, slash: path.ends_with(b"/") })
    }

    /// Looks at an entry of the current directory without going there.
    pub fn look(&self, name: &[u8]) -> Result<Path> {
        if name.len() > NAME_MAX {
            // In a removed directory nothing is looked for at all.
            return Err(if self.at.node.deleted.get() { Errno::ENOENT } else { Errno::ENAMETOOLONG });
        }
        let node = self.at.node.child(name, &self.now);
        self.now.reading.set(false);
        let node = node?;
        Ok(self.cx.mounts.topmost(Path { mount: self.at.mount.clone(), node }))
    }

    fn step(&mut self, name: &[u8], follow: Follow) -> Result<()> {
        let to = self.look(name)?;
        if follow == Follow::Yes && to.inode().kind()? == mode::LNK {
            return match self.link(&to)? {
                Link::Arrived => Ok(()),
                Link::Text(target) => self.go(&target, Follow::Yes),
            };
        }
        self.arrive(to)
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

/// Splits a path behind its first component, which is empty if there are nothing but slashes.
fn next_component(path: &[u8]) -> (&[u8], &[u8]) {
    let start = path.iter().position(|b| *b != b'/').unwrap_or(path.len());
    let path = &path[start..];
    path.split_at(path.iter().position(|b| *b == b'/').unwrap_or(path.len()))
}
