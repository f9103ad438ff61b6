// Instructions around a `syscall` fault where they stand, and can be jumped to; sigaction(2).
// syscalls: getppid rt_sigreturn
#include "ktap.h"
#include <ucontext.h>

long value = 7;
#define FUNCTION(name, body)                                                                                          \
    extern char name##_at[];                                                                                          \
    long name(long *from, long *to, long by, long how);                                                               \
    __asm__(".text\n.balign 64\n.type " #name ", @function\n" #name ":\n mov %rdx, %r9\n mov %rcx, %r10\n" body       \
            " ret\n.size " #name ", .-" #name "\n")

// The load behind the call is three bytes: with `syscall` just what a jump takes.
FUNCTION(load_behind, "call 1f\n syscall\nload_behind_at: mov (%rdi), %rdx\n mov %rdx, (%rsi)\n ret\n1: mov $110, %eax\n ret\n");
// The load in front is six bytes; there is a call behind.
FUNCTION(load_in_front, "mov $110, %eax\nload_in_front_at: mov 0x1000(%rdi), %rdx\n syscall\n call 1f\n1: add $8, %rsp\n mov %rdx, (%rsi)\n");
FUNCTION(division_behind, "call 1f\n syscall\ndivision_behind_at: div %r9\n nop\n mov %rax, (%rsi)\n ret\n1: mov $110, %eax\n cqo\n ret\n");
// `how` says where to arrive: at the beginning, at the `syscall`, behind it.
FUNCTION(arrive, "mov $110, %r8d\n cmp $1, %r10\n je 2f\n ja 3f\n mov $110, %eax\n2: cmp $0, %eax\n mov %r8d, %eax\n"
                 "4: syscall\narrive_at: add $1, %rax\n ret\n3: cmp $3, %r10\n mov $4711, %eax\n je arrive_at\n mov $110, %eax\n jmp 4b\n");

static volatile int faults;
static void *volatile fault_rip, *volatile fault_addr;
static volatile long fault_rcx, repaired_rdi, repaired_r9;
static void repair(int sig, siginfo_t *info, void *context) {
    (void)sig;
    greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    faults++;
    fault_rip = (void *)g[REG_RIP];
    fault_addr = info->si_addr;
    fault_rcx = g[REG_RCX];
    if (repaired_rdi) g[REG_RDI] = repaired_rdi;
    if (repaired_r9) g[REG_R9] = repaired_r9;
}
static void handle(int sig) {
    struct sigaction sa = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
    MUST(sigaction(sig, &sa, NULL));
}

TEST(fault_behind) {
    handle(SIGSEGV);
    repaired_rdi = (long)&value;
    for (int i = 0; i < 20; i++) {
        long seen = 0;
        faults = 0;
        load_behind(&value, &seen, 0, 0);
        CHECK_EQ(seen, 7);
        CHECK_EQ(faults, 0);
        load_behind((long *)16, &seen, 0, 0);
        CHECK_EQ(seen, 7);
        CHECK_EQ(faults, 1);
        CHECK_EQ(fault_rip, load_behind_at);
        CHECK_EQ(fault_addr, 16);
        CHECK_EQ(fault_rcx, load_behind_at);
    }
}

TEST(fault_in_front) {
    handle(SIGSEGV);
    repaired_rdi = (long)&value - 0x1000;
    for (int i = 0; i < 20; i++) {
        long seen = 0;
        faults = 0;
        load_in_front((long *)repaired_rdi, &seen, 0, 0);
        CHECK_EQ(seen, 7);
        CHECK_EQ(faults, 0);
        load_in_front((long *)16, &seen, 0, 0);
        CHECK_EQ(seen, 7);
        CHECK_EQ(faults, 1);
        CHECK_EQ(fault_rip, load_in_front_at);
        CHECK_EQ(fault_addr, 0x1010);
    }
    repaired_rdi = 0;
}

TEST(division_by_zero_names_the_instruction) {
    handle(SIGFPE);
    repaired_r9 = 1;
    for (int i = 0; i < 20; i++) {
        long quotient = 0;
        faults = 0;
        division_behind(NULL, &quotient, 0, 0);
        CHECK_EQ(quotient, getppid());
        CHECK_EQ(faults, 1);
        CHECK_EQ(fault_rip, division_behind_at);
        CHECK_EQ(fault_addr, division_behind_at);
    }
    repaired_r9 = 0;
}

TEST(jumps_to_every_instruction) {
    for (int i = 0; i < 200; i++) {
        CHECK_EQ(arrive(NULL, NULL, 0, 0), getppid() + 1);
        CHECK_EQ(arrive(NULL, NULL, 0, 1), getppid() + 1);
        CHECK_EQ(arrive(NULL, NULL, 0, 2), getppid() + 1);
        CHECK_EQ(arrive(NULL, NULL, 0, 3), 4712);
    }
}

static volatile long steps, calls_seen;
static void step(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    steps++;
    calls_seen += g[REG_RIP] == (greg_t)arrive_at || g[REG_RIP] == (greg_t)arrive_at + 4;
    if ((uint64_t)g[REG_RIP] - (uint64_t)arrive > 256) steps = -1000000;
    if (g[REG_RIP] == (greg_t)arrive_at + 4) g[REG_EFL] &= ~0x100L;
}
TEST(single_steps_stay_in_the_function) {
    struct sigaction sa = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGTRAP, &sa, NULL));
    for (int i = 0; i < 20; i++) {
        long result;
        steps = calls_seen = 0;
        __asm__ volatile("sub $256, %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n call arrive\n add $256, %%rsp\n"
                         : "=a"(result) : "c"(0L) : "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
        CHECK_EQ(result, getppid() + 1);
        CHECK(steps > 5);
        CHECK(calls_seen >= 1);
    }
}
