//! Sockets: `socket(2)`, `send(2)`, `setsockopt(2)`.

use super::{BitField, FlagSet, Name};

names! {
    /// Address families of `socket(2)`.
    FAMILIES {
        AF_UNSPEC = 0, AF_UNIX = 1, AF_INET = 2, AF_AX25 = 3, AF_IPX = 4, AF_APPLETALK = 5,
        AF_X25 = 9, AF_INET6 = 10, AF_KEY = 15, AF_NETLINK = 16, AF_PACKET = 17, AF_RDS = 21,
        AF_CAN = 29, AF_TIPC = 30, AF_BLUETOOTH = 31, AF_ALG = 38, AF_VSOCK = 40, AF_XDP = 44,
    }

    /// Types of `socket(2)`: the low four bits of its second argument.
    SOCKET_KINDS {
        SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_RDM = 4, SOCK_SEQPACKET = 5,
        SOCK_DCCP = 6, SOCK_PACKET = 10,
    }

    /// Flags of `socket(2)`.
    SOCKET_BITS {
        SOCK_CLOEXEC = 0o2000000, SOCK_NONBLOCK = 0o4000,
    }

    /// Flags of `send(2)` and `recv(2)`.
    MSG_BITS {
        MSG_OOB = 1, MSG_PEEK = 2, MSG_DONTROUTE = 4, MSG_CTRUNC = 8, MSG_PROXY = 0x10,
        MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40, MSG_EOR = 0x80, MSG_WAITALL = 0x100, MSG_FIN = 0x200,
        MSG_SYN = 0x400, MSG_CONFIRM = 0x800, MSG_RST = 0x1000, MSG_ERRQUEUE = 0x2000,
        MSG_NOSIGNAL = 0x4000, MSG_MORE = 0x8000, MSG_WAITFORONE = 0x10000, MSG_BATCH = 0x40000,
        MSG_ZEROCOPY = 0x4000000, MSG_FASTOPEN = 0x20000000, MSG_CMSG_CLOEXEC = 0x40000000,
    }

    /// `how` of `shutdown(2)`.
    SHUTDOWN {
        SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2,
    }

    /// Levels of `setsockopt(2)`.
    SOCKET_LEVELS {
        IPPROTO_IP = 0, SOL_SOCKET = 1, IPPROTO_TCP = 6, IPPROTO_UDP = 17, IPPROTO_IPV6 = 41,
        SOL_NETLINK = 270, SOL_PACKET = 263,
    }

    /// Options of `setsockopt(2)` at `SOL_SOCKET`.
    SOCKET_OPTIONS {
        SO_DEBUG = 1, SO_REUSEADDR = 2, SO_TYPE = 3, SO_ERROR = 4, SO_DONTROUTE = 5,
        SO_BROADCAST = 6, SO_SNDBUF = 7, SO_RCVBUF = 8, SO_KEEPALIVE = 9, SO_OOBINLINE = 10,
        SO_NO_CHECK = 11, SO_PRIORITY = 12, SO_LINGER = 13, SO_BSDCOMPAT = 14, SO_REUSEPORT = 15,
        SO_PASSCRED = 16, SO_PEERCRED = 17, SO_RCVLOWAT = 18, SO_SNDLOWAT = 19, SO_RCVTIMEO_OLD = 20,
        SO_SNDTIMEO_OLD = 21, SO_BINDTODEVICE = 25, SO_ATTACH_FILTER = 26, SO_DETACH_FILTER = 27,
        SO_PEERNAME = 28, SO_TIMESTAMP_OLD = 29, SO_ACCEPTCONN = 30, SO_PEERSEC = 31,
        SO_SNDBUFFORCE = 32, SO_RCVBUFFORCE = 33, SO_PASSSEC = 34, SO_TIMESTAMPNS_OLD = 35,
        SO_MARK = 36, SO_TIMESTAMPING_OLD = 37, SO_PROTOCOL = 38, SO_DOMAIN = 39, SO_RXQ_OVFL = 40,
        SO_PEEK_OFF = 42, SO_BUSY_POLL = 46, SO_INCOMING_CPU = 49, SO_PEERGROUPS = 59,
        SO_ZEROCOPY = 60, SO_PEERPIDFD = 77,
    }

    /// Ancillary data of `unix(7)`.
    CONTROL_TYPES {
        SCM_RIGHTS = 1, SCM_CREDENTIALS = 2, SCM_SECURITY = 3,
    }
}

/// Type and flags of `socket(2)`.
pub static SOCKET_TYPE: FlagSet =
    FlagSet::with_fields(SOCKET_BITS, &[BitField { mask: 0xf, values: SOCKET_KINDS }]);

/// Flags of `accept4(2)`.
pub static ACCEPT_FLAGS: FlagSet = FlagSet::bits(SOCKET_BITS);

/// Flags of `send(2)` and `recv(2)`.
pub static MSG_FLAGS: FlagSet = FlagSet::bits(MSG_BITS);
