// pselect() waits with another signal mask; select(2).
// syscalls: pselect6
#include "ktap.h"
#include <sys/select.h>

static volatile int calls;
static void on_signal(int sig) { (void)sig, calls++; }

TEST(mask_is_swapped_for_the_wait) {
    sigset_t block, none, now;
    sigemptyset(&block);
    sigemptyset(&none);
    sigaddset(&block, SIGUSR1);
    signal(SIGUSR1, on_signal);
    MUST(sigprocmask(SIG_BLOCK, &block, NULL));
    raise(SIGUSR1);
    struct timespec t = {5, 0};
    CHECK_ERR(pselect(0, NULL, NULL, NULL, &t, &none), EINTR);
    CHECK_EQ(calls, 1);
    CHECK_EQ(t.tv_sec, 5);
    MUST(sigprocmask(SIG_SETMASK, NULL, &now));
    CHECK(sigismember(&now, SIGUSR1));
}

TEST(readiness_comes_before_nothing) {
    int p[2];
    fd_set w;
    MUST(pipe(p));
    FD_ZERO(&w);
    FD_SET(p[1], &w);
    CHECK_EQ(pselect(p[1] + 1, NULL, &w, NULL, NULL, NULL), 1);
    struct timespec t = {0, 10000000};
    FD_ZERO(&w);
    FD_SET(p[0], &w);
    CHECK_EQ(pselect(p[0] + 1, &w, NULL, NULL, &t, NULL), 0);
    CHECK(!FD_ISSET(p[0], &w));
}
