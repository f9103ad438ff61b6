// SIGSEGV tells the address and whether it was unmapped or protected; sigaction(2).
// syscalls: rt_sigaction mprotect
// build: static musl
#include "ktap.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static siginfo_t seen;
static greg_t trap, error, cr2;
static void on_fault(int sig, siginfo_t *info, void *context) {
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    seen = *info;
    trap = r[REG_TRAPNO], error = r[REG_ERR], cr2 = r[REG_CR2];
    siglongjmp(back, sig);
}
static void arm(void) {
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGSEGV, &sa, NULL));
    memset(&seen, 0, sizeof seen);
}

TEST(null_read) {
    arm();
    if (sigsetjmp(back, 1) == 0) (void)*(volatile int *)0;
    CHECK_EQ(seen.si_signo, SIGSEGV);
    CHECK_EQ(seen.si_code, SEGV_MAPERR);
    CHECK_EQ(seen.si_addr, 0);
    CHECK_EQ(trap, 14);
    CHECK_EQ(error, 4);
}

TEST(unmapped_write) {
    char *p = MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    MUST(munmap(p, 4096));
    arm();
    if (sigsetjmp(back, 1) == 0) *(volatile char *)(p + 123) = 1;
    CHECK_EQ(seen.si_code, SEGV_MAPERR);
    CHECK_EQ(seen.si_addr, p + 123);
    CHECK_EQ(cr2, p + 123);
    CHECK_EQ(error, 6);
}

TEST(write_to_read_only) {
    char *p = MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    arm();
    if (sigsetjmp(back, 1) == 0) *(volatile char *)(p + 7) = 1;
    CHECK_EQ(seen.si_code, SEGV_ACCERR);
    CHECK_EQ(seen.si_addr, p + 7);
    CHECK_EQ(error & 2, 2);
}

TEST(non_canonical_address) {
    arm();
    if (sigsetjmp(back, 1) == 0) (void)*(volatile char *)0x8000000000000000;
    CHECK_EQ(seen.si_code, SI_KERNEL);
    CHECK_EQ(seen.si_addr, 0);
    CHECK_EQ(trap, 13);
}

TEST(privileged_instruction) {
    arm();
    if (sigsetjmp(back, 1) == 0) __asm__ volatile("hlt");
    CHECK_EQ(seen.si_code, SI_KERNEL);
}
