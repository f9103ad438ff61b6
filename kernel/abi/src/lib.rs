//! What Linux says: numbers, structures, flag names, argument kinds of x86-64. Pure data, no behaviour.
//!
//! - [`errno`]: error numbers with their names and messages
//! - [`syscalls`]: every system call
//! - [`termios`]: terminal settings and ioctls
#![no_std]
#![forbid(unsafe_code)]

pub mod errno;
pub mod syscalls;
pub mod termios;
