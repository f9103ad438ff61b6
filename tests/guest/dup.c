// dup, dup2 and dup3 share position and status flags, not close-on-exec; dup(2).
// syscalls: dup dup2 dup3 close
// build: static musl
#include "ktap.h"

static int fd;

TEST(shared_position) {
    scratch();
    put_file("f", "abcdef");
    fd = MUST(open("f", O_RDONLY | O_CLOEXEC));
    int two = dup(fd);
    CHECK(two > fd);
    char c;
    CHECK_EQ(read(fd, &c, 1), 1);
    CHECK_EQ(read(two, &c, 1), 1);
    CHECK_EQ(c, 'b');
    CHECK_EQ(fcntl(two, F_GETFD), 0);
    CHECK_EQ(fcntl(two, F_SETFL, O_NONBLOCK), 0);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK_EQ(close(two), 0);
    CHECK_EQ(read(fd, &c, 1), 1);
    CHECK_EQ(c, 'c');
}

TEST(dup2_closes_the_target) {
    int p[2];
    char c;
    MUST(pipe(p));
    CHECK_EQ(syscall(SYS_dup2, fd, p[1]), p[1]);
    CHECK_EQ(read(p[0], &c, 1), 0);
    CHECK_EQ(syscall(SYS_dup2, fd, fd), fd);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(syscall(SYS_dup2, fd, 60), 60);
    close(60);
    CHECK_ERR(syscall(SYS_dup2, 61, 61), EBADF);
    CHECK_ERR(syscall(SYS_dup2, 61, 3), EBADF);
    CHECK_ERR(syscall(SYS_dup2, fd, -1), EBADF);
}

TEST(dup3) {
    CHECK_EQ(syscall(SYS_dup3, fd, 60, O_CLOEXEC), 60);
    CHECK_EQ(fcntl(60, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(syscall(SYS_dup3, fd, 60, 0), 60);
    CHECK_EQ(fcntl(60, F_GETFD), 0);
    CHECK_ERR(syscall(SYS_dup3, fd, fd, 0), EINVAL);
    CHECK_ERR(syscall(SYS_dup3, fd, 60, O_NONBLOCK), EINVAL);
    close(60);
}

TEST(errors) {
    CHECK_ERR(dup(-1), EBADF);
    CHECK_ERR(dup(900), EBADF);
}
