// A kernel without a network refuses AF_INET with EAFNOSUPPORT; with one, a loopback connection works; socket(2).
// syscalls: socket
// differs: llano has no AF_INET yet
#include "ktap.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

TEST(works_or_is_refused) {
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (under_llano() && s == -1) {
        CHECK_EQ(errno, EAFNOSUPPORT);
        CHECK_ERR(socket(AF_INET6, SOCK_STREAM, 0), EAFNOSUPPORT);
        return;
    }
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    CHECK_EQ(bind(s, (void *)&a, sizeof a), 0);
    CHECK_EQ(listen(s, 1), 0);
    CHECK_EQ(getsockname(s, (void *)&a, &n), 0);
    int c = MUST(socket(AF_INET, SOCK_STREAM, 0));
    CHECK_EQ(connect(c, (void *)&a, sizeof a), 0);
}

TEST(unknown_family) {
    CHECK_ERR(socket(999, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_ERR(socket(AF_UNIX, SOCK_STREAM, 77), EPROTONOSUPPORT);
}
