// Edge-triggered epoll reports each arrival once; EPOLLONESHOT once until rearmed; epoll(7).
// syscalls: epoll_ctl epoll_wait
#include "ktap.h"
#include <sys/epoll.h>

static int e, p[2];
static struct epoll_event ev, got[4];

TEST(once_an_arrival) {
    e = MUST(epoll_create1(0));
    MUST(pipe(p));
    ev = (struct epoll_event){EPOLLIN | EPOLLET, {.fd = p[0]}};
    MUST(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev));
    MUST(write(p[1], "a", 1));
    CHECK_EQ(epoll_wait(e, got, 4, 0), 1);
    CHECK_EQ(epoll_wait(e, got, 4, 0), 0);
    MUST(write(p[1], "b", 1));
    CHECK_EQ(epoll_wait(e, got, 4, 0), 1);
    CHECK_EQ(epoll_wait(e, got, 4, 0), 0);
}

TEST(ready_when_added_is_reported) {
    int e2 = MUST(epoll_create1(0));
    MUST(epoll_ctl(e2, EPOLL_CTL_ADD, p[0], &ev));
    CHECK_EQ(epoll_wait(e2, got, 4, 0), 1);
    CHECK_EQ(epoll_wait(e2, got, 4, 0), 0);
    MUST(epoll_ctl(e2, EPOLL_CTL_MOD, p[0], &ev));
    CHECK_EQ(epoll_wait(e2, got, 4, 0), 1);
}

TEST(oneshot) {
    int e3 = MUST(epoll_create1(0));
    ev.events = EPOLLIN | EPOLLONESHOT;
    MUST(epoll_ctl(e3, EPOLL_CTL_ADD, p[0], &ev));
    CHECK_EQ(epoll_wait(e3, got, 4, 0), 1);
    MUST(write(p[1], "c", 1));
    CHECK_EQ(epoll_wait(e3, got, 4, 0), 0);
    MUST(epoll_ctl(e3, EPOLL_CTL_MOD, p[0], &ev));
    CHECK_EQ(epoll_wait(e3, got, 4, 0), 1);
}

TEST(hang_up_is_an_edge) {
    char b[8];
    MUST(read(p[0], b, 8));
    CHECK_EQ(epoll_wait(e, got, 4, 0), 0);
    close(p[1]);
    CHECK_EQ(epoll_wait(e, got, 4, 0), 1);
    CHECK(got[0].events & EPOLLHUP);
    CHECK_EQ(epoll_wait(e, got, 4, 0), 0);
}
