// Raw input: bytes at once, VMIN and VTIME in their four combinations; termios(3).
// syscalls: ioctl read
// needs: pty threads
#include "ktap.h"
#include <pthread.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char b[64];
static void mode(int min, int time) {
    struct termios t;
    MUST(tcgetattr(slave, &t));
    cfmakeraw(&t);
    t.c_cc[VMIN] = min;
    t.c_cc[VTIME] = time;
    MUST(tcsetattr(slave, TCSANOW, &t));
}

static int waiting(void) {
    int n = -1;
    MUST(ioctl(slave, FIONREAD, &n));
    return n;
}

TEST(byte_by_byte) {
    master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(unlockpt(master));
    slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
    mode(1, 0);
    MUST(write(master, "\003\004\177\r", 4));
    CHECK(EVENTUALLY(waiting() == 4));
    CHECK_EQ(read(slave, b, 2), 2);
    CHECK_EQ(read(slave, b + 2, 60), 2);
    CHECK(memcmp(b, "\003\004\177\r", 4) == 0);
    MUST(write(slave, "a\n", 2));
    CHECK_EQ(read(master, b, sizeof b), 2);
}

TEST(min_zero_time_zero_polls) {
    mode(0, 0);
    CHECK_EQ(read(slave, b, 10), 0);
    MUST(write(master, "xy", 2));
    CHECK(EVENTUALLY(waiting() == 2));
    CHECK_EQ(read(slave, b, 10), 2);
}

TEST(min_zero_with_time_waits_that_long) {
    mode(0, 1);
    int64_t start = now_ns();
    CHECK_EQ(read(slave, b, 10), 0);
    CHECK(now_ns() - start >= 90000000);
    MUST(write(master, "x", 1));
    CHECK_EQ(read(slave, b, 10), 1);
}

static void *late(void *arg) {
    (void)arg;
    sleep_ms(10);
    write(master, "cd", 2);
    return NULL;
}
TEST(min_collects) {
    pthread_t t;
    mode(4, 0);
    MUST(write(master, "ab", 2));
    CHECK_EQ(pthread_create(&t, NULL, late, NULL), 0);
    CHECK_EQ(read(slave, b, 10), 4);
    CHECK(memcmp(b, "abcd", 4) == 0);
    CHECK_EQ(pthread_join(t, NULL), 0);
}

TEST(min_with_time_gives_up_between_bytes) {
    mode(5, 1);
    MUST(write(master, "ab", 2));
    CHECK(EVENTUALLY(waiting() == 2));
    CHECK_EQ(read(slave, b, 10), 2);
}

TEST(waiting_bytes_and_flush) {
    mode(1, 0);
    MUST(write(master, "12345", 5));
    CHECK(EVENTUALLY(waiting() == 5));
    CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
    CHECK_EQ(waiting(), 0);
    CHECK_EQ(tcdrain(slave), 0);
}
