//! Places in the tree: mounts, and the nodes that remember what was found where.

use super::inode::{Attr, Inode};
use crate::error::Result;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

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
/// Nodes exist while someone stands on them; they are not a cache of what the filesystem has: every look-up asks the
/// filesystem, and finds the living node of that name only if it still is the same file.
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
    pub(super) covered: Cell<u32>,
    children: RefCell<BTreeMap<Vec<u8>, Weak<Node>>>,
}

impl Node {
    fn new(name: Vec<u8>, parent: Option<Rc<Node>>, inode: Rc<dyn Inode>) -> Rc<Node> {
        Rc::new(Node {
            name: RefCell::new(name),
            parent: RefCell::new(parent),
            inode,
            deleted: Cell::new(false),
            covered: Cell::new(0),
            children: RefCell::default(),
        })
    }

    /// The top of a filesystem.
    pub fn top(inode: Rc<dyn Inode>) -> Rc<Node> {
        Node::new(Vec::new(), None, inode)
    }

    /// A node in no directory, for files that only descriptors name: `name` is all that /proc shows of it.
    pub fn detached(name: &[u8], inode: Rc<dyn Inode>) -> Rc<Node> {
        Node::new(name.to_vec(), None, inode)
    }

    /// The node of a file that was made in this directory without a name (O_TMPFILE).
    pub fn nameless(dir: &Rc<Node>, name: &[u8], inode: Rc<dyn Inode>) -> Rc<Node> {
        let node = Node::new(name.to_vec(), Some(dir.clone()), inode);
        node.deleted.set(true);
        node
    }

    /// The node of an entry of this directory, which the filesystem is asked for.
    ///
    /// # Errors
    /// What the filesystem says: `ENOENT`, `ENOTDIR`, ...
    pub fn child(self: &Rc<Node>, name: &[u8]) -> Result<Rc<Node>> {
        self.find(name).map(|(node, _)| node)
    }

    /// [`Node::child`] and what stat(2) tells of it: of what was just looked up, which a filesystem may know already.
    ///
    /// # Errors
    /// As [`Node::child`].
    pub fn child_attr(self: &Rc<Node>, name: &[u8]) -> Result<(Rc<Node>, Attr)> {
        let (node, inode) = self.find(name)?;
        Ok((node, inode.attr()?))
    }

    fn find(self: &Rc<Node>, name: &[u8]) -> Result<(Rc<Node>, Rc<dyn Inode>)> {
        // What is mounted on stays reachable whatever happens to the directory below it.
        if let Some(node) = self.living(name)
            && node.covered.get() > 0
        {
            let inode = node.inode.clone();
            return Ok((node, inode));
        }
        match self.inode.lookup(name) {
            Ok(inode) => Ok((self.adopt(name, inode.clone()), inode)),
            Err(e) => {
                self.forget(name);
                Err(e)
            }
        }
    }

    /// The node of an entry that is known to be `inode` (just looked up, or just made).
    pub fn adopt(self: &Rc<Node>, name: &[u8], inode: Rc<dyn Inode>) -> Rc<Node> {
        if let Some(node) = self.living(name) {
            if same_file(&node.inode, &inode) {
                return node;
            }
            node.deleted.set(true);
        }
        let node = Node::new(name.to_vec(), Some(self.clone()), inode);
        self.children.borrow_mut().insert(name.to_vec(), Rc::downgrade(&node));
        node
    }

    fn living(&self, name: &[u8]) -> Option<Rc<Node>> {
        self.children.borrow().get(name).and_then(Weak::upgrade)
    }

    /// Whether something is mounted on it.
    pub fn is_covered(&self) -> bool {
        self.covered.get() > 0
    }

    /// An entry was removed: whoever stands on it stands on a deleted file.
    pub fn forget(&self, name: &[u8]) {
        if let Some(node) = self.living(name) {
            node.deleted.set(true);
        }
        self.children.borrow_mut().remove(name);
    }

    /// An entry was renamed; what had the new name is gone.
    pub fn renamed(&self, name: &[u8], to_dir: &Rc<Node>, to: &[u8]) {
        let moved = self.living(name);
        self.children.borrow_mut().remove(name);
        to_dir.forget(to);
        if let Some(node) = moved {
            node.place(to_dir, to);
        }
    }

    /// Two entries changed places (RENAME_EXCHANGE).
    pub fn exchanged(self: &Rc<Node>, name: &[u8], to_dir: &Rc<Node>, to: &[u8]) {
        let (a, b) = (self.living(name), to_dir.living(to));
        self.children.borrow_mut().remove(name);
        to_dir.children.borrow_mut().remove(to);
        if let Some(node) = a {
            node.place(to_dir, to);
        }
        if let Some(node) = b {
            node.place(self, name);
        }
    }

    fn place(self: &Rc<Node>, dir: &Rc<Node>, name: &[u8]) {
        *self.name.borrow_mut() = name.to_vec();
        *self.parent.borrow_mut() = Some(dir.clone());
        dir.children.borrow_mut().insert(name.to_vec(), Rc::downgrade(self));
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
        let mut name = core::mem::take(self.name.get_mut());
        let mut parent = self.parent.get_mut().take();
        while let Some(dir) = parent {
            {
                let mut children = dir.children.borrow_mut();
                // The name may be another node's by now.
                if children.get(&name).is_some_and(|weak| weak.strong_count() == 0) {
                    children.remove(&name);
                }
            }
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
