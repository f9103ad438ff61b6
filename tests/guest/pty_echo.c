// Echo: plain, of control characters, of erasure, switched off; termios(3).
// syscalls: ioctl
// needs: pty
#include "ktap.h"
#include <poll.h>
#include <termios.h>

static int master, slave;
static char b[256];
// Types `keys` and compares what comes back with `want`, to the last byte.
static int echoes(const char *keys, const char *want) {
    size_t n = 0;
    struct pollfd p = {master, POLLIN, 0};
    EXPECT_EQ(write(master, keys, strlen(keys)), strlen(keys));
    while (poll(&p, 1, n < strlen(want) ? 3000 : 15) == 1) n += MUST(read(master, b + n, sizeof b - 1 - n));
    b[n] = 0;
    char line[256];
    MUST(fcntl(slave, F_SETFL, O_NONBLOCK));
    while (read(slave, line, sizeof line) > 0) {}
    return strcmp(b, want) == 0;
}
static void change(tcflag_t off, tcflag_t on) {
    struct termios t;
    MUST(tcgetattr(slave, &t));
    t.c_lflag = (t.c_lflag & ~off) | on;
    MUST(tcsetattr(slave, TCSANOW, &t));
}

TEST(plain) {
    master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(unlockpt(master));
    slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
    CHECK(echoes("abc\r", "abc\r\n"));
}
TEST(control_characters) { CHECK(echoes("\001\r", "^A\r\n")); }
TEST(erasure) {
    CHECK(echoes("ab\177\r", "ab\b \b\r\n"));
    CHECK(echoes("\001\177\r", "^A\b \b\b \b\r\n"));
}
TEST(kill_line) { CHECK(echoes("xy\025\r", "xy\b \b\b \b\r\n")); }
TEST(without_echo) {
    change(ECHO, 0);
    CHECK(echoes("abc\r", ""));
}
TEST(newline_only) {
    change(ECHO, ECHONL);
    CHECK(echoes("abc\r", "\r\n"));
}
