//! Names of numbers: each constant stands in one row, which also prints it.
//!
//! A table such as [`OPEN_BITS`] holds `(value, name)` pairs and every row is a constant of this module
//! ([`O_CLOEXEC`]). A [`FlagSet`] says how such tables make up one argument. All values are 32 bits wide, as the
//! kernel reads them.

use core::fmt;

/// A value and what Linux calls it.
pub type Name = (u32, &'static str);

/// Declares the constants of each table and the table itself.
macro_rules! names {
    ($($(#[$doc:meta])* $table:ident { $($name:ident = $value:literal,)* })*) => {
        $(
            $(
                #[doc = concat!("`", stringify!($name), "` of Linux.")]
                pub const $name: u32 = $value;
            )*
            $(#[$doc])*
            pub static $table: &[Name] = &[$(($name, stringify!($name)),)*];
        )*
    };
}

mod event;
mod file;
mod ioctl;
mod memory;
mod net;
mod process;
mod signal;
mod terminal;

pub use event::*;
pub use file::*;
pub use ioctl::*;
pub use memory::*;
pub use net::*;
pub use process::*;
pub use signal::*;
pub use terminal::*;

/// A flags argument: some bits may form fields whose values have names of their own (the access mode of `open(2)`, the
/// exit signal of `clone(2)`), the others are named one by one.
#[derive(Debug)]
pub struct FlagSet {
    /// The fields, in the order they are written.
    pub fields: &'static [BitField],
    /// Names of the other bits. A name of several bits stands before those it includes.
    pub bits: &'static [Name],
    /// What 0 is called when no field names it.
    pub zero: &'static str,
    /// Where the fields are written.
    pub place: Place,
}

/// Bits whose value has one name.
#[derive(Debug)]
pub struct BitField {
    /// Which bits.
    pub mask: u32,
    /// Names of the field's values.
    pub values: &'static [Name],
}

/// Where names of fields stand among those of bits.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// Before them.
    First,
    /// After them.
    Last,
}

impl FlagSet {
    /// Independent bits.
    const fn bits(bits: &'static [Name]) -> FlagSet {
        FlagSet::with_fields(bits, &[])
    }

    /// Independent bits where 0 has a name.
    const fn or_zero(bits: &'static [Name], zero: &'static str) -> FlagSet {
        FlagSet { fields: &[], bits, zero, place: Place::First }
    }

    /// Bits beside fields.
    const fn with_fields(bits: &'static [Name], fields: &'static [BitField]) -> FlagSet {
        FlagSet { fields, bits, zero: "0", place: Place::First }
    }

    /// Writes `value` as strace does: names joined by `|`, what has no name as one hexadecimal rest.
    pub fn write(&self, value: u32, out: &mut dyn fmt::Write) -> fmt::Result {
        let mut rest = value;
        let mut separator = "";
        let fields = |rest: &mut u32, separator: &mut &str, out: &mut dyn fmt::Write| {
            for field in self.fields {
                if let Some(name) = name_of(field.values, value & field.mask) {
                    write!(out, "{separator}{name}")?;
                    *separator = "|";
                    *rest &= !field.mask;
                }
            }
            fmt::Result::Ok(())
        };
        if self.place == Place::First {
            fields(&mut rest, &mut separator, out)?;
        }
        let named = self.fields.iter().fold(0, |all, field| all | field.mask);
        for &(bits, name) in self.bits {
            if rest & bits == bits && bits & named == 0 {
                write!(out, "{separator}{name}")?;
                separator = "|";
                rest &= !bits;
            }
        }
        if self.place == Place::Last {
            fields(&mut rest, &mut separator, out)?;
        }
        match (rest, separator) {
            (0, "") => out.write_str(self.zero),
            (0, _) => Ok(()),
            _ => write!(out, "{separator}{rest:#x}"),
        }
    }
}

/// The name of `value` in `table`.
pub fn name_of(table: &[Name], value: u32) -> Option<&'static str> {
    table.iter().find(|row| row.0 == value).map(|row| row.1)
}

/// The name of a standard signal, `SIGTERM` for 15; none for 0 and the real-time signals.
pub fn signal_name(signal: u32) -> Option<&'static str> {
    name_of(SIGNALS, signal)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;

    fn text(set: &FlagSet, value: u32) -> String {
        let mut out = String::new();
        set.write(value, &mut out).unwrap();
        out
    }

    #[test]
    fn flags_read_as_strace_prints_them() {
        assert_eq!(text(&OPEN_FLAGS, 0), "O_RDONLY");
        assert_eq!(text(&OPEN_FLAGS, 0o2000000 | 0o101), "O_WRONLY|O_CREAT|O_CLOEXEC");
        assert_eq!(text(&OPEN_FLAGS, 0o20200002), "O_RDWR|O_TMPFILE");
        assert_eq!(text(&OPEN_FLAGS, 0o4010000), "O_RDONLY|O_SYNC");
        assert_eq!(text(&FD_FLAGS, 0), "0");
        assert_eq!(text(&PROT, 0), "PROT_NONE");
        assert_eq!(text(&PROT, 0x107), "PROT_READ|PROT_WRITE|PROT_EXEC|0x100");
        assert_eq!(text(&MAP_FLAGS, 0x22), "MAP_PRIVATE|MAP_ANONYMOUS");
        assert_eq!(text(&CLONE_FLAGS, 0x01200011), "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD");
        assert_eq!(text(&FUTEX_OP, 128), "FUTEX_WAIT_PRIVATE");
        assert_eq!(text(&SOCKET_TYPE, SOCK_STREAM | SOCK_CLOEXEC), "SOCK_STREAM|SOCK_CLOEXEC");
        assert_eq!(text(&SOCKET_TYPE, 0xf), "0xf");
    }

    #[test]
    fn signals() {
        assert_eq!(signal_name(SIGKILL), Some("SIGKILL"));
        assert_eq!((signal_name(0), signal_name(34)), (None, None));
    }

    /// A name of several bits must stand before its parts, or it would never be printed.
    #[test]
    fn wide_names_come_first() {
        for set in [&OPEN_FLAGS, &FD_FLAGS, &STATX_MASK, &AT_FLAGS, &CLONE_FLAGS, &EPOLL_EVENTS, &MAP_FLAGS] {
            for (at, &(bits, name)) in set.bits.iter().enumerate() {
                let seen = set.bits[..at].iter().any(|&(earlier, _)| bits & earlier == earlier);
                assert!(!seen, "{name} follows one of its parts");
            }
        }
    }
}
