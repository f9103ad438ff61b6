//! gdb's server: the kernel, all processes and all their libraries as one program that gdb can stop and look at.
//!
//! To gdb llano is the program, every task a thread, and every ELF file in guest memory a shared library. The crate
//! `gdbstub` speaks the protocol on a thread of its own ([`server`]), which never touches the kernel: it posts closures
//! that the vCPU runs at a consistent point ([`gdb`]), and is told of stops by events.
//!
//! | module | what |
//! |---|---|
//! | [`server`] | the listening thread, and the kernel's side of it |
//! | [`session`] | one debugger, from attaching to leaving |
//! | [`listener`] [`conn`] [`filter`] | where debuggers knock, bytes in and out, whole packets |
//! | [`packets`] | packets that `gdbstub` does not know |
//! | [`gdb`] | what `gdbstub` asks: one file per extension |
//! | [`own`] | stops in llano's own code |
//! | [`core`](mod@core) | core files |
//! | [`arch`] [`signals`] | registers and signal numbers as gdb has them |
#![forbid(unsafe_code)]

pub mod arch;
pub mod conn;
pub mod core;
pub mod filter;
pub mod gdb;
pub mod listener;
pub mod own;
pub mod packets;
pub mod server;
pub mod session;
pub mod signals;

pub use gdb::Monitor;
pub use server::Server;
pub use session::OnDetach;
