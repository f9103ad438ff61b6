// A pipe carries bytes in order, gives end of file when its writers are gone, and EPIPE when its readers are; pipe(7).
// syscalls: pipe pipe2 read write
// build: static musl
#include "ktap.h"

TEST(order_and_end) {
    int p[2];
    char b[16];
    CHECK_EQ(syscall(SYS_pipe, p), 0);
    CHECK_EQ(write(p[1], "one", 3), 3);
    CHECK_EQ(write(p[1], "two", 3), 3);
    CHECK_EQ(read(p[0], b, 16), 6);
    CHECK(memcmp(b, "onetwo", 6) == 0);
    MUST(write(p[1], "last", 4));
    close(p[1]);
    CHECK_EQ(read(p[0], b, 2), 2);
    CHECK_EQ(read(p[0], b, 16), 2);
    CHECK_EQ(read(p[0], b, 16), 0);
    CHECK_EQ(read(p[0], b, 16), 0);
}

TEST(wrong_end) {
    int p[2];
    char c;
    MUST(pipe(p));
    CHECK_ERR(read(p[1], &c, 1), EBADF);
    CHECK_ERR(write(p[0], "x", 1), EBADF);
}

static volatile int calls;
static void on_signal(int sig) { (void)sig, calls++; }
TEST(no_reader) {
    int p[2];
    MUST(pipe(p));
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERR(write(p[1], "x", 1), EPIPE);
    signal(SIGPIPE, on_signal);
    CHECK_ERR(write(p[1], "x", 1), EPIPE);
    CHECK_EQ(calls, 1);
    CHECK_EQ(write(p[1], "", 0), 0);
}

ROLE(into_the_void) {
    int p[2];
    MUST(pipe(p));
    close(p[0]);
    write(p[1], "x", 1);
}
TEST(sigpipe_kills_by_default) { CHECK_EQ(wait_status(SPAWN("into_the_void")), SIGPIPE); }

TEST(flags) {
    int p[2];
    char c;
    CHECK_EQ(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
    CHECK_EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(p[1], F_GETFL) & O_NONBLOCK);
    CHECK_ERR(read(p[0], &c, 1), EAGAIN);
    CHECK_ERR(pipe2(p, O_APPEND), EINVAL);
    CHECK_ERR(pipe2((int *)8, 0), EFAULT);
}
