// write() puts bytes into a file and a pipe and returns how many; write(2).
// syscalls: write
// build: static dynamic musl fixed musl-dynamic
#include "ktap.h"

TEST(returns_the_count) {
    int p[2];
    MUST(pipe(p));
    CHECK_EQ(write(p[1], "hello", 5), 5);
    char b[8] = {0};
    CHECK_EQ(read(p[0], b, sizeof b), 5);
    CHECK(memcmp(b, "hello", 5) == 0);
}

TEST(zero_bytes_is_zero) { CHECK_EQ(write(1, "", 0), 0); }

TEST(bad_descriptor) {
    CHECK_ERR(write(-1, "x", 1), EBADF);
    CHECK_ERR(write(1000, "x", 1), EBADF);
}

TEST(read_only_descriptor) {
    int fd = MUST(open("/dev/null", O_RDONLY));
    CHECK_ERR(write(fd, "x", 1), EBADF);
    close(fd);
}

TEST(bad_pointer) {
    int p[2];
    MUST(pipe(p));
    CHECK_ERR(write(p[1], (void *)8, 4), EFAULT);
}
