// Closing the master hangs the terminal up: SIGHUP, end of file, EIO; the slave's last close shows at the master; pty(7).
// syscalls: close read write poll
// needs: pty
#include "ktap.h"
#include <poll.h>
#include <termios.h>

TEST(slave_after_master) {
    char c;
    int master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(unlockpt(master));
    int slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
    close(master);
    CHECK_EQ(read(slave, &c, 1), 0);
    CHECK_ERR(write(slave, "x", 1), EIO);
    struct pollfd p = {slave, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK(p.revents & POLLHUP);
}

TEST(master_after_slave) {
    char b[16];
    int master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(unlockpt(master));
    int slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
    MUST(write(slave, "last words", 10));
    close(slave);
    CHECK_EQ(read(master, b, sizeof b), 10);
    CHECK_ERR(read(master, b, sizeof b), EIO);
    slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
    MUST(write(slave, "again", 5));
    CHECK_EQ(read(master, b, sizeof b), 5);
}

ROLE(session) {
    MUST(setsid());
    MUST(open(ktap_argv[2], O_RDWR));
    MUST(write(atoi(ktap_argv[3]), "x", 1));
    for (;;) pause();
}
TEST(session_leader_gets_sighup) {
    int p[2], master = MUST(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    char number[8], c;
    MUST(unlockpt(master));
    MUST(pipe(p));
    snprintf(number, sizeof number, "%d", p[1]);
    pid_t pid = SPAWN("session", ptsname(master), number);
    CHECK_EQ(read(p[0], &c, 1), 1);
    close(master);
    CHECK_EQ(wait_status(pid), SIGHUP);
}
