// getsockopt() and setsockopt() on a UNIX socket: type, domain, error, listening, buffer, timeouts; socket(7).
// syscalls: getsockopt setsockopt
#include "ktap.h"
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static int s[2], v;
static socklen_t n;
static int get(int fd, int option) {
    n = sizeof v;
    v = -1;
    return getsockopt(fd, SOL_SOCKET, option, &v, &n);
}

TEST(fixed_facts) {
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_EQ(get(s[0], SO_TYPE), 0);
    CHECK_EQ(v, SOCK_STREAM);
    CHECK_EQ(n, 4);
    CHECK_EQ(get(s[0], SO_DOMAIN), 0);
    CHECK_EQ(v, AF_UNIX);
    CHECK_EQ(get(s[0], SO_PROTOCOL), 0);
    CHECK_EQ(v, 0);
    CHECK_EQ(get(s[0], SO_ERROR), 0);
    CHECK_EQ(v, 0);
    CHECK_EQ(get(s[0], SO_ACCEPTCONN), 0);
    CHECK_EQ(v, 0);
}

TEST(listening) {
    int l = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(bind(l, (void *)&(sa_family_t){AF_UNIX}, sizeof(sa_family_t)) | listen(l, 1));
    CHECK_EQ(get(l, SO_ACCEPTCONN), 0);
    CHECK_EQ(v, 1);
}

TEST(buffers) {
    int want = 20000;
    CHECK_EQ(get(s[0], SO_SNDBUF), 0);
    CHECK(v >= 4096);
    CHECK_EQ(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &want, sizeof want), 0);
    CHECK_EQ(get(s[0], SO_SNDBUF), 0);
    CHECK(v >= want);
    CHECK_EQ(get(s[0], SO_RCVBUF), 0);
    CHECK(v >= 4096);
}

TEST(receive_timeout) {
    struct timeval t = {0, 20000}, seen;
    char c;
    CHECK_EQ(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t), 0);
    n = sizeof seen;
    CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &seen, &n), 0);
    CHECK_EQ(seen.tv_usec, 20000);
    int64_t start = now_ns();
    CHECK_ERR(read(s[0], &c, 1), EAGAIN);
    CHECK(now_ns() - start >= 15000000);
}

TEST(errors) {
    CHECK_ERR(get(1, SO_TYPE), ENOTSOCK);
    CHECK_ERR(get(s[0], 9999), ENOPROTOOPT);
    CHECK_ERR(setsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, sizeof v), ENOPROTOOPT);
    CHECK_ERR(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, (void *)8, 4), EFAULT);
}
