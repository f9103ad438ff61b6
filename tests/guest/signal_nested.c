// Handlers of different signals nest, each returning to the one it interrupted; signal(7).
// syscalls: rt_sigreturn
#include "ktap.h"

// volatile: raise() is declared `leaf`, so the compiler expects no handler to run in it
static volatile char path[32];
static volatile int at;
static void third(int sig) { (void)sig, path[at++] = '3'; }
static void second(int sig) {
    (void)sig;
    path[at++] = '2';
    raise(SIGRTMIN);
    path[at++] = 'b';
}
static void first(int sig) {
    (void)sig;
    path[at++] = '1';
    raise(SIGUSR2);
    path[at++] = 'a';
}

TEST(three_deep) {
    signal(SIGUSR1, first);
    signal(SIGUSR2, second);
    signal(SIGRTMIN, third);
    raise(SIGUSR1);
    CHECK(strcmp((char *)path, "123ba") == 0);
}

TEST(two_pending_at_once_both_run) {
    sigset_t set, old;
    sigfillset(&set);
    memset((char *)path, 0, sizeof path);
    at = 0;
    MUST(sigprocmask(SIG_BLOCK, &set, &old));
    signal(SIGUSR1, third);
    signal(SIGUSR2, third);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR2);
    CHECK_EQ(at, 0);
    MUST(sigprocmask(SIG_SETMASK, &old, NULL));
    CHECK_EQ(at, 2);
}

static void recurse(int sig) {
    if (++at < 20) raise(sig);
}
TEST(twenty_deep) {
    struct sigaction sa = {.sa_handler = recurse, .sa_flags = SA_NODEFER};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    at = 0;
    raise(SIGUSR1);
    CHECK_EQ(at, 20);
}
