// Stacks after fork(): each grows on its own, and an overflow kills only its owner; fork(2).
// syscalls: fork sigaltstack
// build: static dynamic musl
#include "ktap.h"
#include <sys/resource.h>

static int __attribute__((noinline)) descend(int depth, int mark) {
    volatile char frame[4000];
    memset((void *)frame, mark, sizeof frame);
    int sum = depth ? descend(depth - 1, mark) : 0;
    for (unsigned i = 0; i < sizeof frame; i += 500)
        if (frame[i] != (char)mark) return -1000000;
    return sum + 1;
}

TEST(deep_in_both) {
    pid_t pid = fork_child();
    for (int i = 0; i < 5; i++) CHECK_EQ(descend(500, pid ? 'p' : 'c'), 501);
    if (pid == 0) leave();
    CHECK_CHILD(pid);
}

// fork() at the bottom of a deep stack; both come back through it.
static int __attribute__((noinline)) fork_below(int depth, pid_t *pid) {
    volatile int mark[500];
    for (int i = 0; i < 500; i++) mark[i] = depth * 1000 + i;
    if (depth == 0) *pid = fork_child();
    int good = depth == 0 || fork_below(depth - 1, pid);
    for (int i = 0; i < 500; i++) good &= mark[i] == depth * 1000 + i;
    return good;
}
TEST(fork_at_the_bottom) {
    pid_t pid = -1;
    CHECK(fork_below(800, &pid));
    if (pid == 0) leave();
    CHECK_CHILD(pid);
}

static volatile int end_of_it = -1;
static int __attribute__((noinline)) for_ever(volatile int *up) {
    volatile int here[1000] = {*up + 1};
    return here[0] == end_of_it ? 0 : for_ever(here) + here[0];
}
TEST(overflow_in_the_child) {
    char mine[10000];
    memset(mine, 'm', sizeof mine);
    pid_t pid = fork_child();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        MUST(setrlimit(RLIMIT_CORE, &none));
        volatile int zero = 0;
        _exit(for_ever(&zero) & 1);
    }
    CHECK_EQ(wait_status(pid) & 0x7f, SIGSEGV);
    for (unsigned i = 0; i < sizeof mine; i++) CHECK_EQ(mine[i], 'm');
    CHECK_EQ(descend(500, 'x'), 501);
}

static char alternate[65536];
static void overflowed(int sig) { _exit(sig); }
TEST(overflow_on_an_alternate_stack) {
    pid_t pid = fork_child();
    if (pid == 0) {
        stack_t set = {.ss_sp = alternate, .ss_size = sizeof alternate};
        MUST(sigaltstack(&set, NULL));
        struct sigaction sa = {.sa_handler = overflowed, .sa_flags = SA_ONSTACK};
        MUST(sigaction(SIGSEGV, &sa, NULL));
        volatile int zero = 0;
        _exit(for_ever(&zero) & 1);
    }
    CHECK_EQ(wait_status(pid), EXITED(SIGSEGV));
    for (unsigned i = 0; i < sizeof alternate; i++) CHECK_EQ(alternate[i], 0);
}
