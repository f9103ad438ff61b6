//! /sys: the few files that programs look at to learn how many processors there are and what is not here.

use super::devfs;
use super::inode::{Inode, NewFile, mode};
use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::fs::file::{File, oflag};
use crate::user::Src;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Paths and contents; one that ends in a slash is a directory.
const FILES: &[(&str, &str)] = &[
    ("block/", ""),
    ("bus/", ""),
    ("class/net/", ""),
    ("class/tty/", ""),
    ("dev/block/", ""),
    ("dev/char/", ""),
    ("devices/system/cpu/cpu0/topology/core_cpus", "1\n"),
    ("devices/system/cpu/cpu0/topology/core_id", "0\n"),
    ("devices/system/cpu/cpu0/topology/core_siblings", "1\n"),
    ("devices/system/cpu/cpu0/topology/core_siblings_list", "0\n"),
    ("devices/system/cpu/cpu0/topology/physical_package_id", "0\n"),
    ("devices/system/cpu/cpu0/topology/thread_siblings", "1\n"),
    ("devices/system/cpu/cpu0/topology/thread_siblings_list", "0\n"),
    ("devices/system/cpu/kernel_max", "0\n"),
    ("devices/system/cpu/offline", "\n"),
    ("devices/system/cpu/online", "0\n"),
    ("devices/system/cpu/possible", "0\n"),
    ("devices/system/cpu/present", "0\n"),
    ("devices/system/node/node0/cpulist", "0\n"),
    ("devices/system/node/node0/cpumap", "1\n"),
    ("devices/system/node/online", "0\n"),
    ("fs/", ""),
    ("kernel/debug/tracing/", ""),
    ("kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n"),
    ("kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152\n"),
    ("kernel/tracing/", ""),
    ("module/", ""),
    ("power/", ""),
];

/// Fills an empty directory with what is in /sys.
///
/// # Errors
/// What the directory's filesystem says.
pub fn populate(sys: &Rc<dyn Inode>) -> Result<()> {
    let new = |mode| NewFile { mode, uid: 0, gid: 0, rdev: 0 };
    let root = Cred::new(0, 0, Vec::new());
    for (path, text) in FILES {
        let mut at = sys.clone();
        let mut names = path.split('/').peekable();
        while let Some(name) = names.next().filter(|name| !name.is_empty()) {
            let name = name.as_bytes();
            if names.peek().is_some() {
                at = match at.create(name, &new(mode::DIR | 0o755)) {
                    Err(Errno::EEXIST) => at.lookup(name)?,
                    made => made?,
                };
            } else {
                let inode = at.create(name, &new(mode::REG | 0o444))?;
                let file = File::new(inode.open(&inode, oflag::WRONLY, &root)?, oflag::WRONLY, None);
                file.ops().write(&file, &mut Src::Kernel(text.as_bytes()), 0)?;
            }
        }
        // Where Linux mounts tracefs, the one file of it that there is.
        if path.ends_with("tracing/") {
            devfs::marker(&at)?;
        }
    }
    Ok(())
}
