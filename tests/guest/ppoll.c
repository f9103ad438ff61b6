// ppoll() waits with another signal mask, swapped as one step; poll(2).
// syscalls: ppoll
#include "ktap.h"
#include <poll.h>

static volatile int calls;
static void on_signal(int sig) { (void)sig, calls++; }

TEST(pending_signal_is_let_in) {
    sigset_t block, none, now;
    sigemptyset(&block);
    sigemptyset(&none);
    sigaddset(&block, SIGUSR1);
    signal(SIGUSR1, on_signal);
    MUST(sigprocmask(SIG_BLOCK, &block, NULL));
    raise(SIGUSR1);
    struct timespec t = {5, 0};
    CHECK_EQ(calls, 0);
    CHECK_ERR(ppoll(NULL, 0, &t, &none), EINTR);
    CHECK_EQ(calls, 1);
    MUST(sigprocmask(SIG_SETMASK, NULL, &now));
    CHECK(sigismember(&now, SIGUSR1));
}

TEST(timeout_and_readiness) {
    struct timespec t = {0, 20000000}, zero = {0, 0}, bad = {0, -1};
    int64_t start = now_ns();
    CHECK_EQ(ppoll(NULL, 0, &t, NULL), 0);
    CHECK(now_ns() - start >= 20000000);
    int p[2];
    MUST(pipe(p));
    struct pollfd f = {p[1], POLLOUT, 0};
    CHECK_EQ(ppoll(&f, 1, NULL, NULL), 1);
    f.fd = p[0], f.events = POLLIN;
    CHECK_EQ(ppoll(&f, 1, &zero, NULL), 0);
    CHECK_ERR(ppoll(&f, 1, &bad, NULL), EINVAL);
}

TEST(raw_call_leaves_the_rest_of_the_time) {
    struct timespec t = {3, 0};
    int p[2];
    MUST(pipe(p));
    struct pollfd f = {p[1], POLLOUT, 0};
    CHECK_EQ(syscall(SYS_ppoll, &f, 1, &t, NULL, 8), 1);
    CHECK(t.tv_sec == 2 || (t.tv_sec == 3 && t.tv_nsec == 0));
    CHECK_ERR(syscall(SYS_ppoll, &f, 1, &t, &t, 4), EINVAL);
}
