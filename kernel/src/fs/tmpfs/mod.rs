//! tmpfs: files in RAM.
//!
//! - `inode`: files of every type and their attributes
//! - `dir`: directories
//! - `content`: what regular files hold, as extents of the RAM pool
//! - `file`: open files; memory objects without a name

mod content;
mod dir;
mod file;
mod inode;
#[cfg(test)]
mod tests;

pub use file::{Seals, TmpFile, anonymous, memfd};
pub use inode::TmpInode;

use crate::env::Env;
use crate::fs::inode::{NewFile, StatFs, mode};
use alloc::rc::Rc;
use core::cell::Cell;
use llano_abi::stat::makedev;

/// The magic number that statfs(2) tells (TMPFS_MAGIC).
const MAGIC: u64 = 0x0102_1994;

/// One mounted tmpfs.
pub struct TmpFs {
    env: Rc<Env>,
    dev: u64,
    /// Bytes of the pool its files may take, and do take.
    limit: u64,
    used: Cell<u64>,
}

impl TmpFs {
    /// A new filesystem of at most `limit` bytes; returns its top directory, owned and permitted as `top` says.
    pub fn mount(env: &Rc<Env>, limit: u64, top: &NewFile) -> Rc<TmpInode> {
        // Device numbers of their own, far from those that hosts give to filesystems without a device.
        let dev = makedev(0, 0x8_0000 + env.new_ino() as u32);
        let fs = Rc::new(TmpFs { env: env.clone(), dev, limit, used: Cell::new(0) });
        TmpInode::new(&fs, &NewFile { mode: mode::DIR | top.mode & 0o7777, ..*top })
    }

    /// The filesystem of objects that no directory holds: memfds, shared anonymous memory.
    fn internal(env: &Rc<Env>) -> Rc<TmpFs> {
        Rc::new(TmpFs { env: env.clone(), dev: makedev(0, 1), limit: u64::MAX, used: Cell::new(0) })
    }

    fn budget(&self) -> u64 {
        self.limit.saturating_sub(self.used.get())
    }

    fn statfs(&self) -> StatFs {
        let pool = self.env.pool.borrow();
        let free = self.budget().min(pool.size() - pool.used());
        let all = self.limit.min(self.used.get() + free);
        let blocks = [all / 4096, free / 4096, free / 4096];
        // Inodes are not limited; the numbers are those of a tmpfs with its default limit.
        let inodes = pool.size() / 4096 / 2;
        StatFs { magic: MAGIC, bsize: 4096, blocks, files: [inodes, inodes], namelen: 255, flags: 0 }
    }
}
