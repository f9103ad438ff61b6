// Two threads with different vector contents that yield to each other keep their own; sched_yield(2).
// syscalls: sched_yield futex
// needs: threads
#include "ktap.h"
#include <pthread.h>

static void *body(void *arg) {
    uint64_t in[8], out[8];
    for (int k = 0; k < 8; k++) in[k] = (long)arg * 0x1111111111111111 + k;
    for (int i = 0; i < 500; i++) {
        long r;
        __asm__ volatile(
            "movups (%[in]), %%xmm0\n movups 16(%[in]), %%xmm6\n movups 32(%[in]), %%xmm11\n movups 48(%[in]), %%xmm15\n"
            "syscall\n"
            "movups %%xmm0, (%[out])\n movups %%xmm6, 16(%[out])\n movups %%xmm11, 32(%[out])\n movups %%xmm15, 48(%[out])"
            : "=a"(r)
            : [in] "r"(in), [out] "r"(out), "a"(SYS_sched_yield)
            : "rcx", "r11", "memory", "xmm0", "xmm6", "xmm11", "xmm15");
        if (r || memcmp(in, out, sizeof in)) return (void *)1;
    }
    return NULL;
}

TEST(four_threads) {
    pthread_t t[4];
    for (long i = 0; i < 4; i++) CHECK_EQ(pthread_create(&t[i], NULL, body, (void *)(i + 1)), 0);
    for (int i = 0; i < 4; i++) {
        void *bad;
        CHECK_EQ(pthread_join(t[i], &bad), 0);
        CHECK_EQ(bad, 0);
    }
}

// Preempted in the middle of computing: sums that live in registers must come out right.
static void *sum(void *arg) {
    double s = 0;
    uint64_t h = (long)arg;
    for (int i = 1; i < 3000000; i++) s += 1.0 / i, h = h * 6364136223846793005 + 1;
    *(uint64_t *)&s ^= h;
    return (void *)*(uint64_t *)&s;
}
TEST(preempted_arithmetic) {
    void *alone = sum((void *)7L), *together[4];
    pthread_t t[4];
    for (int i = 0; i < 4; i++) CHECK_EQ(pthread_create(&t[i], NULL, sum, (void *)7L), 0);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(pthread_join(t[i], &together[i]), 0);
        CHECK_EQ(together[i], alone);
    }
}
