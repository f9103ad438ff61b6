// A pair of connected sockets: bytes both ways, end of file, EPIPE, half close; socketpair(2), shutdown(2).
// syscalls: socketpair shutdown sendto recvfrom
// build: static musl
#include "ktap.h"
#include <sys/socket.h>

static int s[2];
static char b[64];

TEST(both_ways) {
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
    CHECK_EQ(write(s[0], "ping", 4), 4);
    CHECK_EQ(send(s[1], "pong", 4, 0), 4);
    CHECK_EQ(read(s[1], b, sizeof b), 4);
    CHECK(memcmp(b, "ping", 4) == 0);
    CHECK_EQ(recv(s[0], b, sizeof b, 0), 4);
    CHECK(memcmp(b, "pong", 4) == 0);
}

TEST(peek_and_dontwait) {
    CHECK_ERR(recv(s[0], b, 1, MSG_DONTWAIT), EAGAIN);
    MUST(write(s[1], "abc", 3));
    CHECK_EQ(recv(s[0], b, 2, MSG_PEEK), 2);
    CHECK_EQ(recv(s[0], b, sizeof b, 0), 3);
}

TEST(half_close) {
    signal(SIGPIPE, SIG_IGN);
    CHECK_EQ(shutdown(s[0], SHUT_WR), 0);
    CHECK_EQ(read(s[1], b, 1), 0);
    CHECK_ERR(write(s[0], "x", 1), EPIPE);
    CHECK_EQ(write(s[1], "back", 4), 4);
    CHECK_EQ(read(s[0], b, sizeof b), 4);
    CHECK_EQ(shutdown(s[1], SHUT_RD), 0);
    CHECK_EQ(shutdown(s[0], SHUT_RD), 0);
    CHECK_ERR(write(s[1], "x", 1), EPIPE);
    CHECK_ERR(shutdown(s[0], 9), EINVAL);
}

static volatile int calls;
static void on_signal(int sig) { (void)sig, calls++; }
TEST(closed_peer) {
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    MUST(write(s[0], "left", 4));
    close(s[0]);
    CHECK_EQ(read(s[1], b, sizeof b), 4);
    CHECK_EQ(read(s[1], b, sizeof b), 0);
    signal(SIGPIPE, on_signal);
    CHECK_ERR(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_EQ(calls, 0);
    CHECK_ERR(send(s[1], "x", 1, 0), EPIPE);
    CHECK_EQ(calls, 1);
}

TEST(flags_and_errors) {
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s), 0);
    CHECK_EQ(fcntl(s[0], F_GETFD), FD_CLOEXEC);
    CHECK_ERR(read(s[0], b, 1), EAGAIN);
    CHECK_ERR(socketpair(AF_UNIX, SOCK_RDM, 0, s), ESOCKTNOSUPPORT);
    CHECK_ERR(socketpair(AF_UNIX, 77, 0, s), EINVAL);
    CHECK_ERR(socketpair(999, SOCK_STREAM, 0, s), EAFNOSUPPORT);
    CHECK_ERR(shutdown(1, SHUT_RD), ENOTSOCK);
}
