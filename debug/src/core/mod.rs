//! Core files: memory and registers in an ELF file that gdb opens (core(5), elf(5)).
//!
//! A core is written as a stream: pages are read and written a piece at a time, pages of zeroes become holes of the file. So
//! writing one needs little memory, and takes no more of the disk than what was in memory.
//!
//! - [`notes`]: threads, processes and files as notes
//! - [`memory`]: which pages there are
//! - [`elf`]: the file

pub mod elf;
pub mod memory;
pub mod notes;

use crate::arch::General;
use memory::Segment;

/// A thread of the core; the first is the one that gdb shows first.
#[derive(Debug, Clone)]
pub struct Thread {
    /// Its number, which gdb calls LWP.
    pub tid: i32,
    /// Its parent process, process group and session.
    pub family: (i32, i32, i32),
    /// The signal that ended it; 0: none.
    pub signal: i32,
    /// `struct siginfo` of it.
    pub siginfo: Option<Vec<u8>>,
    /// Signals that wait, and those that are blocked.
    pub signals: (u64, u64),
    /// CPU time in the guest and in the kernel, nanoseconds.
    pub times: (u64, u64),
    /// General registers.
    pub general: General,
    /// The XSAVE area in the standard format, if there is one.
    pub xsave: Option<Vec<u8>>,
}

/// What the core is of.
#[derive(Debug, Clone, Default)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// Its parent process, process group and session.
    pub family: (i32, i32, i32),
    /// Its user and group.
    pub owner: (u32, u32),
    /// Its name.
    pub name: Vec<u8>,
    /// Its arguments, separated by spaces.
    pub arguments: Vec<u8>,
}

/// A file that is mapped; gdb reads from it what is not in the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedFile {
    /// First byte.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// The file, by the host's name.
    pub path: Vec<u8>,
}

/// What a core holds, but for the bytes of memory.
#[derive(Debug, Clone, Default)]
pub struct Core {
    /// Whose it is.
    pub process: Process,
    /// All threads.
    pub threads: Vec<Thread>,
    /// The auxiliary vector: by it gdb finds where the program was loaded.
    pub auxv: Vec<u8>,
    /// Mapped files.
    pub files: Vec<MappedFile>,
    /// Memory, by address, without overlaps.
    pub segments: Vec<Segment>,
}
