//! Places in the tree: mounts, and the nodes that remember what was found where.

use super::inode::Inode;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// A mounted filesystem.
pub struct Mount {
    /// Its type ("tmpfs", "proc", ...), as /proc/mounts shows it.
    pub fs_type: &'static str,
    /// What is mounted, as /proc/mounts shows it.
    pub source: Vec<u8>,
    /// Where: the node it covers; `None` for the root.
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
/// Nodes exist while someone stands on them; they are not a cache of what the host has.
pub struct Node {
    /// The name in the parent; renames by the guest update it.
    pub name: RefCell<Vec<u8>>,
    /// The directory it was found in; `None` at the top of a mount.
    pub parent: RefCell<Option<Rc<Node>>>,
    /// The file.
    pub inode: Rc<dyn Inode>,
    /// Its name was removed while it is still in use (shown as "(deleted)").
    pub deleted: Cell<bool>,
}

/// A place: a node in a mount.
#[derive(Clone)]
pub struct Path {
    /// The mount it is in.
    pub mount: Rc<Mount>,
    /// The node.
    pub node: Rc<Node>,
}
