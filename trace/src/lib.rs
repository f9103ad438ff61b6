//! What happened, recorded while it happens and told afterwards.
//!
//! - Recording is a copy of 64 bytes. Nothing is formatted, allocated or locked; time is an argument.
//!
//! Without std, for the kernel:
//! - [`record`]: the record and the events it can hold
//! - [`recorder`]: the ring
//! - [`filter`]: which events and calls are kept
//! - [`snapshot`]: what an export must know beside the ring
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod filter;
pub mod record;
pub mod recorder;
pub mod snapshot;
