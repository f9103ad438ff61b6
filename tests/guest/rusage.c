// getrusage(), times() and the CPU clocks count the process's and its children's time; getrusage(2), times(2).
// syscalls: getrusage times
// build: static musl
#include "ktap.h"
#include <sys/resource.h>
#include <sys/times.h>

static long us(struct rusage *u) { return (u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000000 + u->ru_utime.tv_usec + u->ru_stime.tv_usec; }

TEST(self_grows) {
    struct rusage a, b;
    CHECK_EQ(getrusage(RUSAGE_SELF, &a), 0);
    burn_ms(30);
    CHECK_EQ(getrusage(RUSAGE_SELF, &b), 0);
    CHECK(us(&b) - us(&a) > 1000);
    CHECK(b.ru_maxrss > 0);
    CHECK_EQ(getrusage(RUSAGE_THREAD, &b), 0);
    CHECK(us(&b) > 1000);
}

ROLE(child) { burn_ms(40); }
TEST(children_after_wait) {
    struct rusage a, b;
    MUST(getrusage(RUSAGE_CHILDREN, &a));
    CHECK_EQ(us(&a), 0);
    CHECK_EQ(wait_status(SPAWN("child")), EXITED(0));
    MUST(getrusage(RUSAGE_CHILDREN, &b));
    CHECK(us(&b) > 1000);
}

TEST(times_in_ticks) {
    struct tms t;
    clock_t a = times(&t);
    CHECK(a != (clock_t)-1);
    CHECK(t.tms_utime + t.tms_stime + t.tms_cutime + t.tms_cstime > 0);
    sleep_ms(30);
    CHECK(times(&t) > a);
    CHECK(times(NULL) >= a);
}

TEST(errors) {
    struct rusage u;
    CHECK_ERR(getrusage(9, &u), EINVAL);
    CHECK_ERR(syscall(SYS_getrusage, RUSAGE_SELF, (void *)8), EFAULT);
}
