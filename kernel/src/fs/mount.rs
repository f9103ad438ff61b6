//! The mount table, and what each task knows of the tree: root, working directory, umask.

use super::dcache::Dcache;
use super::inode::Inode;
use super::locks::Locks;
use super::path::{Mount, Node, Path};
use crate::error::{Errno, Result};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// Flags of mount(2) that are kept with a mount.
#[allow(missing_docs)]
pub mod flag {
    pub const RDONLY: u64 = 1;
    pub const NOSUID: u64 = 2;
    pub const NODEV: u64 = 4;
    pub const NOEXEC: u64 = 8;
    pub const SYNCHRONOUS: u64 = 16;
    pub const NOATIME: u64 = 1024;
    pub const NODIRATIME: u64 = 2048;
    pub const RELATIME: u64 = 1 << 21;
    /// All that mount(2) may change on a remount.
    pub const KEPT: u64 = RDONLY | NOSUID | NODEV | NOEXEC | SYNCHRONOUS | NOATIME | NODIRATIME | RELATIME;
}

/// What `clone(CLONE_FS)` shares.
#[derive(Debug, Clone)]
pub struct FsContext {
    /// Where `/` is.
    pub root: Path,
    /// Where relative paths start.
    pub cwd: Path,
    /// Permission bits that new files do not get.
    pub umask: u32,
}

/// What is mounted. Clones are the same table: one namespace for all tasks.
#[derive(Clone)]
pub struct Mounts(Rc<Table>);

struct Table {
    list: RefCell<Vec<Rc<Mount>>>,
    next_id: Cell<u64>,
    locks: Locks,
    privileges: Cell<u64>,
    cache: Rc<Dcache>,
}

impl Drop for Table {
    fn drop(&mut self) {
        // The nodes know the cache that keeps them.
        self.cache.release_all();
    }
}

impl Mounts {
    /// A table with nothing but the root.
    pub fn new(fs_type: &'static str, source: &[u8], root: Rc<dyn Inode>, flags: u64) -> Mounts {
        let mounts = Mounts(Rc::new(Table {
            list: RefCell::default(),
            next_id: Cell::new(20),
            locks: Locks::default(),
            privileges: Cell::new(1),
            cache: Rc::default(),
        }));
        let top = Node::top(root, &mounts.0.cache);
        let mount = mounts.make(fs_type, source, top, None, flags);
        mounts.0.list.borrow_mut().push(mount);
        mounts
    }

    fn make(
        &self,
        fs_type: &'static str,
        source: &[u8],
        root: Rc<Node>,
        covers: Option<Path>,
        flags: u64,
    ) -> Rc<Mount> {
        let id = self.0.next_id.get();
        self.0.next_id.set(id + 1);
        Rc::new(Mount {
            fs_type,
            source: source.to_vec(),
            covers,
            root,
            flags: Cell::new(flags & flag::KEPT),
            id,
        })
    }

    /// The top of everything.
    pub fn root(&self) -> Path {
        let mount = self.0.list.borrow()[0].clone();
        Path { node: mount.root.clone(), mount }
    }

    /// Locks of all files.
    pub fn locks(&self) -> &Locks {
        &self.0.locks
    }

    /// How often a file was made a set-user-id or set-group-id program: what was none at some count still is none
    /// while the count stays.
    pub fn privileges(&self) -> u64 {
        self.0.privileges.get()
    }

    /// A file was made one.
    pub fn privilege_given(&self) {
        self.0.privileges.set(self.0.privileges.get() + 1);
    }

    /// All mounts, oldest first.
    pub fn list(&self) -> Vec<Rc<Mount>> {
        self.0.list.borrow().clone()
    }

    /// Mounts a filesystem on the place `on`.
    ///
    /// # Errors
    /// `ENOTDIR` if only one of the two is a directory.
    pub fn mount(
        &self,
        fs_type: &'static str,
        source: &[u8],
        root: Rc<dyn Inode>,
        on: Path,
        flags: u64,
    ) -> Result<Path> {
        self.attach(fs_type, source, Node::top(root, &self.0.cache), on, flags)
    }

    /// Makes the tree at `what` appear at `on` too (MS_BIND). Mounts below `what` do not come along.
    ///
    /// # Errors
    /// As [`Mounts::mount`].
    pub fn bind(&self, what: &Path, on: Path) -> Result<Path> {
        let from = &what.mount;
        self.attach(from.fs_type, &from.source, what.node.clone(), on, from.flags.get())
    }

    fn attach(
        &self,
        fs_type: &'static str,
        source: &[u8],
        root: Rc<Node>,
        on: Path,
        flags: u64,
    ) -> Result<Path> {
        if root.inode.attr()?.is_dir() != on.inode().attr()?.is_dir() {
            return Err(Errno::ENOTDIR);
        }
        on.node.cover(1);
        let mount = self.make(fs_type, source, root, Some(on), flags);
        self.0.list.borrow_mut().push(mount.clone());
        Ok(Path { node: mount.root.clone(), mount })
    }

    /// A mount that has no place in the tree: for files that only descriptors name.
    pub fn detached(&self, fs_type: &'static str, root: Rc<Node>) -> Path {
        let mount = self.make(fs_type, fs_type.as_bytes(), root, None, 0);
        Path { node: mount.root.clone(), mount }
    }

    /// Takes a mount away. Files in it that are open stay open.
    ///
    /// # Errors
    /// `EINVAL` if `at` is not the top of a mount, or is the root; `EBUSY` if something is mounted below it.
    pub fn unmount(&self, at: &Path) -> Result<()> {
        let mut list = self.0.list.borrow_mut();
        let index = list.iter().position(|m| Rc::ptr_eq(m, &at.mount)).ok_or(Errno::EINVAL)?;
        let Some(covers) = at.mount.covers.as_ref().filter(|_| Rc::ptr_eq(&at.node, &at.mount.root)) else {
            return Err(Errno::EINVAL);
        };
        if list.iter().any(|m| m.covers.as_ref().is_some_and(|c| Rc::ptr_eq(&c.mount, &at.mount))) {
            return Err(Errno::EBUSY);
        }
        covers.node.cover(-1);
        let gone = list.remove(index);
        drop(list);
        self.0.cache.release_tree(&gone.root);
        Ok(())
    }

    /// The place one really gets to: the top of what is mounted over `at`, or `at` itself.
    pub fn topmost(&self, mut at: Path) -> Path {
        while at.node.is_covered() {
            let list = self.0.list.borrow();
            let Some(over) = list.iter().rev().find(|m| m.covers.as_ref().is_some_and(|c| c.same(&at)))
            else {
                break;
            };
            at = Path { mount: over.clone(), node: over.root.clone() };
        }
        at
    }
}
