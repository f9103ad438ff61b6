// Closing, killing and exiting release what others wait for: pipe ends, locks, sockets; exit(3).
// syscalls: close exit_group read
#include "ktap.h"
#include <sys/socket.h>

ROLE(hold) {
    MUST(write(atoi(ktap_argv[2]), "x", 1));
    for (;;) pause();
}
static pid_t start_holder(int fd) {
    char number[8];
    snprintf(number, sizeof number, "%d", fd);
    return SPAWN("hold", number);
}

TEST(killed_writer_ends_the_pipe) {
    int p[2];
    char c;
    MUST(pipe(p));
    pid_t pid = start_holder(p[1]);
    close(p[1]);
    CHECK_EQ(read(p[0], &c, 1), 1);
    MUST(kill(pid, SIGKILL));
    CHECK_EQ(read(p[0], &c, 1), 0);
    CHECK_EQ(wait_status(pid), SIGKILL);
}

TEST(killed_peer_ends_the_connection) {
    int s[2];
    char c;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    MUST(fcntl(s[0], F_SETFD, FD_CLOEXEC));
    pid_t pid = start_holder(s[1]);
    close(s[1]);
    CHECK_EQ(read(s[0], &c, 1), 1);
    MUST(kill(pid, SIGKILL));
    CHECK_EQ(read(s[0], &c, 1), 0);
    CHECK_EQ(wait_status(pid), SIGKILL);
}
