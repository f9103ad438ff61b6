// One epoll over eventfds, timers, sockets and signals; a timeout counts in milliseconds; epoll(7).
// syscalls: epoll_wait
#include "ktap.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int e;
static void add(int fd, uint32_t events) {
    struct epoll_event ev = {events, {.fd = fd}};
    EXPECT_EQ(epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev), 0);
}

TEST(all_kinds) {
    int s[2];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    e = MUST(epoll_create1(0));
    int event = MUST(eventfd(0, 0)), timer = MUST(timerfd_create(CLOCK_MONOTONIC, 0)), sig = MUST(signalfd(-1, &set, 0));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    add(event, EPOLLIN), add(timer, EPOLLIN), add(sig, EPOLLIN), add(s[0], EPOLLIN | EPOLLRDHUP);
    struct epoll_event got[8];
    CHECK_EQ(epoll_wait(e, got, 8, 0), 0);
    struct itimerspec t = {.it_value = {0, 5000000}};
    MUST(timerfd_settime(timer, 0, &t, NULL));
    CHECK_EQ(epoll_wait(e, got, 8, 2000), 1);
    CHECK_EQ(got[0].data.fd, timer);
    MUST(write(event, &(uint64_t){1}, 8));
    MUST(write(s[1], "x", 1));
    kill(getpid(), SIGUSR1);
    CHECK_EQ(epoll_wait(e, got, 8, 2000), 4);
    close(s[1]);
    CHECK_EQ(epoll_wait(e, got, 8, 0), 4);
    for (int i = 0; i < 4; i++)
        if (got[i].data.fd == s[0]) CHECK_EQ(got[i].events, EPOLLIN | EPOLLRDHUP | EPOLLHUP);
}

TEST(timeout) {
    int empty = MUST(epoll_create1(0));
    struct epoll_event got;
    int64_t start = now_ns();
    CHECK_EQ(epoll_wait(empty, &got, 1, 20), 0);
    CHECK(now_ns() - start >= 19000000);
}
