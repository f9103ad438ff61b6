//! What happened, recorded while it happens and told afterwards.
//!
//! - Recording is a copy of 64 bytes. Nothing is formatted, allocated or locked; time is an argument.
//! - Reading is a pure function over records: the same [`state`] machine feeds every export.
//! - One formatter over the argument kinds of `llano-abi` prints calls everywhere.
//!
//! Without std, for the kernel:
//! - [`record`]: the record and the events it can hold
//! - [`recorder`]: what is recorded; [`ring`]: where to, and how other threads read it
//! - [`filter`]: which events and calls are kept
//! - [`selection`]: and whose, and with what result
//! - [`snapshot`]: what an export must know beside the ring
//!
//! With std (feature `std`):
//! - [`state`]: tasks, descriptor names and whole calls, followed through the records
//! - [`format`]: a call as text
//! - [`mod@text`]: a recording as text
//! - [`chrome`], [`sched`], [`json`]: Chrome trace events, which Perfetto opens
//! - [`ctf`]: the trace on disk, written and read
//! - [`perfetto`]: Perfetto's own protobuf
//! - [`lttng`]: the shape of LTTng's kernel traces
//! - [`host`]: what llano itself did meanwhile
//! - [`marks`]: what programs said of themselves
//! - [`stats`]: where the time went
//! - [`mod@file`]: files that appear complete or not at all
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod filter;
pub mod record;
pub mod recorder;
pub mod ring;
pub mod selection;
pub mod snapshot;

#[cfg(feature = "std")]
pub mod chrome;
#[cfg(feature = "std")]
pub mod ctf;
#[cfg(feature = "std")]
pub mod file;
#[cfg(feature = "std")]
pub mod format;
#[cfg(feature = "std")]
pub mod host;
#[cfg(feature = "std")]
pub mod json;
#[cfg(feature = "std")]
pub mod lttng;
#[cfg(feature = "std")]
pub mod marks;
#[cfg(feature = "std")]
pub mod perfetto;
#[cfg(feature = "std")]
pub mod sched;
#[cfg(feature = "std")]
pub mod state;
#[cfg(feature = "std")]
pub mod stats;
#[cfg(feature = "std")]
pub mod text;
#[cfg(feature = "std")]
mod tracks;
