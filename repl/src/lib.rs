//! The faces of llano: the command line, a session from boot to exit, the monitor.
//!
//! - [`cli`]: the command line as data
//! - [`usage`]: its words understood, or said what is wrong with them
//! - [`session`]: parts put together, the system run
//! - [`servers`]: gdb and the monitor beside the kernel
//! - [`traces`]: the session's trace
//! - [`stream`]: a recording that grows while the system runs
//! - [`symbols`]: addresses as names, backtraces, instructions
//! - [`trace`]: commands about a recording
//! - [`demo`]: a first look
//! - [`monitor`]: commands about the running system
//! - [`root`]: the guest's files
//! - [`archive`]: archives as roots
//! - [`crash`]: when the kernel itself faults
//! - [`postmortem`]: what a dead system leaves to look at
#![forbid(unsafe_code)]

pub mod archive;
pub mod cli;
pub mod crash;
pub mod demo;
pub mod inject;
pub mod logging;
pub mod monitor;
pub mod postmortem;
pub mod report;
pub mod root;
pub mod servers;
pub mod session;
pub mod stream;
pub mod symbols;
pub mod tables;
pub mod trace;
pub mod traces;
pub mod usage;
