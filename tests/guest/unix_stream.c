// A named stream socket: bind, listen, accept, connect, names of both ends; unix(7).
// syscalls: socket bind listen accept accept4 connect getsockname getpeername
// build: static musl
#include "ktap.h"
#include <sys/socket.h>
#include <sys/un.h>

static int server, client;
static struct sockaddr_un address = {AF_UNIX, "socket"}, seen;
static socklen_t length;

TEST(bind_makes_a_file) {
    scratch();
    struct stat st;
    server = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK_EQ(bind(server, (void *)&address, sizeof address), 0);
    MUST(stat("socket", &st));
    CHECK(S_ISSOCK(st.st_mode));
    int other = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK_ERR(bind(other, (void *)&address, sizeof address), EADDRINUSE);
    CHECK_ERR(connect(other, (void *)&address, sizeof address), ECONNREFUSED);
}

TEST(connect_and_accept) {
    char b[8];
    CHECK_EQ(listen(server, 5), 0);
    client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK_EQ(connect(client, (void *)&address, sizeof address), 0);
    CHECK_EQ(write(client, "early", 5), 5);
    length = sizeof seen;
    int peer = accept4(server, (void *)&seen, &length, SOCK_CLOEXEC);
    CHECK(peer >= 0);
    CHECK_EQ(length, 2);
    CHECK_EQ(seen.sun_family, AF_UNIX);
    CHECK_EQ(fcntl(peer, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(read(peer, b, 8), 5);
    CHECK_EQ(write(peer, "reply", 5), 5);
    CHECK_EQ(read(client, b, 8), 5);
    CHECK_ERR(connect(client, (void *)&address, sizeof address), EISCONN);
    close(peer);
}

TEST(names) {
    length = sizeof seen;
    CHECK_EQ(getpeername(client, (void *)&seen, &length), 0);
    CHECK(strcmp(seen.sun_path, "socket") == 0);
    CHECK_EQ(length, 2 + 7);
    length = sizeof seen;
    CHECK_EQ(getsockname(server, (void *)&seen, &length), 0);
    CHECK(strcmp(seen.sun_path, "socket") == 0);
    length = sizeof seen;
    CHECK_EQ(getsockname(client, (void *)&seen, &length), 0);
    CHECK_EQ(length, 2);
    length = sizeof seen;
    CHECK_ERR(getpeername(server, (void *)&seen, &length), ENOTCONN);
}

TEST(nobody_calling) {
    CHECK_EQ(fcntl(server, F_SETFL, O_NONBLOCK), 0);
    CHECK_ERR(accept(server, NULL, NULL), EAGAIN);
    CHECK_ERR(accept(client, NULL, NULL), EINVAL);
}

TEST(closed_server_refuses) {
    close(server);
    int late = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK_ERR(connect(late, (void *)&address, sizeof address), ECONNREFUSED);
    MUST(unlink("socket"));
    CHECK_ERR(connect(late, (void *)&address, sizeof address), ENOENT);
    CHECK_ERR(write(late, "x", 1), ENOTCONN);
    CHECK_ERR(listen(late, 1), EINVAL);
}
