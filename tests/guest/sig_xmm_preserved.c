// Vector registers survive a handler that overwrites them; sigreturn(2).
// syscalls: rt_sigreturn
#include "ktap.h"

static volatile int calls;
static void clobber(int sig) {
    (void)sig;
    calls++;
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n pcmpeqd %%xmm7, %%xmm7\n pcmpeqd %%xmm15, %%xmm15\n fninit\n fldpi" ::
                         : "xmm0", "xmm7", "xmm15");
    if (__builtin_cpu_supports("avx"))
        __asm__ volatile("vpcmpeqd %%xmm1, %%xmm1, %%xmm1\n vinsertf128 $1, %%xmm1, %%ymm1, %%ymm1" ::: "xmm1");
}

TEST(xmm) {
    uint64_t in[6] = {1, 2, 3, 4, 5, 6}, out[6] = {0};
    signal(SIGUSR1, clobber);
    __asm__ volatile(
        "movups (%[in]), %%xmm0\n movups 16(%[in]), %%xmm7\n movups 32(%[in]), %%xmm15\n"
        "syscall\n"
        "movups %%xmm0, (%[out])\n movups %%xmm7, 16(%[out])\n movups %%xmm15, 32(%[out])"
        :
        : [in] "r"(in), [out] "r"(out), "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
        : "rcx", "r11", "memory", "xmm0", "xmm7", "xmm15");
    CHECK_EQ(calls, 1);
    CHECK(memcmp(in, out, sizeof in) == 0);
}

TEST(ymm_upper_half) {
    if (!__builtin_cpu_supports("avx")) SKIP("no AVX");
    uint64_t in[4] = {11, 12, 13, 14}, out[4] = {0};
    __asm__ volatile("vmovups (%[in]), %%ymm1\n syscall\n vmovups %%ymm1, (%[out])\n vzeroupper"
                     :
                     : [in] "r"(in), [out] "r"(out), "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
                     : "rcx", "r11", "memory", "xmm1");
    CHECK_EQ(calls, 2);
    CHECK(memcmp(in, out, sizeof in) == 0);
}

TEST(x87_stack) {
    double three = 3, out = 0;
    __asm__ volatile("fninit\n fldl %[three]\n syscall\n fstpl %[out]"
                     : [out] "=m"(out)
                     : [three] "m"(three), "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
                     : "rcx", "r11", "memory");
    CHECK_EQ(calls, 3);
    CHECK(out == 3);
}
