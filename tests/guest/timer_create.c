// POSIX timers notify by signal, by thread, or not at all, and count overruns; timer_create(2).
// syscalls: timer_create timer_settime timer_gettime timer_getoverrun timer_delete
// needs: threads
#include "ktap.h"

static volatile int value, code, thread_value;
static void on_signal(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    value = info->si_value.sival_int;
    code = info->si_code;
}
static void in_thread(union sigval v) { thread_value = v.sival_int; }
static timer_t timer;
static const struct itimerspec soon = {.it_value = {0, 10000000}};

TEST(by_signal) {
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 44};
    MUST(sigaction(SIGRTMIN, &sa, NULL));
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &e, &timer), 0);
    CHECK_EQ(timer_settime(timer, 0, &soon, NULL), 0);
    CHECK(EVENTUALLY(value == 44));
    CHECK_EQ(code, SI_TIMER);
    CHECK_EQ(timer_delete(timer), 0);
}

TEST(by_thread) {
    struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = in_thread, .sigev_value.sival_int = 55};
    CHECK_EQ(timer_create(CLOCK_REALTIME, &e, &timer), 0);
    CHECK_EQ(timer_settime(timer, 0, &soon, NULL), 0);
    CHECK(EVENTUALLY(thread_value == 55));
    CHECK_EQ(timer_delete(timer), 0);
}

TEST(none_only_counts_down) {
    struct sigevent e = {.sigev_notify = SIGEV_NONE};
    struct itimerspec t = {.it_value = {100, 0}}, now;
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &e, &timer), 0);
    CHECK_EQ(timer_settime(timer, 0, &t, NULL), 0);
    CHECK_EQ(timer_gettime(timer, &now), 0);
    CHECK(now.it_value.tv_sec == 99 || now.it_value.tv_sec == 100);
    CHECK_EQ(timer_delete(timer), 0);
}

TEST(disarmed) {
    struct itimerspec t = {.it_value = {100, 0}}, now;
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    CHECK_EQ(timer_settime(timer, 0, &t, NULL), 0);
    t.it_value.tv_sec = 0;
    CHECK_EQ(timer_settime(timer, 0, &t, &now), 0);
    CHECK(now.it_value.tv_sec >= 99);
    CHECK_EQ(timer_gettime(timer, &now), 0);
    CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0);
    CHECK_EQ(timer_delete(timer), 0);
}

TEST(to_one_thread) {
    struct sigevent e = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 66};
    e._sigev_un._tid = gettid();
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &e, &timer), 0);
    CHECK_EQ(timer_settime(timer, 0, &soon, NULL), 0);
    CHECK(EVENTUALLY(value == 66));
    CHECK_EQ(timer_delete(timer), 0);
}

TEST(overruns) {
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec t = {{0, 2000000}, {0, 2000000}};
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &e, &timer), 0);
    CHECK_EQ(timer_settime(timer, 0, &t, NULL), 0);
    sleep_ms(30);
    CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
    CHECK(info.si_overrun >= 5);
    CHECK_EQ(timer_getoverrun(timer), info.si_overrun);
    CHECK_EQ(timer_delete(timer), 0);
}

TEST(errors) {
    struct sigevent e = {.sigev_notify = 77};
    CHECK_ERR(timer_create(CLOCK_MONOTONIC, &e, &timer), EINVAL);
    CHECK_ERR(timer_create(99, NULL, &timer), EINVAL);
    CHECK_ERR(syscall(SYS_timer_delete, 12345), EINVAL);
    CHECK_ERR(syscall(SYS_timer_gettime, 12345, &e), EINVAL);
}
