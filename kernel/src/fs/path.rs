//! Places in the tree: mounts, and the nodes that remember what was found where.

use super::dcache::{Dcache, NO_SLOT, hash};
use super::inode::{Attr, Inode, Keep, Moment};
use crate::error::{Errno, Result};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use hashbrown::HashTable;

/// A mounted filesystem.
pub struct Mount {
    /// Its type ("tmpfs", "proc", ...), as /proc/mounts shows it.
    pub fs_type: &'static str,
    /// What is mounted, as /proc/mounts shows it.
    pub source: Vec<u8>,
    /// Where: the node it covers; `None` for the root and for mounts that have no place.
    pub covers: Option<Path>,
    /// Its top directory.
    pub root: Rc<Node>,
    /// Mount flags (`MS_RDONLY`, ...).
    pub flags: Cell<u64>,
    /// Its number, for /proc/PID/mountinfo and statx.
    pub id: u64,
}

/// A name found in a directory (Linux's dentry): keeps names and parents for `..`, getcwd and /proc.
///
/// Nodes exist while someone stands on them, or while the [`Dcache`] remembers them. They are not what the filesystem
/// has: every look-up asks the filesystem whether the node of that name still is the same file.
pub struct Node {
    /// The name in the parent; renames by the guest update it.
    pub name: RefCell<Vec<u8>>,
    /// The directory it was found in; `None` at the top of a filesystem.
    pub parent: RefCell<Option<Rc<Node>>>,
    /// The file.
    pub inode: Rc<dyn Inode>,
    /// Its name was removed while it is still in use (shown as "(deleted)").
    pub deleted: Cell<bool>,
    /// How many mounts cover it.
    covered: Cell<u32>,
    /// How many mounts cover its children.
    covered_inside: Cell<u32>,
    children: RefCell<HashTable<(u64, Weak<Node>)>>,
    cache: Option<Rc<Dcache>>,
    /// Whether and where the cache keeps it.
    pub(super) keep: Keep,
    pub(super) slot: Cell<u32>,
    /// Found since the cache last looked for room.
    pub(super) used: Cell<bool>,
}

impl Node {
    fn new(
        name: &[u8],
        parent: Option<Rc<Node>>,
        inode: Rc<dyn Inode>,
        cache: Option<Rc<Dcache>>,
    ) -> Rc<Node> {
        Rc::new(Node {
            name: RefCell::new(name.to_vec()),
            parent: RefCell::new(parent),
            keep: if cache.is_some() { inode.keep() } else { Keep::Not },
            inode,
            deleted: Cell::new(false),
            covered: Cell::new(0),
            covered_inside: Cell::new(0),
            children: RefCell::default(),
            cache,
            slot: Cell::new(NO_SLOT),
            used: Cell::new(false),
        })
    }

    /// The top of a filesystem. What is found in it is remembered in `cache`.
    pub fn top(inode: Rc<dyn Inode>, cache: &Rc<Dcache>) -> Rc<Node> {
        Node::new(b"", None, inode, Some(cache.clone()))
    }

    /// A node in no directory, for files that only descriptors name: `name` is all that /proc shows of it.
    pub fn detached(name: &[u8], inode: Rc<dyn Inode>) -> Rc<Node> {
        Node::new(name, None, inode, None)
    }

    /// The node of a file that was made in this directory without a name (O_TMPFILE).
    pub fn nameless(dir: &Rc<Node>, name: &[u8], inode: Rc<dyn Inode>) -> Rc<Node> {
        let node = Node::new(name, Some(dir.clone()), inode, None);
        node.deleted.set(true);
        node
    }

    /// The node of an entry of this directory, as the filesystem has it.
    ///
    /// # Errors
    /// What the filesystem says: `ENOENT`, `ENOTDIR`, ...
    pub fn child(self: &Rc<Node>, name: &[u8], now: &Moment) -> Result<Rc<Node>> {
        let found = self.find(name, now);
        if found.as_ref().is_err_and(|e| *e == Errno::ENOENT) {
            self.forget(name);
        }
        found
    }

    fn find(self: &Rc<Node>, name: &[u8], now: &Moment) -> Result<Rc<Node>> {
        if let Some(node) = self.living(name) {
            // What is mounted on stays reachable whatever happens to the directory below it.
            if node.covered.get() > 0 || self.inode.still(name, &node.inode, now)? {
                node.used.set(true);
                return Ok(node);
            }
        }
        let reading = now.reading.get();
        let inode = if reading { self.inode.lookup_to_read(name) } else { self.inode.lookup(name) };
        Ok(self.adopt(name, inode?))
    }

    /// What stat(2) tells of an entry, if the filesystem can tell that without getting hold of the file, and nothing
    /// is mounted there.
    ///
    /// # Errors
    /// As [`Node::child`].
    pub fn glance(&self, name: &[u8]) -> Result<Option<Attr>> {
        if self.covered_inside.get() > 0 && self.living(name).is_some_and(|node| node.is_covered()) {
            return Ok(None);
        }
        let told = self.inode.glance(name);
        if told.as_ref().is_err_and(|e| *e == Errno::ENOENT) {
            self.forget(name);
        }
        told
    }

    /// The node of an entry that is known to be `inode` (just looked up, or just made).
    pub fn adopt(self: &Rc<Node>, name: &[u8], inode: Rc<dyn Inode>) -> Rc<Node> {
        if let Some(node) = self.living(name) {
            if same_file(&node.inode, &inode) {
                return node;
            }
            self.forget(name);
        }
        let node = Node::new(name, Some(self.clone()), inode, self.cache.clone());
        self.enter(name, &node);
        if let Some(cache) = &self.cache {
            cache.keep(&node);
        }
        node
    }

    fn enter(&self, name: &[u8], node: &Rc<Node>) {
        let hash = hash(name);
        self.children.borrow_mut().insert_unique(hash, (hash, Rc::downgrade(node)), |(hash, _)| *hash);
    }

    /// Takes a node out of the table, whatever its name is.
    fn leave(&self, name: &[u8], node: *const Node) {
        let mut children = self.children.borrow_mut();
        if let Ok(entry) = children.find_entry(hash(name), |(_, weak)| core::ptr::eq(weak.as_ptr(), node)) {
            entry.remove();
        }
    }

    fn living(&self, name: &[u8]) -> Option<Rc<Node>> {
        let children = self.children.borrow();
        let mut found = None;
        children.find(hash(name), |(_, weak)| {
            found = weak.upgrade().filter(|node| *node.name.borrow() == name);
            found.is_some()
        });
        found
    }

    /// Something is mounted on it, or is no more.
    pub(super) fn cover(&self, change: i32) {
        let count = |cell: &Cell<u32>| cell.set(cell.get().saturating_add_signed(change));
        count(&self.covered);
        if let Some(dir) = &*self.parent.borrow() {
            count(&dir.covered_inside);
        }
    }

    /// Whether something is mounted on it.
    pub fn is_covered(&self) -> bool {
        self.covered.get() > 0
    }

    /// An entry was removed: whoever stands on it stands on a deleted file.
    pub fn forget(&self, name: &[u8]) {
        if let Some(node) = self.living(name) {
            node.deleted.set(true);
            self.leave(name, &*node);
            if let Some(cache) = &self.cache {
                cache.release(&node);
            }
        }
    }

    /// An entry was renamed; what had the new name is gone.
    pub fn renamed(&self, name: &[u8], to_dir: &Rc<Node>, to: &[u8]) {
        let moved = self.living(name);
        to_dir.forget(to);
        if let Some(node) = moved {
            self.leave(name, &*node);
            node.place(to_dir, to);
        }
    }

    /// Two entries changed places (RENAME_EXCHANGE).
    pub fn exchanged(self: &Rc<Node>, name: &[u8], to_dir: &Rc<Node>, to: &[u8]) {
        let (a, b) = (self.living(name), to_dir.living(to));
        if let Some(node) = &a {
            self.leave(name, &**node);
        }
        if let Some(node) = &b {
            to_dir.leave(to, &**node);
        }
        if let Some(node) = a {
            node.place(to_dir, to);
        }
        if let Some(node) = b {
            node.place(self, name);
        }
    }

    fn place(self: &Rc<Node>, dir: &Rc<Node>, name: &[u8]) {
        *self.name.borrow_mut() = name.to_vec();
        let left = self.parent.replace(Some(dir.clone()));
        dir.enter(name, self);
        drop(left);
    }

    /// Whether `self` is `other` or lies above it.
    pub fn is_above(self: &Rc<Node>, other: &Rc<Node>) -> bool {
        let mut at = Some(other.clone());
        while let Some(node) = at {
            if Rc::ptr_eq(self, &node) {
                return true;
            }
            at = node.parent.borrow().clone();
        }
        false
    }
}

impl Drop for Node {
    // A loop, not recursion: a guest may stand as deep as it likes.
    fn drop(&mut self) {
        let mut gone: *const Node = self;
        let mut name = core::mem::take(self.name.get_mut());
        let mut parent = self.parent.get_mut().take();
        while let Some(dir) = parent {
            dir.leave(&name, gone);
            gone = Rc::as_ptr(&dir);
            let Some(mut dir) = Rc::into_inner(dir) else { return };
            name = core::mem::take(dir.name.get_mut());
            parent = dir.parent.get_mut().take();
        }
    }
}

/// Whether two inodes are the same file: by device and inode number where they are different objects.
pub fn same_file(a: &Rc<dyn Inode>, b: &Rc<dyn Inode>) -> bool {
    // Thin pointers: the same object seen through two tables of methods is still the same object.
    if core::ptr::addr_eq(Rc::as_ptr(a), Rc::as_ptr(b)) {
        return true;
    }
    matches!((a.id(), b.id()), (Ok(a), Ok(b)) if a == b)
}

/// A place: a node in a mount.
#[derive(Clone)]
pub struct Path {
    /// The mount it is in.
    pub mount: Rc<Mount>,
    /// The node.
    pub node: Rc<Node>,
}

/// How a place is written, seen from a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// An absolute path below the root; `deleted` says that it is one no longer.
    Below {
        /// The path.
        path: Vec<u8>,
        /// Its name, or one above it, was removed.
        deleted: bool,
    },
    /// An absolute path that does not lead through the root.
    Outside(Vec<u8>),
}

impl Path {
    /// The file.
    pub fn inode(&self) -> &Rc<dyn Inode> {
        &self.node.inode
    }

    /// Whether both are the same place.
    pub fn same(&self, other: &Path) -> bool {
        Rc::ptr_eq(&self.node, &other.node) && Rc::ptr_eq(&self.mount, &other.mount)
    }

    /// The directory above, across mounts; `None` at the top of everything.
    pub fn parent(&self) -> Option<Path> {
        let mut at = self.clone();
        loop {
            if Rc::ptr_eq(&at.node, &at.mount.root) {
                at = at.mount.covers.clone()?;
                continue;
            }
            let parent = at.node.parent.borrow().clone()?;
            return Some(Path { mount: at.mount, node: parent });
        }
    }

    /// The name as seen from `root`.
    pub fn name_from(&self, root: &Path) -> Name {
        let mut names: Vec<Vec<u8>> = Vec::new();
        let mut deleted = false;
        let mut at = self.clone();
        let inside = loop {
            if at.same(root) {
                break true;
            }
            // The top of a mount has the name of what it covers.
            if Rc::ptr_eq(&at.node, &at.mount.root)
                && let Some(covered) = at.mount.covers.clone()
            {
                at = covered;
                continue;
            }
            deleted |= at.node.deleted.get();
            names.push(at.node.name.borrow().clone());
            match at.parent() {
                Some(up) => at = up,
                None => break false,
            }
        };
        if !inside && names.last().is_some_and(Vec::is_empty) {
            names.pop();
        }
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        if inside { Name::Below { path, deleted } } else { Name::Outside(path) }
    }

    /// The path as /proc shows it: ` (deleted)` behind one that is gone. What is outside `root` is shown from its top.
    pub fn to_bytes(&self, root: &Path) -> Vec<u8> {
        match self.name_from(root) {
            Name::Below { mut path, deleted } => {
                if deleted {
                    path.extend_from_slice(b" (deleted)");
                }
                path
            }
            Name::Outside(mut path) => {
                if self.node.deleted.get() {
                    path.extend_from_slice(b" (deleted)");
                }
                path
            }
        }
    }
}

impl core::fmt::Debug for Path {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let name = self.node.name.borrow();
        write!(f, "Path({}: {})", self.mount.id, alloc::string::String::from_utf8_lossy(&name))
    }
}
