//! Waiting for files, and sockets: `poll(2)`, `epoll(7)`, `sendmsg(2)`.

use super::{Count, Shape, layouts, reads, u32_at, writes};
use crate::names::{EPOLL_EVENTS, MSG_FLAGS, POLL_EVENTS};
use crate::syscalls::ArgKind::{Fd, Flags, Id, Inner, Int, Pid, Size, Uint};

layouts! {
    "`struct pollfd`." POLLFD 8 Whole { 0 4 fd = Fd; 4 2 events = Flags(&POLL_EVENTS) => has_fd; }
    "`epoll_data_t`." EPOLL_DATA 8 Whole { 0 4 u32 = Uint; 0 8 u64 = Size; }
    "`struct epoll_event`." EPOLL_EVENT 12 Whole { 0 4 events = Flags(&EPOLL_EVENTS); 4 8 data = Inner(&EPOLL_DATA); }
    "A descriptor that was made." NEW_FD 4 Bare { 0 4 fd = Fd; }
    "`struct msghdr` to send." MSGHDR_IN 56 Whole {
        0 8 msg_name = reads(Shape::Sockaddr(Count::Field32(8)));
        8 4 msg_namelen = Int;
        16 8 msg_iov = reads(Shape::Many(&super::IOVEC_IN, Count::Field(24)));
        24 8 msg_iovlen = Size;
        32 8 msg_control = reads(Shape::Control(Count::Field(40))) => has_control;
        40 8 msg_controllen = Size;
        48 4 msg_flags = Flags(&MSG_FLAGS);
    }
    "`struct msghdr` that was received." MSGHDR_OUT 56 Whole {
        0 8 msg_name = writes(Shape::Sockaddr(Count::Field32(8)));
        8 4 msg_namelen = Int;
        16 8 msg_iov = writes(Shape::Many(&super::IOVEC_OUT, Count::Field(24)));
        24 8 msg_iovlen = Size;
        32 8 msg_control = writes(Shape::Control(Count::Field(40))) => has_control;
        40 8 msg_controllen = Size;
        48 4 msg_flags = Flags(&MSG_FLAGS);
    }
    "`struct mmsghdr` to send." MMSGHDR_IN 64 Whole { 0 56 msg_hdr = Inner(&MSGHDR_IN); }
    "`struct linger`." LINGER 8 Whole { 0 4 l_onoff = Int; 4 4 l_linger = Int; }
    "`struct ucred`." UCRED 12 Whole { 0 4 pid = Pid; 4 4 uid = Id; 8 4 gid = Id; }
}

fn has_fd(poll: &[u8]) -> bool {
    u32_at(poll, 0) as i32 >= 0
}

fn has_control(message: &[u8]) -> bool {
    u32_at(message, 40) != 0
}
