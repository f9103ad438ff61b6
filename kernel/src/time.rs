//! `struct timespec`, `struct timeval` and nanoseconds.

use crate::error::{Errno, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

/// `struct timespec`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Timespec {
    /// Seconds.
    pub sec: i64,
    /// Nanoseconds.
    pub nsec: i64,
}

/// `struct timeval`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Timeval {
    /// Seconds.
    pub sec: i64,
    /// Microseconds.
    pub usec: i64,
}

impl Timespec {
    /// From nanoseconds.
    pub fn from_ns(ns: u64) -> Timespec {
        Timespec { sec: (ns / SECOND) as i64, nsec: (ns % SECOND) as i64 }
    }

    /// Nanoseconds, saturating.
    ///
    /// # Errors
    /// `EINVAL` for negative seconds or nanoseconds outside 0..10^9.
    pub fn ns(&self) -> Result<u64> {
        if self.sec < 0 || !(0..SECOND as i64).contains(&self.nsec) {
            return Err(Errno::EINVAL);
        }
        Ok((self.sec as u64).saturating_mul(SECOND).saturating_add(self.nsec as u64))
    }
}

impl Timeval {
    /// From nanoseconds, rounding down.
    pub fn from_ns(ns: u64) -> Timeval {
        Timeval { sec: (ns / SECOND) as i64, usec: (ns % SECOND / 1000) as i64 }
    }

    /// Nanoseconds, saturating.
    ///
    /// # Errors
    /// `EINVAL` for negative seconds or microseconds outside 0..10^6.
    pub fn ns(&self) -> Result<u64> {
        if self.sec < 0 || !(0..1_000_000).contains(&self.usec) {
            return Err(Errno::EINVAL);
        }
        Ok((self.sec as u64).saturating_mul(SECOND).saturating_add(self.usec as u64 * 1000))
    }
}
