// What poll says of a Unix socket in each of its states; unix(7).
// syscalls: poll socket socketpair bind listen connect accept shutdown
#include "ktap.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define WRITABLE (POLLOUT | POLLWRNORM | POLLWRBAND)
#define READABLE (POLLIN | POLLRDNORM)

static int state(int fd) {
    struct pollfd p = {fd, POLLIN | POLLPRI | POLLRDNORM | POLLRDHUP | WRITABLE, 0};
    poll(&p, 1, 0);
    return p.revents;
}

static int named(int (*call)(int, const struct sockaddr *, socklen_t), int fd, const char *name) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path + 1, name);
    return call(fd, (void *)&a, 3 + strlen(name));
}

TEST(stream) {
    int server = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK_EQ(state(client), POLLHUP | WRITABLE);
    MUST(named(bind, server, "guest-unix-poll"));
    MUST(listen(server, 2));
    CHECK_EQ(state(server), 0);
    MUST(named(connect, client, "guest-unix-poll"));
    CHECK_EQ(state(server), READABLE);
    CHECK_EQ(state(client), WRITABLE);
    int conn = MUST(accept(server, NULL, NULL));
    CHECK_EQ(state(server), 0);
    MUST(write(conn, "x", 1));
    CHECK_EQ(state(client), READABLE | WRITABLE);
    MUST(shutdown(conn, SHUT_WR));
    CHECK_EQ(state(client), READABLE | WRITABLE | POLLRDHUP);
    close(conn);
    CHECK_EQ(state(client), READABLE | WRITABLE | POLLRDHUP | POLLHUP);
    close(client);
    close(server);
}

TEST(closed_with_unread_data_is_an_error) {
    int s[2], error = 0;
    socklen_t size = sizeof error;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    MUST(write(s[0], "lost", 4));
    close(s[1]);
    CHECK_EQ(state(s[0]), READABLE | WRITABLE | POLLRDHUP | POLLHUP | POLLERR);
    CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &error, &size), 0);
    CHECK_EQ(error, ECONNRESET);
    CHECK_EQ(state(s[0]), READABLE | WRITABLE | POLLRDHUP | POLLHUP);
    close(s[0]);
}

TEST(full_datagram_receiver) {
    int to = MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    int from = MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    CHECK_EQ(state(from), WRITABLE);
    MUST(named(bind, to, "guest-unix-poll-d"));
    MUST(named(connect, from, "guest-unix-poll-d"));
    while (write(from, "x", 1) == 1) {}
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(state(from), 0);
    CHECK_EQ(state(to), READABLE | WRITABLE);
    char c;
    MUST(read(to, &c, 1));
    CHECK_EQ(state(from), WRITABLE);
    close(to);
    CHECK_ERR(write(from, "x", 1), ECONNREFUSED);
    CHECK_ERR(write(from, "x", 1), ENOTCONN);
    close(from);
}

// A socket may be its own peer.
TEST(connected_to_itself) {
    int s = MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    MUST(named(bind, s, "guest-unix-poll-self"));
    MUST(named(connect, s, "guest-unix-poll-self"));
    CHECK_EQ(state(s), WRITABLE);
    CHECK_EQ(write(s, "self", 4), 4);
    CHECK_EQ(state(s), READABLE | WRITABLE);
    char b[8];
    CHECK_EQ(read(s, b, sizeof b), 4);
    struct sockaddr_un a;
    socklen_t size = sizeof a;
    CHECK_EQ(getpeername(s, (void *)&a, &size), 0);
    CHECK_EQ(size, 3 + strlen("guest-unix-poll-self"));
    close(s);
}

// Abstract names of different types do not meet.
TEST(names_by_type) {
    int stream = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), dgram = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    MUST(named(bind, stream, "guest-unix-poll-both"));
    MUST(named(bind, dgram, "guest-unix-poll-both"));
    int other = MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0));
    CHECK_ERR(named(connect, other, "guest-unix-poll-both"), ECONNREFUSED);
    close(stream);
    close(dgram);
    close(other);
}

// A connection shares its listener's name, and does not take it away.
TEST(one_connection_after_another) {
    int server = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(named(bind, server, "guest-unix-poll-again"));
    MUST(listen(server, 2));
    for (int i = 0; i < 3; i++) {
        int client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
        CHECK_EQ(named(connect, client, "guest-unix-poll-again"), 0);
        close(MUST(accept(server, NULL, NULL)));
        CHECK_EQ(state(client), READABLE | WRITABLE | POLLRDHUP | POLLHUP);
        close(client);
    }
    close(server);
}
