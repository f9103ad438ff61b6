//! Files: what is open, what can be opened, and where it is in the tree.
//!
//! - [`file`]: open files (`struct file`) and what can be done with one
//! - [`fdtable`]: a process's descriptors

pub mod fdtable;

pub mod file;
pub mod inode;
pub mod path;

pub use path::Path;
