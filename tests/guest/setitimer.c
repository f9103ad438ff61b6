// The three interval timers and alarm(); setitimer(2), alarm(2).
// syscalls: setitimer getitimer alarm
// build: static musl
#include "ktap.h"
#include <sys/time.h>

static volatile int real, virt, prof;
static void on_signal(int sig) { (void)(sig == SIGALRM ? real++ : sig == SIGVTALRM ? virt++ : prof++); }

TEST(real_periodic) {
    signal(SIGALRM, on_signal);
    struct itimerval t = {{0, 5000}, {0, 5000}}, now;
    CHECK_EQ(setitimer(ITIMER_REAL, &t, NULL), 0);
    CHECK(EVENTUALLY(real >= 3));
    CHECK_EQ(getitimer(ITIMER_REAL, &now), 0);
    CHECK_EQ(now.it_interval.tv_usec, 5000);
    CHECK(now.it_value.tv_usec <= 5000);
    t = (struct itimerval){0};
    CHECK_EQ(setitimer(ITIMER_REAL, &t, &now), 0);
    CHECK_EQ(now.it_interval.tv_usec, 5000);
    int count = real;
    sleep_ms(20);
    CHECK_EQ(real, count);
}

TEST(virtual_and_prof_need_running) {
    signal(SIGVTALRM, on_signal);
    signal(SIGPROF, on_signal);
    struct itimerval t = {.it_value = {0, 10000}}, left;
    CHECK_EQ(setitimer(ITIMER_VIRTUAL, &t, NULL), 0);
    sleep_ms(30);
    CHECK_EQ(virt, 0);
    CHECK_EQ(getitimer(ITIMER_VIRTUAL, &left), 0);
    CHECK(left.it_value.tv_usec > 0);
    int64_t give_up = now_ns() + 3000000000;
    for (volatile long i = 0; !virt && (i % 1000000 || now_ns() < give_up); i++) {}
    CHECK_EQ(virt, 1);
    CHECK_EQ(setitimer(ITIMER_PROF, &t, NULL), 0);
    while (!prof && now_ns() < give_up) {}
    CHECK_EQ(prof, 1);
}

TEST(alarm_replaces) {
    CHECK_EQ(syscall(SYS_alarm, 100), 0);
    CHECK_EQ(alarm(50), 100);
    CHECK_EQ(alarm(0), 50);
    struct itimerval now;
    CHECK_EQ(getitimer(ITIMER_REAL, &now), 0);
    CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_usec == 0);
}

TEST(errors) {
    struct itimerval t = {.it_value = {0, 1000000}};
    CHECK_ERR(setitimer(ITIMER_REAL, &t, NULL), EINVAL);
    CHECK_ERR(setitimer(9, &t, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_getitimer, ITIMER_REAL, (void *)8), EFAULT);
}
