// FUTEX_WAIT counts its timeout from now, FUTEX_WAIT_BITSET to a moment of the chosen clock; futex(2).
// syscalls: futex
#include "ktap.h"
#include <linux/futex.h>

static int word;
static long futex(int op, int v, void *t, int bits) { return syscall(SYS_futex, &word, op, v, t, NULL, bits); }

TEST(relative) {
    struct timespec t = {0, 20000000};
    int64_t start = now_ns();
    CHECK_ERR(futex(FUTEX_WAIT, 0, &t, 0), ETIMEDOUT);
    CHECK(now_ns() - start >= 20000000);
}

TEST(absolute_monotonic) {
    struct timespec t;
    int64_t end = now_ns() + 20000000;
    t = (struct timespec){end / 1000000000, end % 1000000000};
    CHECK_ERR(futex(FUTEX_WAIT_BITSET, 0, &t, -1), ETIMEDOUT);
    CHECK(now_ns() >= end);
    CHECK_ERR(futex(FUTEX_WAIT_BITSET, 0, &t, -1), ETIMEDOUT);
}

TEST(absolute_realtime) {
    struct timespec t, now;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec -= 10;
    CHECK_ERR(futex(FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &t, -1), ETIMEDOUT);
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 20000000;
    if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
    CHECK_ERR(futex(FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &t, -1), ETIMEDOUT);
    clock_gettime(CLOCK_REALTIME, &now);
    CHECK(now.tv_sec > t.tv_sec || (now.tv_sec == t.tv_sec && now.tv_nsec >= t.tv_nsec));
}

TEST(bad_times) {
    struct timespec t = {0, 1000000000}, negative = {-1, 0};
    CHECK_ERR(futex(FUTEX_WAIT, 0, &t, 0), EINVAL);
    CHECK_ERR(futex(FUTEX_WAIT, 0, &negative, 0), EINVAL);
    CHECK_ERR(futex(FUTEX_WAIT, 0, (void *)8, 0), EFAULT);
}
