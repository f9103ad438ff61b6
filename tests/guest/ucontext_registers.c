// A handler sees and may change the interrupted registers through ucontext; sigreturn(2), getcontext(3).
// syscalls: rt_sigreturn
#include "ktap.h"
#include <ucontext.h>

static volatile long seen_rbx, seen_r15;
static void change(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    seen_rbx = r[REG_RBX];
    seen_r15 = r[REG_R15];
    r[REG_RIP] += 2;  // over the ud2
    r[REG_RAX] = 0x1111;
    r[REG_RBX] = 0x2222;
    r[REG_R15] = 0x3333;
    r[REG_EFL] |= 1;  // the carry
}

TEST(changes_take_effect) {
    struct sigaction sa = {.sa_sigaction = change, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGILL, &sa, NULL));
    long rax = 1, rbx = 0xb0b, r15 = 0xf15, carry = 0;
    __asm__ volatile(
        "mov %4, %%r15\n clc\n ud2\n setc %b3\n mov %%r15, %2"
        : "+a"(rax), "+b"(rbx), "=r"(r15), "+c"(carry)
        : "r"(r15)
        : "r15", "memory", "cc");
    CHECK_EQ(seen_rbx, 0xb0b);
    CHECK_EQ(seen_r15, 0xf15);
    CHECK_EQ(rax, 0x1111);
    CHECK_EQ(rbx, 0x2222);
    CHECK_EQ(r15, 0x3333);
    CHECK_EQ(carry & 1, 1);
}

static volatile int landed;
static void __attribute__((noreturn)) elsewhere(void) { _exit(landed == 7 ? 44 : 45); }
static void redirect(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    ucontext_t *u = context;
    landed = 7;
    u->uc_mcontext.gregs[REG_RIP] = (greg_t)elsewhere;
    u->uc_mcontext.gregs[REG_RSP] = (u->uc_mcontext.gregs[REG_RSP] & ~15L) - 1024 - 8;
}
ROLE(jump) {
    struct sigaction sa = {.sa_sigaction = redirect, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    raise(SIGUSR1);
    _exit(1);
}
TEST(rip_can_go_anywhere) { CHECK_EQ(wait_status(SPAWN("jump")), EXITED(44)); }

static void set_mask(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
}
TEST(mask_in_the_frame_becomes_the_mask) {
    struct sigaction sa = {.sa_sigaction = set_mask, .sa_flags = SA_SIGINFO};
    sigset_t now;
    MUST(sigaction(SIGUSR1, &sa, NULL));
    raise(SIGUSR1);
    MUST(sigprocmask(SIG_SETMASK, NULL, &now));
    CHECK(sigismember(&now, SIGUSR2));
}
