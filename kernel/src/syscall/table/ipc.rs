//! Rows of pipes, sockets, and of waiting for files.

use super::Support::{Full, Partial};
use super::{Row, row};
use crate::syscall::{epoll, eventfd, inotify, message, pipe, poll, socket, sockopt, splice, timerfd};
use llano_abi::syscalls::nr;

/// Which sockets there are.
const UNIX: &str = "AF_UNIX only; other families: EAFNOSUPPORT";

/// The rows.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(nr::PIPE, pipe::sys_pipe, Full, ""),
    row(nr::PIPE2, pipe::sys_pipe2, Partial, "no notification pipes"),
    row(nr::SPLICE, splice::sys_splice, Partial, "copies; offsets only with a regular file"),
    row(nr::TEE, splice::sys_tee, Partial, "copies"),
    row(nr::VMSPLICE, splice::sys_vmsplice, Partial, "copies; SPLICE_F_GIFT is ignored"),
    row(nr::POLL, poll::sys_poll, Full, ""),
    row(nr::PPOLL, poll::sys_ppoll, Full, ""),
    row(nr::SELECT, poll::sys_select, Full, ""),
    row(nr::PSELECT6, poll::sys_pselect6, Full, ""),
    row(nr::EPOLL_CREATE, epoll::sys_epoll_create, Full, ""),
    row(nr::EPOLL_CREATE1, epoll::sys_epoll_create1, Full, ""),
    row(nr::EPOLL_CTL, epoll::sys_epoll_ctl, Partial, "EPOLLEXCLUSIVE wakes all, EPOLLWAKEUP is ignored"),
    row(nr::EPOLL_WAIT, epoll::sys_epoll_wait, Full, ""),
    row(nr::EPOLL_PWAIT, epoll::sys_epoll_pwait, Full, ""),
    row(nr::EPOLL_PWAIT2, epoll::sys_epoll_pwait2, Full, ""),
    row(nr::INOTIFY_INIT, inotify::sys_inotify_init, Full, ""),
    row(nr::INOTIFY_INIT1, inotify::sys_inotify_init1, Full, ""),
    row(nr::INOTIFY_ADD_WATCH, inotify::sys_inotify_add_watch, Partial, "sees what guests do, not changes made on the host"),
    row(nr::INOTIFY_RM_WATCH, inotify::sys_inotify_rm_watch, Full, ""),
    row(nr::EVENTFD, eventfd::sys_eventfd, Full, ""),
    row(nr::EVENTFD2, eventfd::sys_eventfd2, Full, ""),
    row(nr::SIGNALFD, eventfd::sys_signalfd, Full, ""),
    row(nr::SIGNALFD4, eventfd::sys_signalfd4, Full, ""),
    row(nr::TIMERFD_CREATE, timerfd::sys_timerfd_create, Full, ""),
    row(nr::TIMERFD_SETTIME, timerfd::sys_timerfd_settime, Full, ""),
    row(nr::TIMERFD_GETTIME, timerfd::sys_timerfd_gettime, Full, ""),
    row(nr::SOCKET, socket::sys_socket, Partial, UNIX),
    row(nr::SOCKETPAIR, socket::sys_socketpair, Partial, UNIX),
    row(nr::BIND, socket::sys_bind, Partial, UNIX),
    row(nr::LISTEN, socket::sys_listen, Partial, UNIX),
    row(nr::CONNECT, socket::sys_connect, Partial, UNIX),
    row(nr::ACCEPT, socket::sys_accept, Partial, UNIX),
    row(nr::ACCEPT4, socket::sys_accept4, Partial, UNIX),
    row(nr::GETSOCKNAME, socket::sys_getsockname, Partial, UNIX),
    row(nr::GETPEERNAME, socket::sys_getpeername, Partial, UNIX),
    row(nr::SHUTDOWN, socket::sys_shutdown, Partial, UNIX),
    row(nr::SETSOCKOPT, sockopt::sys_setsockopt, Partial, "SOL_SOCKET; what only networks know is kept and reported"),
    row(nr::GETSOCKOPT, sockopt::sys_getsockopt, Partial, "SOL_SOCKET"),
    row(nr::SENDTO, message::sys_sendto, Partial, "no out-of-band data"),
    row(nr::RECVFROM, message::sys_recvfrom, Partial, "no out-of-band data"),
    row(nr::SENDMSG, message::sys_sendmsg, Partial, "SCM_RIGHTS and SCM_CREDENTIALS; no out-of-band data"),
    row(nr::RECVMSG, message::sys_recvmsg, Partial, "SCM_RIGHTS and SCM_CREDENTIALS; no out-of-band data"),
    row(nr::SENDMMSG, message::sys_sendmmsg, Partial, "as sendmsg"),
    row(nr::RECVMMSG, message::sys_recvmmsg, Partial, "as recvmsg"),
];
