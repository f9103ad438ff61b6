// A timerfd counts expirations, relative or absolute, once or periodic; timerfd_create(2).
// syscalls: timerfd_create timerfd_settime timerfd_gettime
#include "ktap.h"
#include <poll.h>
#include <sys/timerfd.h>

static int fd;
static uint64_t n;

TEST(once) {
    struct itimerspec t = {.it_value = {0, 20000000}}, now;
    fd = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    int64_t start = now_ns();
    CHECK_EQ(timerfd_settime(fd, 0, &t, NULL), 0);
    CHECK_EQ(timerfd_gettime(fd, &now), 0);
    CHECK(now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 20000000);
    struct pollfd p = {fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 0), 0);
    CHECK_EQ(read(fd, &n, 8), 8);
    CHECK_EQ(n, 1);
    CHECK(now_ns() - start >= 20000000);
    CHECK_EQ(timerfd_gettime(fd, &now), 0);
    CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0);
}

TEST(periodic_counts_missed_ones) {
    struct itimerspec t = {{0, 5000000}, {0, 5000000}}, old;
    CHECK_EQ(timerfd_settime(fd, 0, &t, NULL), 0);
    sleep_ms(30);
    CHECK_EQ(read(fd, &n, 8), 8);
    CHECK(n >= 5 && n < 200);
    CHECK_EQ(read(fd, &n, 8), 8);
    CHECK(n >= 1);
    t = (struct itimerspec){0};
    CHECK_EQ(timerfd_settime(fd, 0, &t, &old), 0);
    CHECK_EQ(old.it_interval.tv_nsec, 5000000);
}

TEST(absolute_in_the_past_is_at_once) {
    struct itimerspec t = {.it_value = {0, 1}};
    CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL), 0);
    CHECK_EQ(read(fd, &n, 8), 8);
    CHECK_EQ(n, 1);
}

TEST(nonblocking_and_realtime) {
    int r = MUST(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
    CHECK_ERR(read(r, &n, 8), EAGAIN);
    struct itimerspec t = {.it_value = {0, 1000000}};
    CHECK_EQ(timerfd_settime(r, 0, &t, NULL), 0);
    struct pollfd p = {r, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 2000), 1);
    CHECK_EQ(read(r, &n, 8), 8);
}

TEST(errors) {
    struct itimerspec bad = {.it_value = {0, 1000000000}};
    CHECK_ERR(timerfd_create(999, 0), EINVAL);
    CHECK_ERR(timerfd_create(CLOCK_MONOTONIC, 0x10), EINVAL);
    CHECK_ERR(timerfd_settime(fd, 0, &bad, NULL), EINVAL);
    CHECK_ERR(timerfd_settime(1, 0, &bad, NULL), EINVAL);
    CHECK_ERR(read(fd, &n, 4), EINVAL);
}
