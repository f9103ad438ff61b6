//! Copying up: a file gets an upper layer that holds all of it.

use super::OverlayInode;
use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::fs::file::{File, oflag};
use crate::fs::inode::{Inode, NewFile, SetAttr, mode};
use crate::user::{Dst, Src};
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

/// How much is copied at a time; pages of it that hold only zeroes are left out above.
const CHUNK: usize = 65536;
const BLOCK: usize = 4096;

/// What of a regular file's contents shall come along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contents {
    Keep,
    /// It is going to be truncated anyway.
    Drop,
}

impl OverlayInode {
    /// The upper layer, made if there is none.
    pub(super) fn copy_up(&self) -> Result<Rc<dyn Inode>> {
        self.copy_up_with(Contents::Keep)
    }

    /// The upper layer; a new one may do without the contents.
    pub(super) fn copy_up_with(&self, contents: Contents) -> Result<Rc<dyn Inode>> {
        if let Some(upper) = self.upper() {
            return Ok(upper);
        }
        let lower = self.lower().ok_or(Errno::EIO)?;
        let attr = lower.attr()?;
        let new = NewFile { mode: attr.mode, uid: attr.uid, gid: attr.gid, rdev: attr.rdev };
        let upper = match self.kind {
            mode::LNK => self.new_symlink(&lower.readlink()?, &new)?,
            _ => self.fs.upper.tmpfile(&new, 0)?,
        };
        if self.kind == mode::REG && contents == Contents::Keep {
            copy_contents(&lower, &upper)?;
        }
        for name in lower.list_xattr().unwrap_or_default() {
            // Attributes that only the host's kernel understands, or only root may read, stay below.
            if name.starts_with(b"user.")
                && let Ok(value) = lower.get_xattr(&name)
            {
                let _ = upper.set_xattr(&name, &value, 0);
            }
        }
        upper.set_attr(&SetAttr {
            atime: Some(attr.atime),
            mtime: Some(attr.mtime),
            ..SetAttr::default()
        })?;
        let mut layers = self.layers.borrow_mut();
        layers.upper = Some(upper.clone());
        layers.lower_links = attr.nlink;
        if self.kind != mode::DIR {
            if attr.nlink > 1 {
                // Other names below lead to the lower file, which therefore must stay known (and its number taken).
                self.fs.linked.borrow_mut().push(self.rc());
            } else {
                layers.lower = None;
                self.fs.known.borrow_mut().remove(&self.id);
            }
        }
        drop(layers);
        // `lower` still lives here, so that no other file can have its number while names are compared.
        self.register();
        Ok(upper)
    }

    /// A symbolic link above, without a name.
    pub(super) fn new_symlink(&self, target: &[u8], new: &NewFile) -> Result<Rc<dyn Inode>> {
        // The tmpfs makes links only with names.
        let link = self.fs.upper.symlink(b"link", target, new)?;
        self.fs.upper.unlink(b"link")?;
        Ok(link)
    }
}

fn copy_contents(lower: &Rc<dyn Inode>, upper: &Rc<dyn Inode>) -> Result<()> {
    let cred = Cred::new(0, 0, Vec::new());
    let open = |inode: &Rc<dyn Inode>, flags| Ok(File::new(inode.open(inode, flags, &cred)?, flags, None));
    let (from, to): (Rc<File>, Rc<File>) = (open(lower, oflag::RDONLY)?, open(upper, oflag::RDWR)?);
    let mut buf = vec![0; CHUNK];
    let mut at = 0u64;
    loop {
        let n = from.ops().read(&from, &mut Dst::Kernel(&mut buf, 0), at)?;
        if n == 0 {
            break;
        }
        for (i, block) in buf[..n].chunks(BLOCK).enumerate() {
            let mut src = Src::Kernel(block);
            let mut here = at + (i * BLOCK) as u64;
            while src.left() > 0 && !block.iter().all(|b| *b == 0) {
                here += to.ops().write(&to, &mut src, here)? as u64;
            }
        }
        at += n as u64;
    }
    upper.set_attr(&SetAttr { size: Some(at), ..SetAttr::default() })
}
