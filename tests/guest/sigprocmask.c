// Blocked signals wait and are delivered when unblocked, before sigprocmask returns; sigprocmask(2).
// syscalls: rt_sigprocmask rt_sigpending
#include "ktap.h"

static volatile int calls;
static void on_signal(int sig) { (void)sig, calls++; }

TEST(block_then_unblock) {
    sigset_t set, old, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    signal(SIGUSR1, on_signal);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
    CHECK(!sigismember(&old, SIGUSR1));
    raise(SIGUSR1);
    raise(SIGUSR1);
    CHECK_EQ(calls, 0);
    CHECK_EQ(sigpending(&pending), 0);
    CHECK(sigismember(&pending, SIGUSR1));
    CHECK(!sigismember(&pending, SIGUSR2));
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
    CHECK_EQ(calls, 1);
    CHECK_EQ(sigpending(&pending), 0);
    CHECK(!sigismember(&pending, SIGUSR1));
}

TEST(ignored_while_blocked_is_dropped) {
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    signal(SIGUSR2, on_signal);
    raise(SIGUSR2);
    signal(SIGUSR2, SIG_IGN);
    MUST(sigpending(&pending));
    CHECK(!sigismember(&pending, SIGUSR2));
    MUST(sigprocmask(SIG_UNBLOCK, &set, NULL));
}

TEST(kill_and_stop_cannot_be_blocked) {
    sigset_t all, old, now;
    sigfillset(&all);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &all, &old), 0);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &old, &now), 0);
    CHECK(sigismember(&now, SIGTERM));
    CHECK(!sigismember(&now, SIGKILL) && !sigismember(&now, SIGSTOP));
}

TEST(errors) {
    uint64_t set = 0;
    CHECK_ERR(syscall(SYS_rt_sigprocmask, 77, &set, NULL, 8), EINVAL);
    CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL);
    CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, (void *)8, NULL, 8), EFAULT);
    CHECK_EQ(syscall(SYS_rt_sigprocmask, 77, NULL, &set, 8), 0);
}
