// All registers, general, vector, mask, x87 and MXCSR, hold over many system calls while signals may rain; syscalls(2).
// syscalls: getppid
#include "ktap.h"
#include <cpuid.h>

// The number of rounds can be given: `register_stress run N`.
enum { ROUNDS = 20000 };

// Not static: the assembly names them.
uint8_t want_vectors[32 * 64] __attribute__((aligned(64))), got_vectors[32 * 64] __attribute__((aligned(64)));
uint64_t want_masks[8], got_masks[8], want_general[16], got_general[16];
uint32_t want_mxcsr = 0x1f80 | 0x6000, got_mxcsr;
uint16_t want_control = 0x37f | 0xc00, got_control;
double want_x87 = 3.25, got_x87;

// One round: load what is marked, call, store it again. VEC is the widest vector move, COUNT its register count.
#define ROUND(name, LOAD, STORE)                                                                                      \
    static __attribute__((noinline)) long name(long number) {                                                         \
        long r;                                                                                                       \
        __asm__ volatile(                                                                                             \
            "push %%rbp\n fninit\n fldcw want_control(%%rip)\n fldl want_x87(%%rip)\n ldmxcsr want_mxcsr(%%rip)\n" LOAD      \
            "mov want_general+8(%%rip), %%rbx\n mov want_general+16(%%rip), %%rdx\n"                                  \
            "mov want_general+24(%%rip), %%rsi\n mov want_general+32(%%rip), %%rdi\n"                                 \
            "mov want_general+40(%%rip), %%rbp\n mov want_general+48(%%rip), %%r8\n"                                  \
            "mov want_general+56(%%rip), %%r9\n mov want_general+64(%%rip), %%r10\n"                                  \
            "mov want_general+72(%%rip), %%r12\n mov want_general+80(%%rip), %%r13\n"                                 \
            "mov want_general+88(%%rip), %%r14\n mov want_general+96(%%rip), %%r15\n"                                 \
            "syscall\n"                                                                                               \
            "mov %%rbx, got_general+8(%%rip)\n mov %%rdx, got_general+16(%%rip)\n"                                    \
            "mov %%rsi, got_general+24(%%rip)\n mov %%rdi, got_general+32(%%rip)\n"                                   \
            "mov %%rbp, got_general+40(%%rip)\n mov %%r8, got_general+48(%%rip)\n"                                    \
            "mov %%r9, got_general+56(%%rip)\n mov %%r10, got_general+64(%%rip)\n"                                    \
            "mov %%r12, got_general+72(%%rip)\n mov %%r13, got_general+80(%%rip)\n"                                   \
            "mov %%r14, got_general+88(%%rip)\n mov %%r15, got_general+96(%%rip)\n"                                   \
            STORE "stmxcsr got_mxcsr(%%rip)\n fnstcw got_control(%%rip)\n fstpl got_x87(%%rip)\n fninit\n"            \
            "movl $0x1f80, -136(%%rsp)\n ldmxcsr -136(%%rsp)\n pop %%rbp\n"                                           \
            : "=a"(r)                                                                                                 \
            : "a"(number)                                                                                             \
            : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc",  \
              "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",       \
              "xmm12", "xmm13", "xmm14", "xmm15");                                                                    \
        return r;                                                                                                     \
    }
#define LV(op, reg, n) op " want_vectors+64*" #n "(%%rip), %%" reg #n "\n"
#define SV(op, reg, n) op " %%" reg #n ", got_vectors+64*" #n "(%%rip)\n"
#define LOW(M, op, reg) M(op, reg, 0) M(op, reg, 1) M(op, reg, 2) M(op, reg, 3) M(op, reg, 4) M(op, reg, 5) M(op, reg, 6) \
    M(op, reg, 7) M(op, reg, 8) M(op, reg, 9) M(op, reg, 10) M(op, reg, 11) M(op, reg, 12) M(op, reg, 13)             \
    M(op, reg, 14) M(op, reg, 15)
#define HIGH(M, op, reg) M(op, reg, 16) M(op, reg, 17) M(op, reg, 18) M(op, reg, 19) M(op, reg, 20) M(op, reg, 21)    \
    M(op, reg, 22) M(op, reg, 23) M(op, reg, 24) M(op, reg, 25) M(op, reg, 26) M(op, reg, 27) M(op, reg, 28)          \
    M(op, reg, 29) M(op, reg, 30) M(op, reg, 31)
#define LK(n) "kmovq want_masks+8*" #n "(%%rip), %%k" #n "\n"
#define SK(n) "kmovq %%k" #n ", got_masks+8*" #n "(%%rip)\n"
#define MASKS(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)

ROUND(round_sse, LOW(LV, "movaps", "xmm"), LOW(SV, "movaps", "xmm"))
ROUND(round_avx, LOW(LV, "vmovaps", "ymm"), LOW(SV, "vmovaps", "ymm") "vzeroupper\n")
ROUND(round_avx512, LOW(LV, "vmovaps", "zmm") HIGH(LV, "vmovaps", "zmm") MASKS(LK),
      LOW(SV, "vmovaps", "zmm") HIGH(SV, "vmovaps", "zmm") MASKS(SK) "vzeroupper\n")

static int width, registers, masks;
static int compare(int round) {
    int ok = EXPECT_EQ(got_mxcsr & ~0x3f, want_mxcsr) & EXPECT_EQ(got_control, want_control) & EXPECT(got_x87 == want_x87);
    for (int i = 1; i <= 12; i++) ok &= EXPECT_EQ(got_general[i], want_general[i]);
    for (int i = 0; i < registers; i++)
        if (memcmp(got_vectors + 64 * i, want_vectors + 64 * i, width)) ok = 0, say("# vector %d in round %d\n", i, round);
    for (int i = 0; i < masks; i++) ok &= EXPECT_EQ(got_masks[i], want_masks[i]);
    return ok;
}
static void stress(long (*round)(long), int rounds) {
    uint64_t seed = 88172645463325252ULL;
    long parent = getppid();
    for (int i = 0; i < rounds; i++) {
        for (unsigned k = 0; i % 16 == 0 && k < sizeof want_vectors; k += 8) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            memcpy(want_vectors + k, &seed, 8);
            want_masks[k / 8 % 8] = want_general[k / 8 % 16] = seed;
        }
        memset(got_vectors, 0, sizeof got_vectors);
        CHECK_EQ(round(i % 64 ? SYS_getppid : SYS_sched_yield), i % 64 ? parent : 0);
        CHECK(compare(i));
    }
}
static void choose_and_run(int rounds) {
    __builtin_cpu_init();
    width = 16, registers = 16, masks = 0;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
        width = 64, registers = 32, masks = 8;
        stress(round_avx512, rounds);
    } else if (__builtin_cpu_supports("avx")) {
        width = 32;
        stress(round_avx, rounds);
    } else {
        stress(round_sse, rounds);
    }
}

ROLE(run) { choose_and_run(atoi(ktap_argv[2])); }
TEST(widest_registers) { choose_and_run(ROUNDS); }

TEST(sse_only) {
    width = 16, registers = 16, masks = 0;
    stress(round_sse, ROUNDS / 4);
}

static volatile int calls;
static void clobber(int sig) {
    (void)sig;
    calls++;
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n pcmpeqd %%xmm9, %%xmm9\n fninit" ::: "xmm0", "xmm9");
    char b[256];
    memset(b, calls, sizeof b);
}
TEST(with_own_timer_signals) {
    struct sigaction sa = {.sa_handler = clobber, .sa_flags = SA_RESTART};
    struct itimerspec t = {{0, 500000}, {0, 500000}};
    timer_t timer;
    MUST(sigaction(SIGALRM, &sa, NULL));
    MUST(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    MUST(timer_settime(timer, 0, &t, NULL));
    for (int i = 0; i < 100 && calls < 20; i++) choose_and_run(ROUNDS / 20);
    CHECK_EQ(timer_delete(timer), 0);
    CHECK(calls >= 20);
}
