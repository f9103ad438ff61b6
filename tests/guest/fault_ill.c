// ud2 is SIGILL with ILL_ILLOPN at the instruction's address; sigaction(2).
// syscalls: rt_sigaction
#include "ktap.h"
#include <ucontext.h>

static siginfo_t seen;
static greg_t rip, trap;
static void skip(int sig, siginfo_t *info, void *context) {
    (void)sig;
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    seen = *info;
    rip = r[REG_RIP], trap = r[REG_TRAPNO];
    r[REG_RIP] += 2;
}

TEST(ud2) {
    struct sigaction sa = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGILL, &sa, NULL));
    uintptr_t where;
    __asm__ volatile("lea 1f(%%rip), %0\n1: ud2" : "=r"(where) : : "memory");
    CHECK_EQ(seen.si_signo, SIGILL);
    CHECK_EQ(seen.si_code, ILL_ILLOPN);
    CHECK_EQ(seen.si_addr, where);
    CHECK_EQ(rip, where);
    CHECK_EQ(trap, 6);
}

ROLE(illegal) { __asm__ volatile("ud2"); }
TEST(default_is_death) { CHECK_EQ(wait_status(SPAWN("illegal")) & 0x7f, SIGILL); }
