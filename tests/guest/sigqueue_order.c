// Real-time signals queue with their values, lowest number first; standard ones merge; signal(7).
// syscalls: rt_sigqueueinfo
#include "ktap.h"

static volatile int order[64], values[64], n;
static void on_signal(int sig, siginfo_t *info, void *context) {
    (void)context;
    order[n] = sig;
    values[n] = info->si_value.sival_int;
    n++;
}

TEST(queued_in_order) {
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigfillset(&sa.sa_mask);
    sigset_t all, old;
    sigfillset(&all);
    int signals[] = {SIGRTMIN, SIGRTMIN + 1, SIGRTMAX, SIGUSR1};
    for (int i = 0; i < 4; i++) MUST(sigaction(signals[i], &sa, NULL));
    MUST(sigprocmask(SIG_BLOCK, &all, &old));
    for (int i = 0; i < 3; i++) {
        for (int s = 3; s >= 0; s--) MUST(sigqueue(getpid(), signals[s], (union sigval){.sival_int = 10 * s + i}));
    }
    MUST(sigprocmask(SIG_SETMASK, &old, NULL));
    CHECK_EQ(n, 10);
    int want_order[] = {SIGUSR1, SIGRTMIN, SIGRTMIN, SIGRTMIN, SIGRTMIN + 1, SIGRTMIN + 1, SIGRTMIN + 1, SIGRTMAX, SIGRTMAX, SIGRTMAX};
    int want_values[] = {30, 0, 1, 2, 10, 11, 12, 20, 21, 22};
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(order[i], want_order[i]);
        CHECK_EQ(values[i], want_values[i]);
    }
}

TEST(many_are_kept) {
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 2);
    MUST(sigprocmask(SIG_BLOCK, &set, &old));
    for (int i = 0; i < 200; i++) CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = i}), 0);
    siginfo_t info;
    for (int i = 0; i < 200; i++) {
        CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN + 2);
        CHECK_EQ(info.si_value.sival_int, i);
    }
    struct timespec zero = {0, 0};
    CHECK_ERR(sigtimedwait(&set, &info, &zero), EAGAIN);
}
