//! Waiting and time: `poll(2)`, `epoll(7)`, clocks and timers.

use super::{FlagSet, Name};

names! {
    /// Events of `poll(2)`.
    POLL_BITS {
        POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLERR = 8, POLLHUP = 0x10, POLLNVAL = 0x20,
        POLLRDNORM = 0x40, POLLRDBAND = 0x80, POLLWRNORM = 0x100, POLLWRBAND = 0x200,
        POLLMSG = 0x400, POLLREMOVE = 0x1000, POLLRDHUP = 0x2000,
    }

    /// Operations of `epoll_ctl(2)`.
    EPOLL_OPS {
        EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3,
    }

    /// Events of `epoll_ctl(2)`.
    EPOLL_BITS {
        EPOLLIN = 1, EPOLLPRI = 2, EPOLLOUT = 4, EPOLLERR = 8, EPOLLHUP = 0x10, EPOLLRDNORM = 0x40,
        EPOLLRDBAND = 0x80, EPOLLWRNORM = 0x100, EPOLLWRBAND = 0x200, EPOLLMSG = 0x400,
        EPOLLRDHUP = 0x2000, EPOLLEXCLUSIVE = 0x10000000, EPOLLWAKEUP = 0x20000000,
        EPOLLONESHOT = 0x40000000, EPOLLET = 0x80000000,
    }

    /// Flags of `epoll_create1(2)`.
    EPOLL_CREATE_BITS {
        EPOLL_CLOEXEC = 0o2000000,
    }

    /// Flags of `eventfd2(2)`.
    EVENTFD_BITS {
        EFD_SEMAPHORE = 1, EFD_NONBLOCK = 0o4000, EFD_CLOEXEC = 0o2000000,
    }

    /// Clocks of `clock_gettime(2)`.
    CLOCKS {
        CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_PROCESS_CPUTIME_ID = 2,
        CLOCK_THREAD_CPUTIME_ID = 3, CLOCK_MONOTONIC_RAW = 4, CLOCK_REALTIME_COARSE = 5,
        CLOCK_MONOTONIC_COARSE = 6, CLOCK_BOOTTIME = 7, CLOCK_REALTIME_ALARM = 8,
        CLOCK_BOOTTIME_ALARM = 9, CLOCK_TAI = 11,
    }

    /// Flags of `clock_nanosleep(2)` and `timer_settime(2)`.
    TIMER_BITS {
        TIMER_ABSTIME = 1,
    }

    /// Flags of `timerfd_create(2)`.
    TIMERFD_BITS {
        TFD_NONBLOCK = 0o4000, TFD_CLOEXEC = 0o2000000,
    }

    /// Flags of `timerfd_settime(2)`.
    TIMERFD_SET_BITS {
        TFD_TIMER_ABSTIME = 1, TFD_TIMER_CANCEL_ON_SET = 2,
    }

    /// How a timer tells that it expired: `sigevent(7)`.
    SIGEV_KINDS {
        SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2, SIGEV_THREAD_ID = 4,
    }

    /// Timers of `setitimer(2)`.
    ITIMERS {
        ITIMER_REAL = 0, ITIMER_VIRTUAL = 1, ITIMER_PROF = 2,
    }
}

/// Events of `poll(2)`.
pub static POLL_EVENTS: FlagSet = FlagSet::bits(POLL_BITS);

/// Events of `epoll_ctl(2)`.
pub static EPOLL_EVENTS: FlagSet = FlagSet::bits(EPOLL_BITS);

/// Flags of `epoll_create1(2)`.
pub static EPOLL_CREATE_FLAGS: FlagSet = FlagSet::bits(EPOLL_CREATE_BITS);

/// Flags of `eventfd2(2)`.
pub static EVENTFD_FLAGS: FlagSet = FlagSet::bits(EVENTFD_BITS);

/// Flags of `clock_nanosleep(2)` and `timer_settime(2)`.
pub static TIMER_FLAGS: FlagSet = FlagSet::bits(TIMER_BITS);

/// Flags of `timerfd_create(2)`.
pub static TIMERFD_FLAGS: FlagSet = FlagSet::bits(TIMERFD_BITS);

/// Flags of `timerfd_settime(2)`.
pub static TIMERFD_SET_FLAGS: FlagSet = FlagSet::bits(TIMERFD_SET_BITS);
