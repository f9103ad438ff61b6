//! Sockets: structures and constants of `socket(2)`, `recvmsg(2)`, `cmsg(3)` and `unix(7)`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct ucred`: who sent a message or is at the other end.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Ucred {
    /// Process.
    pub pid: i32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// `struct msghdr` of x86-64.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct MsgHdr {
    /// Address of the peer's `sockaddr`, or 0.
    pub name: u64,
    /// Its length (a `socklen_t`).
    pub namelen: u32,
    /// Padding.
    pub pad1: u32,
    /// Address of `iovec`s.
    pub iov: u64,
    /// How many.
    pub iovlen: u64,
    /// Address of control messages.
    pub control: u64,
    /// Bytes of them.
    pub controllen: u64,
    /// `MSG_*`, on receipt only.
    pub flags: u32,
    /// Padding.
    pub pad2: u32,
}

/// `struct mmsghdr`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct MmsgHdr {
    /// The message.
    pub hdr: MsgHdr,
    /// Bytes sent or received.
    pub len: u32,
    /// Padding.
    pub pad: u32,
}

/// `struct cmsghdr`; the data follows, the next header is aligned to 8 bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct CmsgHdr {
    /// Bytes, this header included.
    pub len: u64,
    /// `SOL_SOCKET`.
    pub level: i32,
    /// `SCM_*`.
    pub kind: i32,
}

/// Declares public constants.
macro_rules! constants {
    ($($name:ident: $ty:ty = $value:expr;)*) => {
        $(#[allow(missing_docs)] pub const $name: $ty = $value;)*
    };
}

constants! {
    AF_UNSPEC: u16 = 0;
    AF_UNIX: u16 = 1;
    AF_MAX: i32 = 46;

    SOCK_STREAM: i32 = 1;
    SOCK_DGRAM: i32 = 2;
    SOCK_RAW: i32 = 3;
    SOCK_SEQPACKET: i32 = 5;
    SOCK_TYPE_MASK: i32 = 0xf;
    SOCK_MAX: i32 = 11;
    SOCK_NONBLOCK: i32 = 0o4000;
    SOCK_CLOEXEC: i32 = 0o2000000;

    MSG_OOB: u32 = 1;
    MSG_PEEK: u32 = 2;
    MSG_CTRUNC: u32 = 8;
    MSG_TRUNC: u32 = 0x20;
    MSG_DONTWAIT: u32 = 0x40;
    MSG_EOR: u32 = 0x80;
    MSG_WAITALL: u32 = 0x100;
    MSG_NOSIGNAL: u32 = 0x4000;
    MSG_WAITFORONE: u32 = 0x10000;
    MSG_CMSG_CLOEXEC: u32 = 0x4000_0000;

    SHUT_RD: i32 = 0;
    SHUT_WR: i32 = 1;
    SHUT_RDWR: i32 = 2;

    SOL_SOCKET: i32 = 1;
    SCM_RIGHTS: i32 = 1;
    SCM_CREDENTIALS: i32 = 2;
    SCM_MAX_FD: usize = 253;
    SOMAXCONN: i32 = 4096;

    SO_DEBUG: i32 = 1;
    SO_REUSEADDR: i32 = 2;
    SO_TYPE: i32 = 3;
    SO_ERROR: i32 = 4;
    SO_DONTROUTE: i32 = 5;
    SO_BROADCAST: i32 = 6;
    SO_SNDBUF: i32 = 7;
    SO_RCVBUF: i32 = 8;
    SO_KEEPALIVE: i32 = 9;
    SO_OOBINLINE: i32 = 10;
    SO_PRIORITY: i32 = 12;
    SO_LINGER: i32 = 13;
    SO_REUSEPORT: i32 = 15;
    SO_PASSCRED: i32 = 16;
    SO_PEERCRED: i32 = 17;
    SO_RCVLOWAT: i32 = 18;
    SO_SNDLOWAT: i32 = 19;
    SO_RCVTIMEO: i32 = 20;
    SO_SNDTIMEO: i32 = 21;
    SO_TIMESTAMP: i32 = 29;
    SO_ACCEPTCONN: i32 = 30;
    SO_PEERSEC: i32 = 31;
    SO_SNDBUFFORCE: i32 = 32;
    SO_RCVBUFFORCE: i32 = 33;
    SO_MARK: i32 = 36;
    SO_PROTOCOL: i32 = 38;
    SO_DOMAIN: i32 = 39;
    SO_PEERGROUPS: i32 = 59;
}
