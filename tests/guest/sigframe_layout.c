// At a handler's first instruction: aligned stack, red zone untouched, arguments in place, DF clear; x86-64 psABI.
// syscalls: rt_sigaction
#include "ktap.h"
#include <ucontext.h>

static volatile uint64_t entry_rsp, entry_rdi, entry_rsi, entry_rdx, entry_flags, entry_rax;
static volatile int first, frame_ok;
__attribute__((used)) static void after(uint64_t *saved) {
    entry_rsp = (uint64_t)saved;
    siginfo_t *info = (siginfo_t *)entry_rsi;
    ucontext_t *u = (ucontext_t *)entry_rdx;
    frame_ok = info->si_signo == SIGUSR1 && u->uc_link == NULL && (u->uc_flags & 1);
}
void bare_handler(int, siginfo_t *, void *);
__asm__(
    ".text\n.type bare_handler,@function\nbare_handler:\n"
    "mov %rdi, entry_rdi(%rip)\n mov %rsi, entry_rsi(%rip)\n mov %rdx, entry_rdx(%rip)\n mov %rax, entry_rax(%rip)\n"
    "mov %rsp, %rdi\n pushfq\n pop %rax\n mov %rax, entry_flags(%rip)\n cld\n"
    "sub $8, %rsp\n call after\n add $8, %rsp\n ret\n");

TEST(entry_state) {
    struct sigaction sa = {.sa_sigaction = bare_handler, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    uint64_t sp = 0, zone = 0, df = 0;
    __asm__ volatile(
        "movq $0x5a5a5a5a, -8(%%rsp)\n movq $0x77777777, -128(%%rsp)\n mov %%rsp, %[sp]\n std\n syscall\n pushfq\n pop %[df]\n cld\n"
        "mov -128(%%rsp), %[zone]"
        : [sp] "=&r"(sp), [zone] "=&r"(zone), [df] "=&r"(df)
        : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
        : "rcx", "r11", "memory", "cc");
    CHECK_EQ(entry_rdi, SIGUSR1);
    CHECK_EQ(entry_rsp % 16, 8);
    CHECK(entry_rsp + 128 <= sp);
    CHECK_EQ(entry_rdx, entry_rsp + 8);
    CHECK(entry_rsi > entry_rdx);
    CHECK_EQ(entry_rax, 0);
    CHECK_EQ(entry_flags & 0x400, 0);
    CHECK(df & 0x400);
    CHECK_EQ(zone, 0x77777777);
    CHECK(frame_ok);
}
