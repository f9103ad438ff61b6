// TIOCSCTTY, TIOCNOTTY, /dev/tty, and who may have a controlling terminal; tty_ioctl(4).
// syscalls: ioctl setsid
// needs: pty
#include "ktap.h"
#include <sys/ioctl.h>
#include <termios.h>

static int master;

ROLE(leader) {
    MUST(setsid());
    CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
    int tty = MUST(open(ktap_argv[2], O_RDWR | O_NOCTTY));
    CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
    CHECK_ERR(tcgetpgrp(tty), ENOTTY);
    CHECK_EQ(ioctl(tty, TIOCSCTTY, 0), 0);
    int same = MUST(open("/dev/tty", O_RDWR));
    CHECK_EQ(tcgetpgrp(same), getpid());
    CHECK_EQ(write(same, "via tty", 7), 7);
    signal(SIGHUP, SIG_IGN);
    CHECK_EQ(ioctl(tty, TIOCNOTTY), 0);
    CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
}
TEST(taken_and_given_up) {
    char b[16];
    master = MUST(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    MUST(unlockpt(master));
    CHECK_EQ(wait_status(SPAWN("leader", ptsname(master))), EXITED(0));
    int keep = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
    (void)keep;
    CHECK_EQ(read(master, b, sizeof b), 7);
    CHECK(memcmp(b, "via tty", 7) == 0);
}

ROLE(not_leader) {
    int tty = MUST(open(ktap_argv[2], O_RDWR | O_NOCTTY));
    CHECK_ERR(ioctl(tty, TIOCSCTTY, 0), EPERM);
}
TEST(only_a_session_leader) { CHECK_EQ(wait_status(SPAWN("not_leader", ptsname(master))), EXITED(0)); }

ROLE(automatic) {
    MUST(setsid());
    MUST(open(ktap_argv[2], O_RDWR));
    CHECK(open("/dev/tty", O_RDWR) >= 0);
}
TEST(first_open_of_a_leader_takes_it) { CHECK_EQ(wait_status(SPAWN("automatic", ptsname(master))), EXITED(0)); }
