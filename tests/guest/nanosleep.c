// Sleeps last at least as asked, by duration or until a moment; nanosleep(2), clock_nanosleep(2).
// syscalls: nanosleep clock_nanosleep
// build: static musl
#include "ktap.h"

TEST(duration) {
    struct timespec t = {0, 20000000};
    int64_t start = now_ns();
    CHECK_EQ(syscall(SYS_nanosleep, &t, NULL), 0);
    CHECK(now_ns() - start >= 20000000);
    CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, 0, &t, NULL), 0);
    CHECK(now_ns() - start >= 40000000);
}

TEST(until_a_moment) {
    int64_t end = now_ns() + 20000000;
    struct timespec t = {end / 1000000000, end % 1000000000};
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
    CHECK(now_ns() >= end);
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
    struct timespec past = {1, 0};
    CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL), 0);
}

TEST(zero_returns) {
    struct timespec t = {0, 0};
    CHECK_EQ(nanosleep(&t, NULL), 0);
}

TEST(errors) {
    struct timespec t = {0, 1000000000}, negative = {-1, 0};
    CHECK_ERR(nanosleep(&t, NULL), EINVAL);
    CHECK_ERR(nanosleep(&negative, NULL), EINVAL);
    CHECK_ERR(nanosleep((void *)8, NULL), EFAULT);
    CHECK_EQ(clock_nanosleep(99, 0, &t, NULL), EINVAL);
    CHECK_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &(struct timespec){0, 1}, NULL), EINVAL);
}
