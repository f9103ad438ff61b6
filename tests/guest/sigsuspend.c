// sigsuspend() swaps the mask and waits as one step, and puts the old mask back; sigsuspend(2).
// syscalls: rt_sigsuspend
#include "ktap.h"

static volatile int calls;
static sigset_t inside;
static void on_signal(int sig) {
    (void)sig;
    calls++;
    sigprocmask(SIG_SETMASK, NULL, &inside);
}

TEST(pending_signal_ends_it_at_once) {
    sigset_t block, old, now;
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    struct sigaction sa = {.sa_handler = on_signal};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    MUST(sigprocmask(SIG_BLOCK, &block, &old));
    raise(SIGUSR1);
    CHECK_EQ(calls, 0);
    sigaddset(&old, SIGUSR2);
    CHECK_ERR(sigsuspend(&old), EINTR);
    CHECK_EQ(calls, 1);
    CHECK(sigismember(&inside, SIGUSR2));
    MUST(sigprocmask(SIG_SETMASK, NULL, &now));
    CHECK(sigismember(&now, SIGUSR1));
    CHECK(!sigismember(&now, SIGUSR2));
}

TEST(set_size_is_checked) {
    uint64_t set = 0;
    CHECK_ERR(syscall(SYS_rt_sigsuspend, &set, 4), EINVAL);
    CHECK_ERR(syscall(SYS_rt_sigsuspend, (void *)8, 8), EFAULT);
}
