// sigwaitinfo() and sigtimedwait() take a blocked signal without a handler; sigwaitinfo(2).
// syscalls: rt_sigtimedwait
#include "ktap.h"

static sigset_t set;

TEST(takes_a_pending_one) {
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    kill(getpid(), SIGUSR1);
    siginfo_t info;
    CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1);
    CHECK_EQ(info.si_signo, SIGUSR1);
    CHECK_EQ(info.si_code, SI_USER);
    CHECK_EQ(info.si_pid, getpid());
    sigset_t pending;
    MUST(sigpending(&pending));
    CHECK(!sigismember(&pending, SIGUSR1));
}

TEST(value_of_a_queued_one) {
    siginfo_t info;
    MUST(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 99}));
    CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
    CHECK_EQ(info.si_code, SI_QUEUE);
    CHECK_EQ(info.si_value.sival_int, 99);
}

TEST(times_out) {
    struct timespec t = {0, 20000000};
    int64_t start = now_ns();
    CHECK_ERR(sigtimedwait(&set, NULL, &t), EAGAIN);
    CHECK(now_ns() - start >= 20000000);
}

TEST(zero_timeout_polls) {
    struct timespec t = {0, 0}, bad = {0, 1000000000};
    CHECK_ERR(sigtimedwait(&set, NULL, &t), EAGAIN);
    CHECK_ERR(sigtimedwait(&set, NULL, &bad), EINVAL);
}

static void on_signal(int sig) { (void)sig; }
TEST(another_signal_interrupts) {
    signal(SIGALRM, on_signal);
    struct timespec t = {5, 0};
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec in = {.it_value = {0, 10000000}};
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
    MUST(timer_settime(timer, 0, &in, NULL));
    CHECK_ERR(sigtimedwait(&set, NULL, &t), EINTR);
    timer_delete(timer);
}
