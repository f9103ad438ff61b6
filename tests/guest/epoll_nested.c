// An epoll can watch another epoll, but not in a circle; a closed duplicate keeps the entry alive; epoll(7).
// syscalls: epoll_ctl epoll_wait epoll_pwait epoll_pwait2
// needs: threads
#include "ktap.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

static int outer, inner, p[2];
static struct epoll_event ev, got[4];

TEST(readiness_goes_up) {
    outer = MUST(epoll_create1(0)), inner = MUST(epoll_create1(0));
    MUST(pipe(p));
    ev = (struct epoll_event){EPOLLIN, {.fd = 1}};
    MUST(epoll_ctl(inner, EPOLL_CTL_ADD, p[0], &ev));
    ev.data.fd = 2;
    CHECK_EQ(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &ev), 0);
    CHECK_EQ(epoll_wait(outer, got, 4, 0), 0);
    MUST(write(p[1], "x", 1));
    CHECK_EQ(epoll_wait(outer, got, 4, 0), 1);
    CHECK_EQ(got[0].data.fd, 2);
    struct pollfd f = {outer, POLLIN, 0};
    CHECK_EQ(poll(&f, 1, 0), 1);
    char c;
    MUST(read(p[0], &c, 1));
    CHECK_EQ(poll(&f, 1, 0), 0);
}

TEST(no_circles) { CHECK_ERR(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &ev), ELOOP); }

static void *later(void *arg) {
    (void)arg;
    sleep_ms(10);
    write(p[1], "x", 1);
    return NULL;
}
TEST(blocked_wait_wakes) {
    pthread_t t;
    CHECK_EQ(pthread_create(&t, NULL, later, NULL), 0);
    CHECK_EQ(epoll_wait(outer, got, 4, 5000), 1);
    CHECK_EQ(pthread_join(t, NULL), 0);
}

TEST(entry_follows_the_open_file) {
    int two = MUST(dup(p[0]));
    close(p[0]);
    CHECK_EQ(epoll_wait(inner, got, 4, 0), 1);
    close(two);
    CHECK_EQ(epoll_wait(inner, got, 4, 0), 0);
}

static volatile int calls;
static void on_signal(int sig) { (void)sig, calls++; }
TEST(wait_with_a_mask) {
    sigset_t block, none;
    sigemptyset(&block);
    sigemptyset(&none);
    sigaddset(&block, SIGUSR1);
    signal(SIGUSR1, on_signal);
    MUST(sigprocmask(SIG_BLOCK, &block, NULL));
    raise(SIGUSR1);
    CHECK_ERR(epoll_pwait(outer, got, 4, 5000, &none), EINTR);
    CHECK_EQ(calls, 1);
    raise(SIGUSR1);
    struct timespec t = {5, 0}, zero = {0, 0};
    CHECK_ERR(syscall(SYS_epoll_pwait2, outer, got, 4, &t, &none, 8), EINTR);
    CHECK_EQ(calls, 2);
    CHECK_EQ(syscall(SYS_epoll_pwait2, outer, got, 4, &zero, NULL, 8), 0);
}
