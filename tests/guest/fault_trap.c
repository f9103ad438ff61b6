// int3 is SIGTRAP with rip behind it; the trap flag gives one SIGTRAP an instruction; sigaction(2).
// syscalls: rt_sigaction
#include "ktap.h"
#include <ucontext.h>

static siginfo_t seen;
static greg_t rip;
static volatile int traps;
static void on_trap(int sig, siginfo_t *info, void *context) {
    (void)sig;
    seen = *info;
    traps++;
    rip = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

TEST(int3) {
    struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGTRAP, &sa, NULL));
    uintptr_t where;
    __asm__ volatile("lea 1f(%%rip), %0\n int3\n1:" : "=r"(where) : : "memory");
    CHECK_EQ(traps, 1);
    CHECK_EQ(seen.si_code, SI_KERNEL);
    CHECK_EQ(rip, where);
}

TEST(single_step) {
    traps = 0;
    __asm__ volatile("pushfq\n orq $0x100, (%%rsp)\n popfq\n nop\n nop\n nop\n pushfq\n andq $~0x100, (%%rsp)\n popfq" ::: "memory", "cc");
    // after each of: nop, nop, nop, pushfq, and, popfq
    CHECK_EQ(traps, 6);
    CHECK_EQ(seen.si_code, TRAP_TRACE);
}

ROLE(trap) { __asm__ volatile("int3"); }
TEST(default_is_death) { CHECK_EQ(wait_status(SPAWN("trap")) & 0x7f, SIGTRAP); }
