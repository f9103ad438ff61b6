// MXCSR and the x87 control word are the program's own: kept across calls whatever they are; syscalls(2).
// syscalls: getppid nanosleep clock_gettime
#include "ktap.h"

static uint32_t mxcsr(void) {
    uint32_t v;
    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v;
}
static void set_mxcsr(uint32_t v) { __asm__ volatile("ldmxcsr %0" ::"m"(v)); }
static uint16_t control(void) {
    uint16_t v;
    __asm__ volatile("fnstcw %0" : "=m"(v));
    return v;
}
static void set_control(uint16_t v) { __asm__ volatile("fldcw %0" ::"m"(v)); }

TEST(default_values) {
    CHECK_EQ(mxcsr() & ~0x3f, 0x1f80);
    CHECK_EQ(control(), 0x37f);
}

TEST(everything_unmasked) {
    struct timespec t = {0, 1000000};
    set_mxcsr(0);
    long a = syscall(SYS_getppid), b = syscall(SYS_nanosleep, &t, NULL), c = syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    uint32_t after = mxcsr();
    set_mxcsr(0x1f80);
    CHECK_EQ(after, 0);
    CHECK(a == getppid() && b == 0 && c == 0);
}

TEST(rounding_modes) {
    for (uint32_t mode = 0; mode < 4; mode++) {
        set_mxcsr(0x1f80 | mode << 13);
        syscall(SYS_getppid);
        uint32_t after = mxcsr();
        set_mxcsr(0x1f80);
        CHECK_EQ(after, 0x1f80 | mode << 13);
    }
}

TEST(x87_control) {
    struct timespec t = {0, 1000000};
    set_control(0xc00 | 0x3f);
    syscall(SYS_nanosleep, &t, NULL);
    uint16_t after = control();
    set_control(0x37f);
    CHECK_EQ(after, 0xc7f);  // bit 6 always reads as 1
}
