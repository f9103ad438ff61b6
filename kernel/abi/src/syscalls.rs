//! The system calls of x86-64 Linux, up to 6.18, with what each argument and result means.
//!
//! One row of `syscalls/table.rs` a call. From it come the number constants ([`nr`]), the rows by number ([`lookup`]), the
//! classes a filter names ([`Class`]) and, in the tracer, the text of every call.

use crate::layout::{Dir, Layout, Shape};
use crate::names::{FlagSet, Name};

mod refined;
mod table;
pub use refined::futex_command;
pub use table::{SYSCALLS, nr};

/// One system call.
#[derive(Debug)]
pub struct Syscall {
    /// Its number, `rax` on entry.
    pub nr: u16,
    /// Its name without a prefix, as strace prints it.
    pub name: &'static str,
    /// Its arguments in order, at most six.
    pub args: &'static [Arg],
    /// What a result that is no error means.
    pub ret: Ret,
    /// The classes it belongs to.
    pub class: Class,
}

/// One argument.
#[derive(Debug)]
pub struct Arg {
    /// The name the manual page uses.
    pub name: &'static str,
    /// How to read it.
    pub kind: ArgKind,
}

/// How the 64 bits of an argument are to be read.
#[derive(Copy, Clone, Debug)]
pub enum ArgKind {
    /// An open descriptor, `int`.
    Fd,
    /// A directory's descriptor or `AT_FDCWD`, `int`.
    DirFd,
    /// Address of a NUL-terminated path.
    Path,
    /// Address of a NUL-terminated string that is no path.
    Str,
    /// `int`.
    Int,
    /// `unsigned int`.
    Uint,
    /// `long`.
    Long,
    /// `unsigned long` best read as hexadecimal.
    Hex,
    /// `size_t`: a length in bytes or elements.
    Size,
    /// `loff_t`: a position or length in a file.
    Offset,
    /// An address nothing more is known of.
    Ptr,
    /// Named bits, `int`.
    Flags(&'static FlagSet),
    /// A named value, `int`.
    Enum(&'static [Name]),
    /// `mode_t`, octal.
    Mode,
    /// `dev_t`.
    Dev,
    /// A process, thread or group id.
    Pid,
    /// A user or group id; -1 leaves one unchanged.
    Id,
    /// A signal's number.
    Signal,
    /// Address of a structure of that name, which is shown as an address.
    Struct(&'static str),
    /// Address of memory the call reads or writes.
    Mem(Dir, Shape),
    /// A process's resource limit; in a structure, as those that follow.
    Limit,
    /// `st_mode`: type and permissions.
    FileMode,
    /// A signal's handler.
    Handler,
    /// A set of signals.
    SigSet,
    /// The status `wait4(2)` reports.
    WaitStatus,
    /// A file's time: seconds, and this part of them.
    Stamp(&'static str),
    /// Characters up to a NUL.
    Chars,
    /// Values of so many bytes each.
    List(usize, &'static ArgKind),
    /// A structure within the structure.
    Inner(&'static Layout),
}

/// What a result that is no error means.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Ret {
    /// A number, mostly 0.
    Int,
    /// A count of bytes or a position.
    Size,
    /// A descriptor.
    Fd,
    /// An address.
    Addr,
    /// A process or thread id.
    Pid,
    /// A user or group id.
    Id,
    /// A mode, octal.
    Mode,
    /// Nothing: the call does not return when it succeeds.
    Never,
}

/// A set of the classes strace filters by (`%file`, `%desc`, ...).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Class(u16);

impl Class {
    /// No class.
    pub const NONE: Class = Class(0);
    /// Calls that take a path.
    pub const FILE: Class = Class(1);
    /// Calls that take or return a descriptor.
    pub const DESC: Class = Class(2);
    /// Process life: fork, exec, wait, exit.
    pub const PROCESS: Class = Class(4);
    /// Sockets.
    pub const NETWORK: Class = Class(8);
    /// Signals.
    pub const SIGNAL: Class = Class(0x10);
    /// Memory mapping.
    pub const MEMORY: Class = Class(0x20);
    /// System V and POSIX inter-process communication.
    pub const IPC: Class = Class(0x40);
    /// User and group ids, capabilities.
    pub const CREDS: Class = Class(0x80);
    /// Reading and setting clocks.
    pub const CLOCK: Class = Class(0x100);

    const NAMES: [(&str, Class); 9] = [
        ("file", Class::FILE),
        ("desc", Class::DESC),
        ("process", Class::PROCESS),
        ("network", Class::NETWORK),
        ("signal", Class::SIGNAL),
        ("memory", Class::MEMORY),
        ("ipc", Class::IPC),
        ("creds", Class::CREDS),
        ("clock", Class::CLOCK),
    ];

    /// The class `name` stands for, without the `%`; `net` is `network` as in strace.
    pub fn named(name: &str) -> Option<Class> {
        let name = if name == "net" { "network" } else { name };
        Class::NAMES.iter().find(|row| row.0 == name).map(|row| row.1)
    }

    /// Both sets together.
    pub const fn and(self, other: Class) -> Class {
        Class(self.0 | other.0)
    }

    /// Whether the two sets share a class.
    pub const fn meets(self, other: Class) -> bool {
        self.0 & other.0 != 0
    }

    /// What the kinds of its arguments and result already say of a call.
    const fn implied(args: &[Arg], ret: Ret) -> Class {
        let mut class = if matches!(ret, Ret::Fd) { Class::DESC } else { Class::NONE };
        let mut at = 0;
        while at < args.len() {
            class = match args[at].kind {
                ArgKind::Path => class.and(Class::FILE),
                ArgKind::Fd | ArgKind::DirFd => class.and(Class::DESC),
                _ => class,
            };
            at += 1;
        }
        class
    }
}

/// One past the highest number in the table.
pub const NR_LIMIT: usize = SYSCALLS[SYSCALLS.len() - 1].nr as usize + 1;

/// Row of each number in [`SYSCALLS`]; `u16::MAX` where Linux has none.
static ROWS: [u16; NR_LIMIT] = {
    let mut rows = [u16::MAX; NR_LIMIT];
    let mut row = 0;
    while row < SYSCALLS.len() {
        rows[SYSCALLS[row].nr as usize] = row as u16;
        row += 1;
    }
    rows
};

/// The call with number `nr`.
pub fn lookup(nr: usize) -> Option<&'static Syscall> {
    SYSCALLS.get(usize::from(*ROWS.get(nr)?))
}

/// The call named `name`.
pub fn by_name(name: &str) -> Option<&'static Syscall> {
    SYSCALLS.iter().find(|call| call.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_found() {
        assert!(SYSCALLS.windows(2).all(|pair| pair[0].nr < pair[1].nr));
        for call in SYSCALLS {
            assert_eq!(lookup(call.nr.into()).unwrap().name, call.name);
            assert_eq!(by_name(call.name).unwrap().nr, call.nr);
            assert!(call.args.len() <= 6);
        }
        assert!(lookup(337).is_none() && lookup(423).is_none() && lookup(NR_LIMIT).is_none());
        assert!(lookup(usize::MAX).is_none());
    }

    #[test]
    fn known_numbers() {
        for (number, name) in
            [(nr::READ, "read"), (nr::FUTEX, "futex"), (nr::CLONE3, "clone3"), (462, "mseal")]
        {
            assert_eq!(lookup(number).unwrap().name, name);
        }
    }

    #[test]
    fn classes_follow_from_kinds_and_rows() {
        let class = |name| by_name(name).unwrap().class;
        assert!(class("openat").meets(Class::FILE) && class("openat").meets(Class::DESC));
        assert!(class("mmap").meets(Class::MEMORY) && class("mmap").meets(Class::DESC));
        assert!(class("kill").meets(Class::SIGNAL) && class("kill").meets(Class::PROCESS));
        assert!(class("socket").meets(Class::named("net").unwrap()));
        assert!(!class("getpid").meets(Class::FILE.and(Class::DESC)));
        assert!(Class::named("nonsense").is_none());
    }
}
