// Canonical input: erase, kill, word erase, end of file, lines kept apart; termios(3).
// syscalls: ioctl read write
// needs: pty
#include "ktap.h"
#include <poll.h>
#include <termios.h>

static int master, slave;
static char b[256];
static int readable(int ms) {
    struct pollfd p = {slave, POLLIN, 0};
    return poll(&p, 1, ms);
}
// What the program reads after `keys` are typed.
static int typed(const char *keys, int n) {
    EXPECT_EQ(write(master, keys, n), n);
    memset(b, 0, sizeof b);
    return readable(3000) == 1 ? read(slave, b, sizeof b) : -1;
}

TEST(nothing_until_the_line_ends) {
    struct termios t;
    master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(unlockpt(master));
    slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
    MUST(tcgetattr(slave, &t));
    t.c_lflag &= ~ECHO;
    MUST(tcsetattr(slave, TCSANOW, &t));
    MUST(write(master, "ab", 2));
    CHECK_EQ(readable(30), 0);
    CHECK_EQ(typed("c\n", 2), 4);
    CHECK(strcmp(b, "abc\n") == 0);
}

TEST(editing) {
    CHECK_EQ(typed("abX\177c\n", 6), 4);
    CHECK(strcmp(b, "abc\n") == 0);
    CHECK_EQ(typed("\177\177ok\n", 5), 3);
    CHECK_EQ(typed("garbage\025good\n", 13), 5);
    CHECK(strcmp(b, "good\n") == 0);
    CHECK_EQ(typed("one two\027three\n", 14), 10);
    CHECK(strcmp(b, "one three\n") == 0);
    CHECK_EQ(typed("a\026\003b\n", 5), 4);
    CHECK(strcmp(b, "a\003b\n") == 0);
}

TEST(one_line_a_read) {
    CHECK_EQ(typed("first\nsecond\n", 13), 6);
    CHECK_EQ(readable(3000), 1);
    CHECK_EQ(read(slave, b, 3), 3);
    CHECK_EQ(read(slave, b, sizeof b), 4);
    CHECK(memcmp(b, "ond\n", 4) == 0);
}

TEST(end_of_file) {
    CHECK_EQ(typed("\004", 1), 0);
    CHECK_EQ(typed("part\004", 5), 4);
    CHECK_EQ(typed("next\n", 5), 5);
}

TEST(case_and_newline_translation) {
    struct termios t;
    CHECK_EQ(typed("cr\r", 3), 3);
    CHECK(strcmp(b, "cr\n") == 0);
    MUST(tcgetattr(slave, &t));
    t.c_iflag = (t.c_iflag & ~ICRNL) | IGNCR;
    MUST(tcsetattr(slave, TCSANOW, &t));
    CHECK_EQ(typed("c\rr\n", 4), 3);
    CHECK(strcmp(b, "cr\n") == 0);
}

TEST(nonblocking) {
    MUST(fcntl(slave, F_SETFL, O_NONBLOCK));
    CHECK_ERR(read(slave, b, 1), EAGAIN);
}
