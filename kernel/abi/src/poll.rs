//! Waiting for many files: structures of `poll(2)`, `epoll_wait(2)`, `timerfd_settime(2)` and `signalfd(2)`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct pollfd`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct PollFd {
    /// Descriptor; negative ones are skipped.
    pub fd: i32,
    /// What to wait for.
    pub events: u16,
    /// What holds.
    pub revents: u16,
}

/// `struct epoll_event`: packed on x86-64, 12 bytes.
#[repr(C, packed)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct EpollEvent {
    /// `EPOLL*` bits.
    pub events: u32,
    /// The program's own number.
    pub data: u64,
}

/// `struct signalfd_siginfo`, 128 bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct SignalfdSiginfo {
    /// Signal.
    pub signo: u32,
    /// As `si_errno`.
    pub errno: i32,
    /// As `si_code`.
    pub code: i32,
    /// Sending process.
    pub pid: u32,
    /// Its real user.
    pub uid: u32,
    /// SIGIO's descriptor.
    pub fd: i32,
    /// POSIX timer.
    pub tid: u32,
    /// SIGIO's poll bits.
    pub band: u32,
    /// POSIX timer's overruns.
    pub overrun: u32,
    /// Trap number.
    pub trapno: u32,
    /// A child's exit status or signal.
    pub status: i32,
    /// sigqueue's integer.
    pub int: i32,
    /// sigqueue's pointer.
    pub ptr: u64,
    /// A child's user time.
    pub utime: u64,
    /// A child's system time.
    pub stime: u64,
    /// Fault address.
    pub addr: u64,
    /// The rest, zero.
    pub pad: [u64; 6],
}
