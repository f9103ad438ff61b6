//! What llano itself did on the host while it recorded, to be laid beside the recording: `--trace-self`.

use std::string::String;
use std::vec::Vec;

/// An event of one of llano's own threads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostEvent {
    /// The thread, counted from 0.
    pub thread: u32,
    /// When, in ticks of the time stamp counter.
    pub tsc: u64,
    /// What.
    pub what: What,
}

/// What an event is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// The thread has this name.
    Name(String),
    /// Work began, inside what had begun before.
    Begin(Told),
    /// The work that began last is over.
    End,
    /// Something happened.
    Point(Told),
}

/// What work or a point tells of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// What it is about, as `gdb`.
    pub category: String,
    /// Its name.
    pub name: String,
    /// What is shown with it, by name.
    pub args: Vec<(String, String)>,
}
