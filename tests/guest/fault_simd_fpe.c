// An unmasked SSE exception is SIGFPE with the right code; sigaction(2).
// syscalls: rt_sigaction
#include "ktap.h"
#include <setjmp.h>

static sigjmp_buf back;
static siginfo_t seen;
static void on_fault(int sig, siginfo_t *info, void *context) {
    (void)context;
    seen = *info;
    siglongjmp(back, sig);
}
static void set_mxcsr(uint32_t value) { __asm__ volatile("ldmxcsr %0" ::"m"(value)); }

TEST(divide_by_zero) {
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGFPE, &sa, NULL));
    volatile double zero = 0, one = 1, result = 7;
    if (sigsetjmp(back, 1) == 0) {
        set_mxcsr(0x1f80 & ~0x200);
        result = one / zero;
    }
    set_mxcsr(0x1f80);
    CHECK_EQ(seen.si_code, FPE_FLTDIV);
    CHECK(result == 7);
}

TEST(invalid_operation) {
    volatile double zero = 0, result = 7;
    memset(&seen, 0, sizeof seen);
    if (sigsetjmp(back, 1) == 0) {
        set_mxcsr(0x1f80 & ~0x80);
        result = zero / zero;
    }
    set_mxcsr(0x1f80);
    CHECK_EQ(seen.si_code, FPE_FLTINV);
    CHECK(result == 7);
}
