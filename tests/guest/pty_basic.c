// A pseudo-terminal pair: opening, names, bytes both ways, newline translation; pty(7).
// syscalls: ioctl openat
// needs: pty
// build: static musl
#include "ktap.h"
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char b[256];

TEST(open_a_pair) {
    int number = -1;
    char path[64];
    master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
    CHECK_EQ(ioctl(master, TIOCGPTN, &number), 0);
    snprintf(path, sizeof path, "/dev/pts/%d", number);
    CHECK_ERR(open(path, O_RDWR | O_NOCTTY), EIO);
    CHECK_EQ(grantpt(master), 0);
    CHECK_EQ(unlockpt(master), 0);
    CHECK(strcmp(ptsname(master), path) == 0);
    slave = MUST(open(path, O_RDWR | O_NOCTTY));
    CHECK_EQ(isatty(slave), 1);
    CHECK_EQ(isatty(master), 1);
    struct stat st;
    MUST(fstat(slave, &st));
    CHECK(S_ISCHR(st.st_mode));
    CHECK_EQ(st.st_rdev >> 8, 136);
}

TEST(output_gets_carriage_returns) {
    CHECK_EQ(write(slave, "a\nb", 3), 3);
    CHECK_EQ(read(master, b, sizeof b), 4);
    CHECK(memcmp(b, "a\r\nb", 4) == 0);
}

TEST(a_line_in_with_echo) {
    CHECK_EQ(write(master, "hello\r", 6), 6);
    CHECK_EQ(read(slave, b, sizeof b), 6);
    CHECK(memcmp(b, "hello\n", 6) == 0);
    CHECK_EQ(read(master, b, sizeof b), 7);
    CHECK(memcmp(b, "hello\r\n", 7) == 0);
}

TEST(default_modes) {
    struct termios t;
    CHECK_EQ(tcgetattr(slave, &t), 0);
    CHECK((t.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) == (ICANON | ECHO | ISIG | IEXTEN));
    CHECK(t.c_iflag & ICRNL);
    CHECK((t.c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR));
    CHECK_EQ(t.c_cc[VINTR], 3);
    CHECK_EQ(t.c_cc[VEOF], 4);
    CHECK_EQ(t.c_cc[VERASE], 127);
    CHECK_EQ(cfgetospeed(&t), B38400);
}

TEST(no_terminal) {
    int p[2];
    struct termios t;
    MUST(pipe(p));
    CHECK_ERR(tcgetattr(p[0], &t), ENOTTY);
    CHECK_EQ(isatty(p[0]), 0);
    int null = MUST(open("/dev/null", O_RDWR));
    CHECK_ERR(ioctl(null, TCGETS, &t), ENOTTY);
}
