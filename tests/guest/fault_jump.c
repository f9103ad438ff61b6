// Jumping to 0 or into memory without PROT_EXEC is SIGSEGV at that address; mmap(2).
// syscalls: mmap
#include "ktap.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static siginfo_t seen;
static greg_t rip;
static void on_fault(int sig, siginfo_t *info, void *context) {
    seen = *info;
    rip = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    siglongjmp(back, sig);
}
static void arm(void) {
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGSEGV, &sa, NULL));
    memset(&seen, 0, sizeof seen);
}

TEST(to_zero) {
    arm();
    if (sigsetjmp(back, 1) == 0) ((void (*)(void))(volatile uintptr_t){0})();
    CHECK_EQ(seen.si_code, SEGV_MAPERR);
    CHECK_EQ(seen.si_addr, 0);
    CHECK_EQ(rip, 0);
}

TEST(to_data) {
    char *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    p[0] = (char)0xc3;
    arm();
    if (sigsetjmp(back, 1) == 0) ((void (*)(void))p)();
    CHECK_EQ(seen.si_code, SEGV_ACCERR);
    CHECK_EQ(seen.si_addr, p);
    CHECK_EQ(rip, p);
}

ROLE(jump) { ((void (*)(void))(volatile uintptr_t){0})(); }
TEST(default_is_death) { CHECK_EQ(wait_status(SPAWN("jump")) & 0x7f, SIGSEGV); }
