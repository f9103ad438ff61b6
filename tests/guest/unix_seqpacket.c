// SOCK_SEQPACKET: a connection that keeps record borders; unix(7).
// syscalls: socketpair sendmsg recvmsg
#include "ktap.h"
#include <sys/socket.h>

static int s[2];
static char text[32];

TEST(records) {
    CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s), 0);
    CHECK_EQ(write(s[0], "one", 3), 3);
    CHECK_EQ(write(s[0], "second", 6), 6);
    CHECK_EQ(read(s[1], text, sizeof text), 3);
    CHECK_EQ(read(s[1], text, 2), 2);
    CHECK_ERR(recv(s[1], text, sizeof text, MSG_DONTWAIT), EAGAIN);
}

TEST(truncation_is_told) {
    MUST(write(s[0], "longer", 6));
    struct iovec v = {text, 3};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    CHECK_EQ(recvmsg(s[1], &m, 0), 3);
    CHECK(m.msg_flags & MSG_TRUNC);
}

TEST(gather_is_one_record) {
    struct iovec v[2] = {{"ab", 2}, {"cd", 2}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
    CHECK_EQ(sendmsg(s[0], &m, 0), 4);
    CHECK_EQ(read(s[1], text, sizeof text), 4);
    CHECK(memcmp(text, "abcd", 4) == 0);
}

TEST(end) {
    signal(SIGPIPE, SIG_IGN);
    close(s[0]);
    CHECK_EQ(read(s[1], text, sizeof text), 0);
    CHECK_ERR(write(s[1], "x", 1), EPIPE);
}
