// Integer division by zero is SIGFPE with FPE_INTDIV at the instruction; sigaction(2).
// syscalls: rt_sigaction
#include "ktap.h"
#include <ucontext.h>

static siginfo_t seen;
static greg_t rip;
static void skip_idiv(int sig, siginfo_t *info, void *context) {
    (void)sig;
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    seen = *info;
    rip = r[REG_RIP];
    r[REG_RIP] += 2;  // idiv ecx
}

TEST(divide_by_zero) {
    struct sigaction sa = {.sa_sigaction = skip_idiv, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGFPE, &sa, NULL));
    int eax = 1, edx = 0;
    __asm__ volatile("idivl %2" : "+a"(eax), "+d"(edx) : "c"(0) : "memory");
    CHECK_EQ(seen.si_signo, SIGFPE);
    CHECK_EQ(seen.si_code, FPE_INTDIV);
    CHECK_EQ(seen.si_addr, rip);
}

TEST(overflowing_division) {
    int eax = (int)0x80000000, edx = -1;
    memset(&seen, 0, sizeof seen);
    __asm__ volatile("idivl %2" : "+a"(eax), "+d"(edx) : "c"(-1) : "memory");
    CHECK_EQ(seen.si_code, FPE_INTDIV);
}

ROLE(divide) {
    volatile int zero = 0;
    _exit(5 / zero);
}
TEST(default_is_death) { CHECK_EQ(wait_status(SPAWN("divide")) & 0x7f, SIGFPE); }
