// A pipe opened O_DIRECT keeps the borders of writes: one read, one packet, the rest of it lost; pipe(2).
// syscalls: pipe2 fcntl
#include "ktap.h"
#include <sys/ioctl.h>

static int p[2];
static char b[8192];

TEST(one_read_one_packet) {
    MUST(pipe2(p, O_DIRECT | O_NONBLOCK));
    CHECK_EQ(write(p[1], "hello", 5), 5);
    CHECK_EQ(write(p[1], "world!", 6), 6);
    int n = 0;
    CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
    CHECK_EQ(n, 11);
    CHECK_EQ(read(p[0], b, 3), 3);
    CHECK(memcmp(b, "hel", 3) == 0);
    CHECK_EQ(read(p[0], b, sizeof b), 6);
    CHECK(memcmp(b, "world!", 6) == 0);
    CHECK_ERR(read(p[0], b, sizeof b), EAGAIN);
}

TEST(large_writes_are_cut_into_packets) {
    CHECK_EQ(write(p[1], b, 6000), 6000);
    CHECK_EQ(read(p[0], b, sizeof b), 4096);
    CHECK_EQ(read(p[0], b, sizeof b), 6000 - 4096);
}

TEST(each_packet_takes_a_page) {
    for (int i = 0; i < 16; i++) CHECK_EQ(write(p[1], "x", 1), 1);
    CHECK_ERR(write(p[1], "x", 1), EAGAIN);
    CHECK_ERR(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY);
    CHECK_EQ(read(p[0], b, sizeof b), 1);
    CHECK_EQ(write(p[1], "y", 1), 1);
    while (read(p[0], b, sizeof b) > 0) {}
}

TEST(bytes_behind_a_packet) {
    CHECK_EQ(write(p[1], "packet", 6), 6);
    CHECK_EQ(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
    CHECK_EQ(write(p[1], "a", 1), 1);
    CHECK_EQ(write(p[1], "b", 1), 1);
    CHECK_EQ(read(p[0], b, 2), 2);
    CHECK_EQ(read(p[0], b, sizeof b), 2);
    CHECK(memcmp(b, "ab", 2) == 0);
}
