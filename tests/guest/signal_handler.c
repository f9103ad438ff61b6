// A handler runs on kill() to oneself, before kill() returns, with the right number; sigaction(2).
// syscalls: rt_sigaction rt_sigreturn kill getpid
// build: static musl fixed
#include "ktap.h"

static volatile sig_atomic_t count, last;
static void on_signal(int sig) { count++, last = sig; }

TEST(delivered_before_kill_returns) {
    CHECK(signal(SIGUSR1, on_signal) == SIG_DFL);
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    CHECK_EQ(count, 1);
    CHECK_EQ(last, SIGUSR1);
}

TEST(old_action_is_returned) {
    struct sigaction sa = {.sa_handler = SIG_IGN}, old;
    CHECK_EQ(sigaction(SIGUSR1, &sa, &old), 0);
    CHECK(old.sa_handler == on_signal);
    CHECK_EQ(sigaction(SIGUSR1, NULL, &old), 0);
    CHECK(old.sa_handler == SIG_IGN);
}

TEST(ignored) {
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(count, 1);
}

TEST(kill_and_stop_cannot_be_caught) {
    struct sigaction sa = {.sa_handler = on_signal};
    CHECK_ERR(sigaction(SIGKILL, &sa, NULL), EINVAL);
    CHECK_ERR(sigaction(SIGSTOP, &sa, NULL), EINVAL);
    CHECK_ERR(sigaction(65, &sa, NULL), EINVAL);
    CHECK_ERR(sigaction(0, &sa, NULL), EINVAL);
}

TEST(signal_zero_only_checks) {
    CHECK_EQ(kill(getpid(), 0), 0);
    CHECK_ERR(kill(getpid(), 65), EINVAL);
    CHECK_ERR(kill(999999999, 0), ESRCH);
    CHECK_EQ(count, 1);
}
