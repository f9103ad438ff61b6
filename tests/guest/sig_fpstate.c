// The signal frame holds the vector state in standard xsave form, and changes to it count; sigreturn(2).
// syscalls: rt_sigreturn
#include "ktap.h"
#include <ucontext.h>

static volatile uint32_t seen_xmm5[4], magic1, extended, size, magic2, mxcsr;
static void edit(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    char *area = (char *)((ucontext_t *)context)->uc_mcontext.fpregs;
    memcpy((void *)seen_xmm5, area + 160 + 5 * 16, 16);
    memcpy((void *)&mxcsr, area + 24, 4);
    memcpy((void *)&magic1, area + 464, 4);
    memcpy((void *)&extended, area + 468, 4);
    memcpy((void *)&size, area + 480, 4);
    if (magic1 == 0x46505853) memcpy((void *)&magic2, area + size, 4);
    uint32_t fresh[4] = {91, 92, 93, 94};
    memcpy(area + 160 + 5 * 16, fresh, 16);
}

TEST(read_and_written) {
    struct sigaction sa = {.sa_sigaction = edit, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    uint32_t in[4] = {51, 52, 53, 54}, out[4] = {0};
    __asm__ volatile("movups (%[in]), %%xmm5\n syscall\n movups %%xmm5, (%[out])"
                     :
                     : [in] "r"(in), [out] "r"(out), "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
                     : "rcx", "r11", "memory", "xmm5");
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(seen_xmm5[i], 51 + i);
        CHECK_EQ(out[i], 91 + i);
    }
    CHECK_EQ(mxcsr & ~0x3f, 0x1f80);
}

TEST(xsave_marks) {
    if (!__builtin_cpu_supports("avx")) SKIP("no XSAVE state beyond SSE");
    CHECK_EQ(magic1, 0x46505853);
    CHECK_EQ(magic2, 0x46505845);
    CHECK(size >= 576 + 256);
    CHECK(extended >= size + 4);
}
