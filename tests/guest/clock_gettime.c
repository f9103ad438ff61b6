// Every clock runs forward; monotonic ones never go back; CPU clocks count only running time; clock_gettime(2).
// syscalls: clock_gettime clock_getres gettimeofday time
// build: static dynamic musl
#include "ktap.h"
#include <sys/time.h>

static int64_t read_clock(clockid_t c) {
    struct timespec t = {-1, -1};
    EXPECT_EQ(syscall(SYS_clock_gettime, c, &t), 0);
    EXPECT(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

TEST(all_clocks_go_forward) {
    clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_TAI};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        int64_t a = read_clock(clocks[i]);
        sleep_ms(12);
        CHECK(read_clock(clocks[i]) > a);
    }
}

TEST(monotonic_never_goes_back) {
    int64_t last = 0;
    for (int i = 0; i < 10000; i++) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        int64_t now = t.tv_sec * 1000000000LL + t.tv_nsec;
        CHECK(now >= last);
        last = now;
    }
}

TEST(cpu_time_counts_running_only) {
    int64_t p = read_clock(CLOCK_PROCESS_CPUTIME_ID), t = read_clock(CLOCK_THREAD_CPUTIME_ID);
    sleep_ms(50);
    CHECK(read_clock(CLOCK_PROCESS_CPUTIME_ID) - p < 30000000);
    burn_ms(30);
    CHECK(read_clock(CLOCK_PROCESS_CPUTIME_ID) > p + 1000000);
    CHECK(read_clock(CLOCK_THREAD_CPUTIME_ID) > t + 1000000);
}

TEST(wall_clock_calls_agree) {
    struct timeval v;
    time_t t;
    int64_t before = read_clock(CLOCK_REALTIME);
    CHECK_EQ(syscall(SYS_gettimeofday, &v, NULL), 0);
    CHECK(v.tv_sec * 1000000000LL + v.tv_usec * 1000 >= before - 1000);
    CHECK_EQ(syscall(SYS_time, &t), t);
    CHECK(t >= v.tv_sec - 1 && t <= v.tv_sec + 1);
    CHECK(v.tv_sec > 1600000000);
}

TEST(resolution) {
    struct timespec r;
    CHECK_EQ(syscall(SYS_clock_getres, CLOCK_MONOTONIC, &r), 0);
    CHECK_EQ(r.tv_sec, 0);
    CHECK_EQ(r.tv_nsec, 1);
    CHECK_EQ(syscall(SYS_clock_getres, CLOCK_REALTIME, NULL), 0);
}

TEST(errors) {
    struct timespec t;
    CHECK_ERR(syscall(SYS_clock_gettime, 99, &t), EINVAL);
    CHECK_ERR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (void *)8), EFAULT);
    CHECK_ERR(syscall(SYS_clock_getres, 99, &t), EINVAL);
}
