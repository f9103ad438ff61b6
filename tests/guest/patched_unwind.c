// A handler that interrupted a call sees, through backtrace(3), who made it; also a second time.
// syscalls: nanosleep setitimer rt_sigreturn
// build: dynamic
#include "ktap.h"
#include <execinfo.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile int depth, handlers;
static void *trace[64];
static void *volatile interrupted_at;
static void handler(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    interrupted_at = (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    depth = backtrace(trace, 64);
    handlers++;
}

static void *volatile caller;
static int __attribute__((noinline)) sleeper(void) {
    struct timespec t = {0, 200000000};
    caller = __builtin_return_address(0);
    int r = nanosleep(&t, NULL);
    __asm__ volatile("");
    return r;
}

TEST(backtrace_from_a_handler) {
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGALRM, &sa, NULL));
    struct itimerval soon = {{0, 0}, {0, 20000}};
    for (int i = 0; i < 5; i++) {
        handlers = 0;
        MUST(setitimer(ITIMER_REAL, &soon, NULL));
        CHECK_ERR(sleeper(), EINTR);
        CHECK_EQ(handlers, 1);
        int rip_found = 0, caller_found = 0;
        for (int k = 0; k < depth; k++) rip_found |= trace[k] == interrupted_at, caller_found |= trace[k] == caller;
        CHECK(rip_found);
        CHECK(caller_found);
    }
}
