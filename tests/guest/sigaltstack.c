// A handler with SA_ONSTACK runs on the alternate stack, others stay where they are; sigaltstack(2).
// syscalls: sigaltstack
#include "ktap.h"

static char stack[65536] __attribute__((aligned(16)));
static volatile uintptr_t handler_sp;
static volatile int flags_inside, change_inside;
static void on_signal(int sig) {
    (void)sig;
    char here;
    stack_t now, next = {.ss_sp = stack, .ss_size = sizeof stack};
    handler_sp = (uintptr_t)&here;
    sigaltstack(NULL, &now);
    flags_inside = now.ss_flags;
    change_inside = sigaltstack(&next, NULL) == -1 ? errno : 0;
}
static int on_alternate(void) { return handler_sp >= (uintptr_t)stack && handler_sp < (uintptr_t)stack + sizeof stack; }

TEST(none_at_first) {
    stack_t now;
    CHECK_EQ(sigaltstack(NULL, &now), 0);
    CHECK_EQ(now.ss_flags, SS_DISABLE);
}

TEST(used_with_onstack) {
    stack_t s = {.ss_sp = stack, .ss_size = sizeof stack}, old;
    CHECK_EQ(sigaltstack(&s, NULL), 0);
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    raise(SIGUSR1);
    CHECK(on_alternate());
    CHECK_EQ(flags_inside, SS_ONSTACK);
    CHECK_EQ(change_inside, EPERM);
    CHECK_EQ(sigaltstack(NULL, &old), 0);
    CHECK_EQ(old.ss_flags, 0);
    CHECK(old.ss_sp == (void *)stack && old.ss_size == sizeof stack);
}

TEST(not_used_without_onstack) {
    struct sigaction sa = {.sa_handler = on_signal};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    raise(SIGUSR1);
    CHECK(!on_alternate());
    CHECK_EQ(flags_inside, 0);
}

TEST(disable_and_errors) {
    stack_t off = {.ss_flags = SS_DISABLE}, tiny = {.ss_sp = stack, .ss_size = 100}, odd = {.ss_sp = stack, .ss_size = 65536, .ss_flags = 16};
    CHECK_ERR(sigaltstack(&tiny, NULL), ENOMEM);
    CHECK_ERR(sigaltstack(&odd, NULL), EINVAL);
    CHECK_EQ(sigaltstack(&off, NULL), 0);
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    raise(SIGUSR1);
    CHECK(!on_alternate());
}
