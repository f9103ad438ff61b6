// All registers, general, vector, mask, x87 and MXCSR, hold over many system calls while signals may rain; syscalls(2).
// syscalls: getppid
#include "registers.h"

// The number of rounds can be given: `register_stress run N`.
enum { ROUNDS = 20000 };

static void stress(int rounds) {
    long parent = getppid();
    prepare(any(), any(), any(), any(), any(), any());
    for (int i = 1; i <= rounds; i++) {
        if (i % 16 == 0) prepare(any(), any(), any(), any(), any(), any());
        CHECK_EQ(round_trip(i % 64 ? SYS_getppid : SYS_sched_yield), i % 64 ? parent : 0);
        CHECK(holds());
    }
}

ROLE(run) { stress(atoi(ktap_argv[2])); }
TEST(widest_registers) { stress(ROUNDS); }

TEST(sse_only) {
    choose_sse();
    stress(ROUNDS / 4);
    choose();
}

static volatile int calls;
static void dirty_handler(int sig) {
    (void)sig;
    calls++;
    dirty();
}
TEST(with_own_timer_signals) {
    struct sigaction sa = {.sa_handler = dirty_handler, .sa_flags = SA_RESTART};
    struct itimerspec t = {{0, 500000}, {0, 500000}};
    timer_t timer;
    MUST(sigaction(SIGALRM, &sa, NULL));
    MUST(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    MUST(timer_settime(timer, 0, &t, NULL));
    for (int i = 0; i < 100 && calls < 20; i++) stress(ROUNDS / 20);
    CHECK_EQ(timer_delete(timer), 0);
    CHECK(calls >= 20);
}
