// Setting the clock is for the superuser; bad values are told first; clock_settime(2).
// syscalls: clock_settime settimeofday adjtimex clock_adjtime
#include "ktap.h"
#include <sys/time.h>
#include <sys/timex.h>

TEST(bad_values) {
    struct timespec t = {0, 1000000000};
    CHECK_ERR(clock_settime(CLOCK_REALTIME, &t), EINVAL);
    CHECK_ERR(clock_settime(CLOCK_MONOTONIC, &(struct timespec){1, 0}), EINVAL);
    CHECK_ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, (void *)8), EFAULT);
}

TEST(not_for_everyone) {
    if (geteuid() == 0) SKIP("would set the clock");
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    CHECK_ERR(clock_settime(CLOCK_REALTIME, &t), EPERM);
    CHECK_ERR(settimeofday(&(struct timeval){t.tv_sec, 0}, NULL), EPERM);
}

TEST(reading_the_discipline) {
    struct timex x = {0};
    CHECK(adjtimex(&x) >= 0);
    CHECK(x.tick > 0);
    memset(&x, 0, sizeof x);
    CHECK(clock_adjtime(CLOCK_REALTIME, &x) >= 0);
}
