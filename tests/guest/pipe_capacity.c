// A pipe holds 65536 bytes; writes of up to PIPE_BUF are all or nothing; F_SETPIPE_SZ; pipe(7), fcntl(2).
// syscalls: fcntl ioctl
#include "ktap.h"
#include <limits.h>
#include <sys/ioctl.h>

static int p[2];
static char big[200000];

TEST(holds_64_kib) {
    MUST(pipe2(p, O_NONBLOCK));
    CHECK_EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
    CHECK_EQ(write(p[1], big, sizeof big), 65536);
    CHECK_ERR(write(p[1], big, 1), EAGAIN);
    int n = 0;
    CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
    CHECK_EQ(n, 65536);
}

TEST(pipe_buf_is_all_or_nothing) {
    CHECK_EQ(read(p[0], big, 4096), 4096);
    CHECK_EQ(write(p[1], big, 4000), 4000);
    CHECK_ERR(write(p[1], big, PIPE_BUF), EAGAIN);
    CHECK_EQ(read(p[0], big, 65536), 65536 - 96);
}

TEST(filled_by_single_bytes) {
    int n = 0;
    while (write(p[1], "x", 1) == 1) n++;
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(n, 65536);
    CHECK_EQ(read(p[0], big, sizeof big), 65536);
}

TEST(capacity_can_change) {
    CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 5000), 8192);
    CHECK_EQ(fcntl(p[0], F_GETPIPE_SZ), 8192);
    CHECK_EQ(write(p[1], big, sizeof big), 8192);
    CHECK_ERR(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY);
    CHECK_EQ(read(p[0], big, sizeof big), 8192);
    CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
    CHECK_EQ(write(p[1], big, sizeof big), 200000);
    if (geteuid() != 0) CHECK_ERR(fcntl(p[1], F_SETPIPE_SZ, 1 << 26), EPERM);
    CHECK_ERR(fcntl(1000, F_SETPIPE_SZ, 4096), EBADF);
}
