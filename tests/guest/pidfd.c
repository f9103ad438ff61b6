// A pidfd refers to a process: it polls readable at its end, takes signals, and can be waited on; pidfd_open(2).
// syscalls: pidfd_open pidfd_send_signal waitid
#include "ktap.h"
#include <poll.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

ROLE(block) {
    for (;;) pause();
}

TEST(signal_poll_wait) {
    pid_t pid = SPAWN("block");
    int fd = MUST(syscall(SYS_pidfd_open, pid, 0));
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    struct pollfd p = {fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 0), 0);
    CHECK_EQ(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0), 0);
    CHECK_EQ(poll(&p, 1, 2000), 1);
    CHECK_EQ(p.revents, POLLIN);
    siginfo_t info;
    CHECK_EQ(waitid(P_PIDFD, fd, &info, WEXITED), 0);
    CHECK_EQ(info.si_pid, pid);
    CHECK_EQ(info.si_status, SIGTERM);
    CHECK_ERR(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH);
}

TEST(errors) {
    CHECK_ERR(syscall(SYS_pidfd_open, 999999999, 0), ESRCH);
    CHECK_ERR(syscall(SYS_pidfd_open, 0, 0), EINVAL);
    CHECK_ERR(syscall(SYS_pidfd_open, getpid(), 0x1000), EINVAL);
    CHECK_ERR(syscall(SYS_pidfd_send_signal, 0, 0, NULL, 0), EBADF);
}
