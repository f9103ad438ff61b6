// SA_RESETHAND gives a handler one call; the next signal takes the default action; sigaction(2).
// syscalls: rt_sigaction
#include "ktap.h"

static volatile int calls;
static void on_signal(int sig) { (void)sig, calls++; }

TEST(default_after_the_first) {
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND}, now;
    MUST(sigaction(SIGUSR1, &sa, NULL));
    raise(SIGUSR1);
    CHECK_EQ(calls, 1);
    MUST(sigaction(SIGUSR1, NULL, &now));
    CHECK(now.sa_handler == SIG_DFL);
}

ROLE(twice) {
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    raise(SIGUSR1);
    if (calls != 1) _exit(1);
    raise(SIGUSR1);
    _exit(2);
}

TEST(second_signal_kills) { CHECK_EQ(wait_status(SPAWN("twice")), SIGUSR1); }
