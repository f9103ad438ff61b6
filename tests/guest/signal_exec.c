// execve() resets handlers, keeps ignored signals, the mask and what is pending; execve(2).
// syscalls: execve rt_sigprocmask rt_sigpending
#include "ktap.h"

static void on_signal(int sig) { (void)sig; }

ROLE(look) {
    struct sigaction sa;
    sigset_t mask, pending;
    stack_t stack;
    MUST(sigaction(SIGUSR1, NULL, &sa));
    CHECK(sa.sa_handler == SIG_DFL);
    MUST(sigaction(SIGUSR2, NULL, &sa));
    CHECK(sa.sa_handler == SIG_IGN);
    MUST(sigprocmask(SIG_SETMASK, NULL, &mask));
    CHECK(sigismember(&mask, SIGHUP));
    CHECK(!sigismember(&mask, SIGTERM));
    MUST(sigpending(&pending));
    CHECK(sigismember(&pending, SIGHUP));
    MUST(sigaltstack(NULL, &stack));
    CHECK_EQ(stack.ss_flags, SS_DISABLE);
}

ROLE(prepare) {
    static char stack[65536];
    stack_t s = {.ss_sp = stack, .ss_size = sizeof stack};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    MUST(sigaltstack(&s, NULL));
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, SIG_IGN);
    raise(SIGHUP);
    execl("/proc/self/exe", "guest", "look", NULL);
    _exit(127);
}

TEST(dispositions_mask_and_pending) { CHECK_EQ(wait_status(SPAWN("prepare")), EXITED(0)); }
