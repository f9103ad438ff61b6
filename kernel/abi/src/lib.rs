//! What Linux says: numbers, structures, flag names, argument kinds of x86-64. Pure data, no behaviour.
//!
//! - [`errno`]: error numbers with their names and messages
//! - [`names`]: constants of every flags or enumeration argument, and their names
//! - [`layout`]: what the memory that calls read and write means
//! - [`stat`]: structures of file calls
//! - [`socket`], [`poll`]: structures and constants of sockets and of waiting for files
//! - [`syscalls`]: every system call
//! - [`termios`]: terminal settings and ioctls
#![no_std]
#![forbid(unsafe_code)]

pub mod errno;
pub mod layout;
pub mod names;
pub mod poll;
pub mod socket;
pub mod stat;
pub mod syscalls;
pub mod termios;
