//! The default root: a read-only tree below, and every change to it in RAM above.
//!
//! An [`OverlayInode`] is a file of the merged tree. Until it is changed it is only the lower inode; *copying up* gives
//! it an upper one, in a tmpfs, which then holds all of it (of a directory: its attributes). A directory keeps what was
//! changed in it by name: entries that are other than the lower directory's, and whiteouts that hide the lower ones.
//! So renaming a directory moves one entry, whatever is below it. What was not changed is looked up in the lower tree
//! each time: people edit there while the guest looks.
//!
//! - `tree`: finding, adding and removing entries
//! - `copy`: copying up
//! - `inode`: the operations of the trait
//! - `open`: open files and listings

mod copy;
mod inode;
mod open;
#[cfg(test)]
mod tests;
mod tree;

use super::inode::{Attr, Fresh, Inode, NewFile, mode};
use super::tmpfs::TmpFs;
use crate::env::Env;
use crate::error::Result;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// A file's identity: device and inode number, the lower file's if there was one, for as long as it exists.
type Id = (u64, u64);

/// Numbers of files that have no lower one start here, above those of any usual host filesystem.
const NEW_INO: u64 = 1 << 48;

/// One overlay.
struct Overlay {
    env: Rc<Env>,
    /// The top of the tmpfs; files are made in it without names.
    upper: Rc<dyn Inode>,
    /// Files that come from below, by identity: names that are one file there are one file here.
    known: RefCell<BTreeMap<Id, Weak<OverlayInode>>>,
    /// Copied-up files that have more names below, which must go on leading here.
    linked: RefCell<Vec<Rc<OverlayInode>>>,
}

/// A file of the merged tree.
pub struct OverlayInode {
    me: Weak<OverlayInode>,
    fs: Rc<Overlay>,
    id: Id,
    /// Type bits of the mode.
    kind: u32,
    layers: RefCell<Layers>,
    fresh: Fresh,
    /// Where it was found, or was put; `None` for the root, and for what has no name (any more).
    place: RefCell<Option<Place>>,
    /// Hard links that this tree added to, or took from, those of the lower file; of a directory, subdirectories.
    links: Cell<i32>,
    /// Made without a name (O_TMPFILE): may still get one.
    nameless: Cell<bool>,
    /// A directory that was removed: nothing can be added to it.
    dead: Cell<bool>,
    /// Of a directory: what is other than below.
    changes: RefCell<BTreeMap<Vec<u8>, Change>>,
}

#[derive(Clone, Default)]
struct Layers {
    lower: Option<Rc<dyn Inode>>,
    upper: Option<Rc<dyn Inode>>,
    /// Hard links of the lower file when it was copied up.
    lower_links: u32,
}

#[derive(Clone)]
struct Place {
    dir: Rc<OverlayInode>,
    name: Vec<u8>,
}

/// An entry of a directory that differs from the lower one.
#[derive(Clone)]
enum Change {
    /// The lower entry is hidden.
    Whiteout,
    /// This file has the name. It may still be as it is below: a directory that leads to changes.
    Entry(Rc<OverlayInode>),
}

/// The merged tree over `lower`, with room for `limit` bytes of changes.
///
/// # Errors
/// What `lower` says of its top directory.
pub fn mount(env: &Rc<Env>, lower: Rc<dyn Inode>, limit: u64) -> Result<Rc<dyn Inode>> {
    let attr = lower.attr()?;
    let top = NewFile { mode: mode::DIR | 0o700, uid: 0, gid: 0, rdev: 0 };
    let upper = TmpFs::mount(env, limit, &top);
    let fs =
        Rc::new(Overlay { env: env.clone(), upper, known: RefCell::default(), linked: RefCell::default() });
    Ok(OverlayInode::from_below(&fs, lower, &attr, None))
}

impl OverlayInode {
    fn make(
        fs: &Rc<Overlay>,
        id: Id,
        kind: u32,
        layers: Layers,
        fresh: Fresh,
        place: Option<Place>,
    ) -> Rc<OverlayInode> {
        Rc::new_cyclic(|me| OverlayInode {
            me: me.clone(),
            fs: fs.clone(),
            id,
            kind,
            layers: RefCell::new(layers),
            fresh,
            place: RefCell::new(place),
            links: Cell::new(0),
            nameless: Cell::new(false),
            dead: Cell::new(false),
            changes: RefCell::default(),
        })
    }

    /// The file that is `lower`, found at `place`.
    fn from_below(
        fs: &Rc<Overlay>,
        lower: Rc<dyn Inode>,
        attr: &Attr,
        place: Option<Place>,
    ) -> Rc<OverlayInode> {
        let id = (attr.dev, attr.ino);
        let known = fs.known.borrow().get(&id).and_then(Weak::upgrade);
        if let Some(known) = known
            && known.kind == attr.kind()
        {
            known.fresh.learn(*attr);
            return known;
        }
        let layers = Layers { lower: Some(lower), ..Layers::default() };
        let inode = OverlayInode::make(fs, id, attr.kind(), layers, Fresh::new(*attr), place);
        fs.known.borrow_mut().insert(id, inode.me.clone());
        inode
    }

    /// A file that is only above, of the same device as this directory.
    fn found_above(&self, upper: Rc<dyn Inode>) -> Result<Rc<OverlayInode>> {
        let kind = upper.attr()?.kind();
        let id = (self.id.0, NEW_INO + self.fs.env.new_ino());
        let layers = Layers { upper: Some(upper), ..Layers::default() };
        Ok(OverlayInode::make(&self.fs, id, kind, layers, Fresh::default(), None))
    }

    fn lower(&self) -> Option<Rc<dyn Inode>> {
        self.layers.borrow().lower.clone()
    }

    fn upper(&self) -> Option<Rc<dyn Inode>> {
        self.layers.borrow().upper.clone()
    }

    /// The layer that says what the file is now.
    fn top(&self) -> Rc<dyn Inode> {
        let layers = self.layers.borrow();
        layers.upper.as_ref().or(layers.lower.as_ref()).expect("a file has a layer").clone()
    }

    fn rc(&self) -> Rc<OverlayInode> {
        self.me.upgrade().expect("called through a reference that is counted")
    }

    /// Hard links.
    fn link_count(&self) -> Result<u32> {
        let layers = self.layers.borrow();
        let below = match (&layers.upper, &layers.lower) {
            (None, Some(lower)) => lower.attr()?.nlink,
            (Some(_), Some(lower)) if self.kind == mode::DIR => lower.attr()?.nlink,
            _ => layers.lower_links,
        };
        Ok(self.links_with(below))
    }

    /// Hard links, if there are so many below.
    fn links_with(&self, below: u32) -> u32 {
        // Some filesystems do not count: one link says "look".
        if self.kind == mode::DIR && below == 1 {
            return 1;
        }
        below.saturating_add_signed(self.links.get())
    }
}

impl Drop for OverlayInode {
    fn drop(&mut self) {
        let mut known = self.fs.known.borrow_mut();
        if known.get(&self.id).is_some_and(|weak| weak.ptr_eq(&self.me)) {
            known.remove(&self.id);
        }
    }
}
