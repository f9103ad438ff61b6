// A signalfd gives blocked signals as records, and polls readable; signalfd(2).
// syscalls: signalfd4 signalfd
#include "ktap.h"
#include <poll.h>
#include <sys/signalfd.h>

static int fd;
static sigset_t set;

TEST(one_record_a_signal) {
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    fd = MUST(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    struct signalfd_siginfo info[4];
    CHECK_ERR(read(fd, info, sizeof info), EAGAIN);
    struct pollfd p = {fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 0), 0);
    kill(getpid(), SIGUSR1);
    MUST(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 31}));
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLIN);
    CHECK_EQ(read(fd, info, sizeof info), 2 * sizeof *info);
    CHECK_EQ(sizeof *info, 128);
    CHECK_EQ(info[0].ssi_signo, SIGUSR1);
    CHECK_EQ(info[0].ssi_pid, getpid());
    CHECK_EQ(info[0].ssi_code, SI_USER);
    CHECK_EQ(info[1].ssi_signo, SIGRTMIN);
    CHECK_EQ(info[1].ssi_int, 31);
    CHECK_EQ(poll(&p, 1, 0), 0);
}

TEST(mask_can_be_changed) {
    struct signalfd_siginfo info;
    sigdelset(&set, SIGUSR1);
    CHECK_EQ(signalfd(fd, &set, 0), fd);
    kill(getpid(), SIGUSR1);
    CHECK_ERR(read(fd, &info, sizeof info), EAGAIN);
    sigaddset(&set, SIGUSR1);
    CHECK_EQ(signalfd(fd, &set, 0), fd);
    CHECK_EQ(read(fd, &info, sizeof info), sizeof info);
}

TEST(errors) {
    char small[100];
    uint64_t mask = 0;
    CHECK_ERR(read(fd, small, sizeof small), EINVAL);
    CHECK_ERR(signalfd(1000, &set, 0), EBADF);
    CHECK_ERR(signalfd(1, &set, 0), EINVAL);
    CHECK_ERR(signalfd(-1, &set, 0x4000000), EINVAL);
    int old = MUST(syscall(SYS_signalfd, -1, &mask, 8));
    CHECK_EQ(close(old), 0);
}
