//! Files: what is open, what can be opened, and where it is in the tree.
//!
//! - [`mod@file`]: open files (`struct file`) and what can be done with one
//! - [`fdtable`]: a process's descriptors
//! - [`inode`]: what a filesystem offers
//! - [`path`]: places in the tree: nodes and mounts
//! - [`mount`]: what is mounted; root, working directory and umask of a task
//! - [`locks`]: locks of files and of ranges in them
//! - [`namei`]: from a path to a place
//! - [`console`]: what llano was started with as stdin, stdout, stderr
//! - [`dcache`]: names that are remembered although nobody stands on them
//! - [`devfs`]: what is in /dev
//! - [`hostfs`] [`hostfile`]: a directory of the host
//! - `hostwatch`: what may be remembered of it
//! - [`image`]: filling a filesystem from an archive
//! - [`overlay`]: a read-only tree and the changes to it in RAM
//! - [`procfs`]: /proc's names; what is in its files is [`crate::procfs`]'s
//! - [`sysfs`]: what is in /sys
//! - [`tmpfs`]: files in RAM

pub mod console;
pub mod dcache;
pub mod devfs;
pub mod fdtable;
pub mod file;
pub mod hostfile;
pub mod hostfs;
mod hostwatch;
pub mod image;
pub mod inode;
pub mod locks;
pub mod mount;
pub mod namei;
pub mod overlay;
pub mod path;
pub mod procfs;
pub mod sysfs;
pub mod tmpfs;

pub use mount::{FsContext, Mounts};
pub use path::{Mount, Node, Path};
