// FIONBIO, FIOCLEX, FIONREAD and friends on pipes, files and sockets; ioctl(2).
// syscalls: ioctl
#include "ktap.h"
#include <sys/ioctl.h>
#include <sys/socket.h>

TEST(nonblocking_and_cloexec) {
    int p[2], on = 1, off = 0;
    char c;
    MUST(pipe(p));
    CHECK_EQ(ioctl(p[0], FIONBIO, &on), 0);
    CHECK(fcntl(p[0], F_GETFL) & O_NONBLOCK);
    CHECK_ERR(read(p[0], &c, 1), EAGAIN);
    CHECK_EQ(ioctl(p[0], FIONBIO, &off), 0);
    CHECK_EQ(fcntl(p[0], F_GETFL) & O_NONBLOCK, 0);
    CHECK_EQ(ioctl(p[0], FIOCLEX), 0);
    CHECK_EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
    CHECK_EQ(ioctl(p[0], FIONCLEX), 0);
    CHECK_EQ(fcntl(p[0], F_GETFD), 0);
}

TEST(bytes_to_read) {
    int p[2], s[2], n = -1;
    MUST(pipe(p));
    MUST(write(p[1], "12345", 5));
    CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
    CHECK_EQ(n, 5);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    MUST(write(s[0], "123", 3));
    CHECK_EQ(ioctl(s[1], FIONREAD, &n), 0);
    CHECK_EQ(n, 3);
    scratch();
    put_file("f", "1234567");
    int fd = MUST(open("f", O_RDONLY));
    MUST(lseek(fd, 2, SEEK_SET));
    CHECK_EQ(ioctl(fd, FIONREAD, &n), 0);
    CHECK_EQ(n, 5);
}

TEST(unknown) {
    int p[2];
    MUST(pipe(p));
    CHECK_ERR(ioctl(p[0], 0x12345678, 0), ENOTTY);
    CHECK_ERR(ioctl(p[0], FIONREAD, 8), EFAULT);
    CHECK_ERR(ioctl(900, FIONREAD, &p), EBADF);
}
