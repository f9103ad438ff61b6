// Calls that a handler always ends with EINTR, SA_RESTART or not; signal(7).
// syscalls: poll epoll_wait rt_sigsuspend pause clock_nanosleep pselect6
#include "ktap.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>

static volatile int calls;
static void on_signal(int sig) { (void)sig, calls++; }

static void arm(void) {
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    MUST(sigaction(SIGALRM, &sa, NULL));
    struct itimerval t = {.it_value = {0, 10000}};
    calls = 0;
    MUST(setitimer(ITIMER_REAL, &t, NULL));
}

TEST(nanosleep_tells_what_is_left) {
    struct timespec t = {5, 0}, left = {0};
    arm();
    CHECK_ERR(nanosleep(&t, &left), EINTR);
    CHECK_EQ(calls, 1);
    CHECK(left.tv_sec == 4 && left.tv_nsec <= 995000000);
}

TEST(poll_call) {
    arm();
    CHECK_ERR(syscall(SYS_poll, NULL, 0, 5000), EINTR);
    CHECK_EQ(calls, 1);
}

TEST(select_call) {
    struct timeval t = {5, 0};
    arm();
    CHECK_ERR(select(0, NULL, NULL, NULL, &t), EINTR);
    CHECK_EQ(calls, 1);
}

TEST(epoll_wait_call) {
    int e = MUST(epoll_create1(0));
    struct epoll_event event;
    arm();
    CHECK_ERR(epoll_wait(e, &event, 1, 5000), EINTR);
    CHECK_EQ(calls, 1);
    close(e);
}

TEST(pause_call) {
    arm();
    CHECK_ERR(pause(), EINTR);
    CHECK_EQ(calls, 1);
}

TEST(sigsuspend_call) {
    sigset_t none;
    sigemptyset(&none);
    arm();
    CHECK_ERR(sigsuspend(&none), EINTR);
    CHECK_EQ(calls, 1);
}
