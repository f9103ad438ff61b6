// read() returns what there is, then 0 at the end of the file; read(2).
// syscalls: read close open
// build: static musl
#include "ktap.h"

TEST(short_read_then_end) {
    scratch();
    put_file("f", "0123456789");
    int fd = MUST(open("f", O_RDONLY));
    char b[32] = {0};
    CHECK_EQ(read(fd, b, 4), 4);
    CHECK(memcmp(b, "0123", 4) == 0);
    CHECK_EQ(read(fd, b, sizeof b), 6);
    CHECK(memcmp(b, "456789", 6) == 0);
    CHECK_EQ(read(fd, b, sizeof b), 0);
    close(fd);
}

TEST(open_call_itself) {
    int fd = MUST(syscall(SYS_open, "f", O_RDONLY, 0));
    char c;
    CHECK_EQ(read(fd, &c, 1), 1);
    CHECK_EQ(c, '0');
    CHECK_EQ(close(fd), 0);
    CHECK_ERR(close(fd), EBADF);
    CHECK_ERR(read(fd, &c, 1), EBADF);
}

TEST(write_only_descriptor) {
    int fd = MUST(open("f", O_WRONLY));
    char c;
    CHECK_ERR(read(fd, &c, 1), EBADF);
    close(fd);
}

TEST(directory) {
    int fd = MUST(open(".", O_RDONLY));
    char c;
    CHECK_ERR(read(fd, &c, 1), EISDIR);
    close(fd);
}

TEST(bad_pointer) {
    int fd = MUST(open("f", O_RDONLY));
    CHECK_ERR(read(fd, (void *)16, 4), EFAULT);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
    close(fd);
}
