// A handler may repair what faulted and return; the instruction then succeeds; sigaction(2), mprotect(2).
// syscalls: mprotect rt_sigreturn
#include "ktap.h"

static char *area;
static volatile int faults;
static void repair(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    faults++;
    char *page = (char *)((uintptr_t)info->si_addr & ~4095UL);
    if (mprotect(page, 4096, PROT_READ | PROT_WRITE)) _exit(90);
}

TEST(one_fault_a_page) {
    struct sigaction sa = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGSEGV, &sa, NULL));
    area = MUST(mmap(NULL, 32 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (int i = 0; i < 32 * 4096; i += 512) area[i] = i / 512;
    CHECK_EQ(faults, 32);
    for (int i = 0; i < 32 * 4096; i += 512) CHECK_EQ((unsigned char)area[i], i / 512 % 256);
}

TEST(contents_survive_protection) {
    MUST(mprotect(area, 32 * 4096, PROT_READ));
    CHECK_EQ(area[512], 1);
    MUST(mprotect(area, 32 * 4096, PROT_NONE));
    faults = 0;
    CHECK_EQ(*(volatile char *)(area + 1024), 2);
    CHECK_EQ(faults, 1);
}
