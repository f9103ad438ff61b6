// Sockets that are only in messages to each other are closed, with all that those messages hold; unix(7).
// syscalls: sendmsg recvmsg socketpair close
#include "ktap.h"
#include <poll.h>
#include <sys/socket.h>

static void pass(int over, int fd) {
    char control[CMSG_SPACE(sizeof fd)] = {0}, byte = 'f';
    struct iovec v = {&byte, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    MUST(sendmsg(over, &m, 0));
}

static int hung_up(int fd) {
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, 0) == 1 && p.revents & POLLHUP;
}

TEST(a_ring_of_two) {
    int s[2], p[2], other[2];
    MUST(pipe(p));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    pass(s[0], s[1]);
    pass(s[1], s[0]);
    pass(s[0], p[1]);
    close(p[1]);
    CHECK(!hung_up(p[0]));
    close(s[0]);
    close(s[1]);
    // Linux looks for garbage when some other socket is closed.
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, other));
    close(other[0]);
    close(other[1]);
    CHECK(EVENTUALLY(hung_up(p[0])));
    close(p[0]);
}

TEST(what_someone_can_still_receive_stays) {
    int s[2], out[2], p[2];
    MUST(pipe(p));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, out));
    pass(s[0], p[1]);
    pass(out[0], s[1]);
    close(p[1]);
    close(s[0]);
    close(s[1]);
    sleep_ms(20);
    CHECK(!hung_up(p[0]));
    close(out[0]);
    close(out[1]);
    CHECK(EVENTUALLY(hung_up(p[0])));
    close(p[0]);
}

TEST(many_deep) {
    int p[2], last[2];
    MUST(pipe(p));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, last));
    pass(last[0], p[1]);
    close(p[1]);
    for (int i = 0; i < 200; i++) {
        int next[2];
        MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, next));
        pass(next[0], last[1]);
        close(last[0]);
        close(last[1]);
        last[0] = next[0];
        last[1] = next[1];
    }
    CHECK(!hung_up(p[0]));
    close(last[0]);
    close(last[1]);
    CHECK(EVENTUALLY(hung_up(p[0])));
}
