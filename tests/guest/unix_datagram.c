// Datagrams keep their borders and their sender's name; what does not fit is cut; unix(7).
// syscalls: sendto recvfrom recvmsg
#include "ktap.h"
#include <sys/socket.h>
#include <sys/un.h>

static int a, b;
static struct sockaddr_un name_a = {AF_UNIX, "a"}, name_b = {AF_UNIX, "b"}, from;
static char text[32];

TEST(borders_and_sender) {
    scratch();
    a = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), b = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    MUST(bind(a, (void *)&name_a, sizeof name_a) | bind(b, (void *)&name_b, sizeof name_b));
    CHECK_EQ(sendto(a, "first", 5, 0, (void *)&name_b, sizeof name_b), 5);
    CHECK_EQ(sendto(a, "", 0, 0, (void *)&name_b, sizeof name_b), 0);
    CHECK_EQ(sendto(a, "third", 5, 0, (void *)&name_b, sizeof name_b), 5);
    socklen_t n = sizeof from;
    CHECK_EQ(recvfrom(b, text, sizeof text, 0, (void *)&from, &n), 5);
    CHECK(strcmp(from.sun_path, "a") == 0);
    CHECK_EQ(recvfrom(b, text, sizeof text, 0, NULL, NULL), 0);
    CHECK_EQ(recvfrom(b, text, sizeof text, 0, NULL, NULL), 5);
    CHECK(memcmp(text, "third", 5) == 0);
}

TEST(cut) {
    MUST(sendto(a, "0123456789", 10, 0, (void *)&name_b, sizeof name_b));
    struct iovec v = {text, 4};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    CHECK_EQ(recvmsg(b, &m, 0), 4);
    CHECK(m.msg_flags & MSG_TRUNC);
    MUST(sendto(a, "0123456789", 10, 0, (void *)&name_b, sizeof name_b));
    CHECK_EQ(recv(b, text, 4, MSG_TRUNC), 10);
    CHECK_ERR(recv(b, text, 4, MSG_DONTWAIT), EAGAIN);
}

TEST(connected) {
    CHECK_EQ(connect(a, (void *)&name_b, sizeof name_b), 0);
    CHECK_EQ(write(a, "via", 3), 3);
    CHECK_EQ(read(b, text, sizeof text), 3);
    CHECK_ERR(write(b, "x", 1), ENOTCONN);
}

TEST(receiver_gone) {
    close(b);
    CHECK_ERR(write(a, "x", 1), ECONNREFUSED);
    CHECK_ERR(sendto(a, "x", 1, 0, (void *)&(struct sockaddr_un){AF_UNIX, "none"}, sizeof from), ENOENT);
}
