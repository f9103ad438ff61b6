//! Arguments whose meaning another argument decides: commands of `ioctl(2)`, `fcntl(2)`, `prctl(2)` and kin.

use super::{ArgKind, Ret, Syscall, nr};
use crate::layout::{
    ADDRESS, Count, FLOCK, FLOCK_HOLDER, INT, LINGER, Shape, TERMIOS, TID, UCRED, WINSIZE, reads, writes,
};
use crate::names::*;

/// An `int` at an address, shown as `[1]`.
const INTEGER: Shape = Shape::Many(&INT, Count::Fixed(1));

impl Syscall {
    /// Whether the call may make descriptors, or change the working directory.
    pub fn makes_fds(&self) -> bool {
        const OTHERS: [usize; 7] =
            [nr::PIPE, nr::PIPE2, nr::SOCKETPAIR, nr::FCNTL, nr::CHDIR, nr::FCHDIR, nr::RECVMSG];
        self.ret == Ret::Fd || OTHERS.contains(&self.nr.into())
    }

    /// Whether another argument decides which of its arguments are addresses.
    pub fn is_multiplexed(&self) -> bool {
        const CALLS: [usize; 6] =
            [nr::FCNTL, nr::IOCTL, nr::PRCTL, nr::ARCH_PRCTL, nr::SETSOCKOPT, nr::GETSOCKOPT];
        CALLS.contains(&self.nr.into())
    }

    /// How to read the argument at this place, given all of them.
    pub fn kind(&self, at: usize, args: &[u64; 6]) -> ArgKind {
        let kind = self.args[at].kind;
        match (usize::from(self.nr), at) {
            (nr::FCNTL, 2) => fcntl(args[1] as u32, kind),
            (nr::IOCTL, 2) => ioctl(args[1] as u32, kind),
            (nr::PRCTL, 1..) => prctl(args[0] as u32, at, kind),
            (nr::ARCH_PRCTL, 1) if matches!(args[0] as u32, ARCH_GET_FS | ARCH_GET_GS) => {
                writes(Shape::Many(&ADDRESS, Count::Fixed(1)))
            }
            (nr::FUTEX, 3) => match futex_command(args) {
                FUTEX_REQUEUE | FUTEX_CMP_REQUEUE | FUTEX_WAKE_OP | FUTEX_WAKE_BITSET => ArgKind::Uint,
                _ => kind,
            },
            (nr::FUTEX, 5) if matches!(futex_command(args), FUTEX_WAIT_BITSET | FUTEX_WAKE_BITSET) => {
                ArgKind::Enum(FUTEX_MASKS)
            }
            (nr::SETSOCKOPT | nr::GETSOCKOPT, 2) if args[1] as u32 == SOL_SOCKET => {
                ArgKind::Enum(SOCKET_OPTIONS)
            }
            (nr::SETSOCKOPT, 3) => match option(args) {
                Some(shape) => reads(shape),
                None if args[4] as u32 == 4 => reads(INTEGER),
                None => kind,
            },
            (nr::GETSOCKOPT, 3) => match option(args) {
                Some(shape) => writes(shape),
                // Nearly all are an `int`; what is not is named above.
                None if args[1] as u32 == SOL_SOCKET => writes(INTEGER),
                None => kind,
            },
            _ => kind,
        }
    }
}

/// The command of `futex(2)` without its options.
pub fn futex_command(args: &[u64; 6]) -> u32 {
    args[1] as u32 & 0x7f
}

fn fcntl(op: u32, kind: ArgKind) -> ArgKind {
    match op {
        F_SETFD => ArgKind::Flags(&SETFD_FLAGS),
        F_SETFL => ArgKind::Flags(&OPEN_FLAGS),
        F_ADD_SEALS => ArgKind::Flags(&SEALS),
        F_DUPFD | F_DUPFD_CLOEXEC | F_SETPIPE_SZ => ArgKind::Int,
        F_SETSIG => ArgKind::Signal,
        F_SETOWN => ArgKind::Int,
        F_SETLK | F_SETLKW | F_OFD_SETLK | F_OFD_SETLKW => reads(Shape::One(&FLOCK)),
        F_GETLK | F_OFD_GETLK => writes(Shape::One(&FLOCK_HOLDER)),
        _ => kind,
    }
}

fn ioctl(op: u32, kind: ArgKind) -> ArgKind {
    match op {
        TCGETS => writes(Shape::One(&TERMIOS)),
        TCSETS | TCSETSW | TCSETSF => reads(Shape::One(&TERMIOS)),
        TIOCGWINSZ => writes(Shape::One(&WINSIZE)),
        TIOCSWINSZ => reads(Shape::One(&WINSIZE)),
        TIOCGPGRP | TIOCGSID => writes(Shape::Many(&TID, Count::Fixed(1))),
        TIOCSPGRP => reads(Shape::Many(&TID, Count::Fixed(1))),
        FIONREAD | TIOCOUTQ | TIOCGPTN | TIOCGETD | TIOCMGET => writes(INTEGER),
        FIONBIO | FIOASYNC | TIOCSPTLCK | TIOCPKT => reads(INTEGER),
        _ => kind,
    }
}

fn prctl(option: u32, at: usize, kind: ArgKind) -> ArgKind {
    match (option, at) {
        (PR_SET_NAME, 1) => reads(Shape::Text),
        (PR_GET_NAME, 1) => writes(Shape::Text),
        (PR_SET_PDEATHSIG, 1) => ArgKind::Signal,
        (PR_GET_PDEATHSIG | PR_GET_CHILD_SUBREAPER, 1) => writes(INTEGER),
        (PR_SET_NO_NEW_PRIVS | PR_GET_NO_NEW_PRIVS | PR_SET_DUMPABLE | PR_SET_KEEPCAPS, _) => ArgKind::Long,
        (PR_SET_CHILD_SUBREAPER, 1) => ArgKind::Long,
        _ => kind,
    }
}

/// What an option of `setsockopt(2)` that is no `int` points to.
fn option(args: &[u64; 6]) -> Option<Shape> {
    match (args[1] as u32, args[2] as u32) {
        (SOL_SOCKET, SO_LINGER) => Some(Shape::One(&LINGER)),
        (SOL_SOCKET, SO_PEERCRED) => Some(Shape::One(&UCRED)),
        (SOL_SOCKET, SO_RCVTIMEO_OLD | SO_SNDTIMEO_OLD | SO_BINDTODEVICE) => {
            Some(Shape::Bytes(Count::Arg(4)))
        }
        _ => None,
    }
}
