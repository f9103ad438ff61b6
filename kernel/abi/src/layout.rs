//! What stands at the addresses that calls are given: which way it goes, how much of it there is, and what it means.
//!
//! The rows of [`crate::syscalls`] say with a [`Dir`] and a [`Shape`] what an address argument leads to. The kernel
//! copies by them when a trace is to hold all details, and the formatter decodes by them what was copied: no call is
//! described twice. Structures are [`Layout`]s: fields with their offsets, each read as an argument would be.

use crate::errno::Errno;
use crate::syscalls::ArgKind;

mod file;
mod ipc;
mod process;
mod signal;
mod time;

pub use file::*;
pub use ipc::*;
pub use process::*;
pub use signal::*;
pub use time::*;

/// Which way memory goes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Dir {
    /// The call reads it.
    In,
    /// The call writes it.
    Out,
    /// The call reads it and leaves something else: both are shown in its place.
    InOut,
    /// The same, but what it leaves is shown with the result, as of `poll(2)` and `select(2)`.
    Told,
    /// The call writes it only if it is interrupted: the rest of a sleep.
    Rest,
}

impl Dir {
    /// Whether the call reads it.
    pub fn is_read(self) -> bool {
        matches!(self, Dir::In | Dir::InOut | Dir::Told)
    }

    /// Whether a call that returned `result` has written it.
    pub fn is_written(self, result: i64) -> bool {
        match self {
            Dir::In => false,
            Dir::Out | Dir::InOut | Dir::Told => result >= 0,
            Dir::Rest => result == Errno::EINTR.result(),
        }
    }
}

/// How many of something there are.
#[derive(Copy, Clone, Debug)]
pub enum Count {
    /// So many.
    Fixed(usize),
    /// The value of the argument at this place.
    Arg(usize),
    /// The `int` at the address that is the argument at this place (the length of an address, `getsockopt(2)`).
    At(usize),
    /// The result.
    Result,
    /// The word at this offset of the structure the address stands in.
    Field(usize),
    /// The `unsigned int` at this offset of it.
    Field32(usize),
}

/// What stands at an address.
#[derive(Copy, Clone, Debug)]
pub enum Shape {
    /// One structure or value.
    One(&'static Layout),
    /// Several, one after the other.
    Many(&'static Layout, Count),
    /// One that the call reads as the first structure, and leaves as the second one tells.
    Changed(&'static Layout, &'static Layout),
    /// Bytes; those a call writes are never more than its result, if that is a size.
    Bytes(Count),
    /// Bytes that are no text.
    Binary(Count),
    /// A string that ends with a NUL, of which the head is shown.
    Text,
    /// The same, shown whole.
    WholeText,
    /// Addresses of strings, the last one NULL.
    Strings,
    /// The same, of which only the number is shown: an environment.
    Environment,
    /// A socket's address.
    Sockaddr(Count),
    /// Ancillary data, `cmsg(3)`.
    Control(Count),
    /// A set of descriptors below the first argument.
    FdSet,
    /// A set of CPUs; the count is its bytes.
    Cpus(Count),
    /// Directory entries, as many bytes as the result says.
    Dirents,
}

/// How a structure is shown.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Style {
    /// `{tv_sec=1, tv_nsec=0}`.
    Whole,
    /// `{st_mode=S_IFREG|0644, st_size=5, ...}`: not all fields are named.
    Part,
    /// The value of its only field.
    Bare,
}

/// A structure.
#[derive(Debug)]
pub struct Layout {
    /// Its size in bytes.
    pub size: usize,
    /// How it is shown.
    pub style: Style,
    /// What is shown, in that order.
    pub fields: &'static [Field],
}

/// A field of a structure.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Where it begins.
    pub at: usize,
    /// Its bytes.
    pub size: usize,
    /// How to read it.
    pub kind: ArgKind,
    /// Whether it means something, given the bytes of the structure.
    pub when: fn(&[u8]) -> bool,
}

/// The condition of a field that always means something.
fn always(_: &[u8]) -> bool {
    true
}

/// The `unsigned int` at offset `at`, 0 behind the end.
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
    word.map_or(0, |le| u32::from_le_bytes(*le))
}

/// The word at offset `at`, 0 behind the end.
pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
    word.map_or(0, |le| u64::from_le_bytes(*le))
}

/// Declares structures: `"documentation" NAME size Style { offset size field kind [if condition], ... }`.
macro_rules! layouts {
    ($($doc:literal $name:ident $size:literal $style:ident {
        $($at:literal $bytes:literal $field:ident = $kind:expr $(=> $when:path)?;)*
    })*) => {$(
        #[doc = $doc]
        pub static $name: $crate::layout::Layout = $crate::layout::Layout {
            size: $size,
            style: $crate::layout::Style::$style,
            fields: &[$($crate::layout::Field {
                name: stringify!($field),
                at: $at,
                size: $bytes,
                kind: $kind,
                when: layouts!(@when $($when)?),
            }),*],
        };
    )*};
    (@when) => { $crate::layout::always };
    (@when $when:path) => { $when };
}
use layouts;

/// An address of what the call reads.
pub const fn reads(shape: Shape) -> ArgKind {
    ArgKind::Mem(Dir::In, shape)
}

/// An address of what the call writes.
pub const fn writes(shape: Shape) -> ArgKind {
    ArgKind::Mem(Dir::Out, shape)
}

/// An address of what the call writes if it is interrupted.
pub const fn rest(shape: Shape) -> ArgKind {
    ArgKind::Mem(Dir::Rest, shape)
}

/// An address of what the call reads and changes.
pub const fn changes(shape: Shape) -> ArgKind {
    ArgKind::Mem(Dir::InOut, shape)
}

/// An address of what the call reads, and of its answer that is told with the result.
pub const fn answers(shape: Shape) -> ArgKind {
    ArgKind::Mem(Dir::Told, shape)
}

impl Shape {
    /// Bytes from an address on that are of interest, and how often; `count` evaluates a [`Count`].
    pub fn extent(self, args: &[u64; 6], count: impl FnOnce(Count) -> usize) -> usize {
        match self {
            Shape::One(layout) | Shape::Changed(layout, _) => layout.size,
            Shape::Many(layout, many) => layout.size * count(many).min(MAX_ITEMS + 1),
            Shape::Bytes(many) | Shape::Binary(many) => count(many).min(MAX_DATA),
            Shape::Sockaddr(many) => count(many).min(MAX_SOCKADDR),
            Shape::Control(many) => count(many).min(MAX_CONTROL),
            Shape::FdSet => (args[0] as i32).clamp(0, MAX_FDS).unsigned_abs().div_ceil(64) as usize * 8,
            Shape::Cpus(many) => count(many).min(MAX_CONTROL),
            Shape::Text | Shape::WholeText | Shape::Strings | Shape::Environment | Shape::Dirents => 0,
        }
    }
}

/// Bytes of a buffer or string that are shown, strace's default.
pub const MAX_DATA: usize = 32;
/// Items of an array that are shown, strace's default.
pub const MAX_ITEMS: usize = 32;
/// `sizeof(struct sockaddr_storage)`.
const MAX_SOCKADDR: usize = 128;
/// Bytes of ancillary data and of CPU sets that are looked at.
const MAX_CONTROL: usize = 512;
/// `FD_SETSIZE`.
const MAX_FDS: i32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(layout: &Layout) {
        for field in layout.fields {
            assert!(field.at + field.size <= layout.size, "{} ends behind its structure", field.name);
            if let ArgKind::Inner(inner) = field.kind {
                assert_eq!(inner.size, field.size, "{}", field.name);
                check(inner);
            }
        }
        assert!(layout.style != Style::Bare || layout.fields.len() == 1);
    }

    #[test]
    fn fields_lie_within_their_structures() {
        for call in crate::syscalls::SYSCALLS {
            for arg in call.args {
                if let ArgKind::Mem(_, Shape::One(layout) | Shape::Many(layout, _)) = arg.kind {
                    check(layout);
                }
            }
        }
    }

    #[test]
    fn extents_are_bounded() {
        let most = |_| usize::MAX / 4096;
        assert_eq!(Shape::Many(&POLLFD, Count::Arg(1)).extent(&[0; 6], most), 33 * 8);
        assert_eq!(Shape::Bytes(Count::Arg(2)).extent(&[0; 6], most), 32);
        assert_eq!(Shape::FdSet.extent(&[65, 0, 0, 0, 0, 0], most), 16);
        assert_eq!(Shape::FdSet.extent(&[u64::MAX, 0, 0, 0, 0, 0], most), 0);
        assert_eq!(Shape::FdSet.extent(&[i32::MAX as u64, 0, 0, 0, 0, 0], most), 128);
    }
}
