// One system call with every register filled - general, vector to the CPU's width, mask, x87, MXCSR - and compared behind it.
//
//   long r = HELD(SYS_read, fd, buffer, 1);   fails the test if a register but rax, rcx and r11 changed
//   dirty();                                  leaves no register as it was that C lets a function change
#ifndef REGISTERS_H
#define REGISTERS_H

#include "ktap.h"

// Not static: the assembly names them. General: rdi rsi rdx r10 r8 r9 (the arguments) rbx rbp r12 r13 r14 r15.
uint8_t want_vectors[32 * 64] __attribute__((aligned(64))), got_vectors[32 * 64] __attribute__((aligned(64)));
uint64_t want_masks[8], got_masks[8], want_general[12], got_general[12];
uint32_t want_mxcsr, got_mxcsr, plain_mxcsr = 0x1f80, odd_mxcsr = 0x9fc0;
uint16_t want_control, got_control;
double want_x87[8], got_x87[8];

#define ALL16 "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"
#define ALL32 ALL16 ",16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
#define GENERAL "rdi, rsi, rdx, r10, r8, r9, rbx, rbp, r12, r13, r14, r15"
#define MOVE_IN(op, reg, list) ".irp n, " list "\n " op " want_vectors+64*\\n(%rip), %" reg "\\n\n .endr\n"
#define MOVE_OUT(op, reg, list) ".irp n, " list "\n " op " %" reg "\\n, got_vectors+64*\\n(%rip)\n .endr\n"
#define MASKS(op) ".irp n, 0,1,2,3,4,5,6,7\n " op "\n .endr\n"

// long name(long number): loads everything, makes the call, stores everything. A task that the call makes with a stack of its
// own finds there what is popped at the end. `dirty_name(void)` leaves no register as it was that C lets it change.
#define ROUND(name, in, out, dirty)                                                                                   \
    long name(long number);                                                                                           \
    void dirty_##name(void);                                                                                          \
    __asm__(".text\n" #name ":\n .irp r, rbx, rbp, r12, r13, r14, r15\n push %\\r\n .endr\n mov %rdi, %rax\n fninit\n"     \
            ".irp n, 7,6,5,4,3,2,1,0\n fldl want_x87+8*\\n(%rip)\n .endr\n"                                           \
            "fldcw want_control(%rip)\n ldmxcsr want_mxcsr(%rip)\n" in                                                \
            ".set at, 0\n .irp r, " GENERAL "\n mov want_general+at(%rip), %\\r\n .set at, at+8\n .endr\n"            \
            "syscall\n"                                                                                               \
            ".set at, 0\n .irp r, " GENERAL "\n mov %\\r, got_general+at(%rip)\n .set at, at+8\n .endr\n" out         \
            "stmxcsr got_mxcsr(%rip)\n fnstcw got_control(%rip)\n"                                                    \
            ".irp n, 0,1,2,3,4,5,6,7\n fstpl got_x87+8*\\n(%rip)\n .endr\n fninit\n ldmxcsr plain_mxcsr(%rip)\n"      \
            ".irp r, r15, r14, r13, r12, rbp, rbx\n pop %\\r\n .endr\n ret\n"                                         \
            "dirty_" #name ":\n" dirty "fninit\n fldpi\n fldpi\n fldl2e\n ldmxcsr odd_mxcsr(%rip)\n"                  \
            "ldmxcsr plain_mxcsr(%rip)\n mov $-1, %rdi\n mov %rdi, %rsi\n mov %rdi, %rdx\n mov %rdi, %rcx\n"          \
            "mov %rdi, %r8\n mov %rdi, %r9\n mov %rdi, %r10\n mov %rdi, %r11\n fninit\n ret\n")

ROUND(with_sse, MOVE_IN("movaps", "xmm", ALL16), MOVE_OUT("movaps", "xmm", ALL16),
      ".irp n, " ALL16 "\n pcmpeqd %xmm\\n, %xmm\\n\n .endr\n");
ROUND(with_avx, MOVE_IN("vmovaps", "ymm", ALL16), MOVE_OUT("vmovaps", "ymm", ALL16) "vzeroupper\n",
      ".irp n, " ALL16 "\n vxorps %ymm\\n, %ymm\\n, %ymm\\n\n vcmptrueps %ymm\\n, %ymm\\n, %ymm\\n\n .endr\n");
ROUND(with_avx512, MOVE_IN("vmovaps", "zmm", ALL32) MASKS("kmovq want_masks+8*\\n(%rip), %k\\n"),
      MOVE_OUT("vmovaps", "zmm", ALL32) MASKS("kmovq %k\\n, got_masks+8*\\n(%rip)") "vzeroupper\n",
      ".irp n, " ALL32 "\n vpternlogd $255, %zmm\\n, %zmm\\n, %zmm\\n\n .endr\n" MASKS("kxnorq %k\\n, %k\\n, %k\\n"));

static long (*round_trip)(long);
static void (*dirty)(void);
static int width, registers, masks;
static void choose_sse(void) { width = 16, registers = 16, masks = 0, round_trip = with_sse, dirty = dirty_with_sse; }
static void choose(void) {
    __builtin_cpu_init();
    choose_sse();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        width = 64, registers = 32, masks = 8, round_trip = with_avx512, dirty = dirty_with_avx512;
    else if (__builtin_cpu_supports("avx"))
        width = 32, round_trip = with_avx, dirty = dirty_with_avx;
}

static int holds(void) {
    int ok = EXPECT_EQ(got_mxcsr & ~0x3f, want_mxcsr) & EXPECT_EQ(got_control, want_control);
    for (int i = 0; i < 8; i++) ok &= EXPECT(got_x87[i] == want_x87[i]);
    for (int i = 0; i < 12; i++) ok &= EXPECT_EQ(got_general[i], want_general[i]);
    for (int i = 0; i < masks; i++) ok &= EXPECT_EQ(got_masks[i], want_masks[i]);
    for (int i = 0; i < registers; i++)
        if (memcmp(got_vectors + 64 * i, want_vectors + 64 * i, width)) ok = 0, say("# vector %d\n", i);
    return ok;
}
static uint64_t seed = 88172645463325252ULL;
static uint64_t any(void) {
    return seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
}
static void prepare(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    if (!round_trip) choose();
    for (unsigned i = 0; i < sizeof want_vectors / 8; i++) ((uint64_t *)want_vectors)[i] = any();
    uint64_t arguments[] = {a, b, c, d, e, f};
    for (int i = 0; i < 12; i++) want_general[i] = i < 6 ? arguments[i] : any();
    for (int i = 0; i < 8; i++) want_masks[i] = any(), want_x87[i] = (double)(int)any();
    want_mxcsr = 0x1f80 | (any() & 0xe000), want_control = 0x37f | (any() & 0xc00);
    memset(got_vectors, 0, sizeof got_vectors);
    memset(got_general, 0, sizeof got_general);
}
// The call with these arguments; what it returned. A failed comparison fails the test.
static long held(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    prepare(a, b, c, d, e, f);
    long r = round_trip(number);
    if (!EXPECT(holds())) say("# in call %ld\n", number);
    return r;
}
#define HELD(number, ...) held(number, HELD_(__VA_ARGS__, 0, 0, 0, 0, 0, 0))
#define HELD_(a, b, c, d, e, f, ...) (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e), (uint64_t)(f)

#endif
