// A signal is blocked while its handler runs, unless SA_NODEFER; sa_mask adds more; sigaction(2).
// syscalls: rt_sigaction rt_sigprocmask
#include "ktap.h"

static volatile int depth, deepest, calls, other_inside, was_blocked;
static void again(int sig) {
    if (++depth > deepest) deepest = depth;
    if (++calls < 3) raise(sig);
    depth--;
}

TEST(deferred_by_default) {
    struct sigaction sa = {.sa_handler = again};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    raise(SIGUSR1);
    CHECK_EQ(calls, 3);
    CHECK_EQ(deepest, 1);
}

TEST(nested_with_nodefer) {
    struct sigaction sa = {.sa_handler = again, .sa_flags = SA_NODEFER};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    calls = deepest = 0;
    raise(SIGUSR1);
    CHECK_EQ(calls, 3);
    CHECK_EQ(deepest, 3);
}

static void with_mask(int sig) {
    sigset_t now;
    (void)sig;
    calls = 1;
    sigprocmask(SIG_SETMASK, NULL, &now);
    was_blocked = sigismember(&now, SIGUSR2) && sigismember(&now, SIGUSR1) && !sigismember(&now, SIGHUP);
    raise(SIGUSR2);
    calls = 2;
}
static void other(int sig) { (void)sig, other_inside = calls; }

TEST(mask_holds_others_until_the_end) {
    struct sigaction sa = {.sa_handler = with_mask}, sb = {.sa_handler = other};
    sigaddset(&sa.sa_mask, SIGUSR2);
    MUST(sigaction(SIGUSR1, &sa, NULL));
    MUST(sigaction(SIGUSR2, &sb, NULL));
    raise(SIGUSR1);
    CHECK(was_blocked);
    CHECK_EQ(other_inside, 2);
}

TEST(mask_is_restored) {
    sigset_t now;
    MUST(sigprocmask(SIG_SETMASK, NULL, &now));
    CHECK(!sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));
}
