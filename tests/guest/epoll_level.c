// Level-triggered epoll reports as long as it is true; add, modify, delete; epoll(7).
// syscalls: epoll_create epoll_create1 epoll_ctl epoll_wait
// build: static musl
#include "ktap.h"
#include <sys/epoll.h>

static int e, p[2];
static struct epoll_event ev, got[4];

TEST(reported_until_consumed) {
    e = MUST(epoll_create1(EPOLL_CLOEXEC));
    MUST(pipe(p));
    ev = (struct epoll_event){EPOLLIN, {.u64 = 0x1122334455667788}};
    CHECK_EQ(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev), 0);
    CHECK_EQ(epoll_wait(e, got, 4, 0), 0);
    MUST(write(p[1], "xy", 2));
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(epoll_wait(e, got, 4, 0), 1);
        CHECK_EQ(got[0].events, EPOLLIN);
        CHECK_EQ(got[0].data.u64, 0x1122334455667788);
    }
    char b[2];
    MUST(read(p[0], b, 2));
    CHECK_EQ(epoll_wait(e, got, 4, 0), 0);
}

TEST(modify_and_delete) {
    ev = (struct epoll_event){EPOLLOUT, {.fd = p[1]}};
    CHECK_EQ(epoll_ctl(e, EPOLL_CTL_ADD, p[1], &ev), 0);
    CHECK_EQ(epoll_wait(e, got, 4, 0), 1);
    CHECK_EQ(got[0].data.fd, p[1]);
    ev.events = 0;
    CHECK_EQ(epoll_ctl(e, EPOLL_CTL_MOD, p[1], &ev), 0);
    CHECK_EQ(epoll_wait(e, got, 4, 0), 0);
    CHECK_EQ(epoll_ctl(e, EPOLL_CTL_DEL, p[1], NULL), 0);
    CHECK_ERR(epoll_ctl(e, EPOLL_CTL_DEL, p[1], NULL), ENOENT);
}

TEST(several_and_too_little_room) {
    int q[3][2];
    for (int i = 0; i < 3; i++) {
        MUST(pipe(q[i]));
        MUST(write(q[i][1], "x", 1));
        ev = (struct epoll_event){EPOLLIN, {.fd = q[i][0]}};
        MUST(epoll_ctl(e, EPOLL_CTL_ADD, q[i][0], &ev));
    }
    CHECK_EQ(epoll_wait(e, got, 4, 0), 3);
    CHECK_EQ(epoll_wait(e, got, 2, 0), 2);
    for (int i = 0; i < 3; i++) close(q[i][0]);
    CHECK_EQ(epoll_wait(e, got, 4, 0), 0);
}

TEST(hang_up_unasked) {
    close(p[1]);
    CHECK_EQ(epoll_wait(e, got, 4, 0), 1);
    CHECK_EQ(got[0].events, EPOLLHUP);
}

TEST(errors) {
    scratch();
    put_file("f", "");
    CHECK_ERR(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev), EEXIST);
    CHECK_ERR(epoll_ctl(e, EPOLL_CTL_ADD, 900, &ev), EBADF);
    CHECK_ERR(epoll_ctl(e, EPOLL_CTL_ADD, MUST(open("f", O_RDONLY)), &ev), EPERM);
    CHECK_ERR(epoll_ctl(e, EPOLL_CTL_ADD, e, &ev), EINVAL);
    CHECK_ERR(epoll_ctl(e, 9, p[0], &ev), EINVAL);
    CHECK_ERR(epoll_wait(e, got, 0, 0), EINVAL);
    CHECK_ERR(epoll_wait(p[0], got, 1, 0), EINVAL);
    CHECK_ERR(epoll_wait(900, got, 1, 0), EBADF);
    CHECK_ERR(syscall(SYS_epoll_create, 0), EINVAL);
    CHECK(syscall(SYS_epoll_create, 1) >= 0);
}
