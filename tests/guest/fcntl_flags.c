// F_DUPFD, F_GETFL, F_SETFL, F_GETFD, F_SETFD; fcntl(2).
// syscalls: fcntl
// build: static musl
#include "ktap.h"

static int fd;

TEST(duplicate_from_a_number_on) {
    scratch();
    put_file("f", "x");
    fd = MUST(open("f", O_RDWR));
    CHECK_EQ(fcntl(fd, F_DUPFD, 40), 40);
    CHECK_EQ(fcntl(fd, F_DUPFD, 40), 41);
    CHECK_EQ(fcntl(fd, F_DUPFD_CLOEXEC, 40), 42);
    CHECK_EQ(fcntl(40, F_GETFD), 0);
    CHECK_EQ(fcntl(42, F_GETFD), FD_CLOEXEC);
    CHECK_ERR(fcntl(fd, F_DUPFD, -1), EINVAL);
}

TEST(descriptor_flags) {
    CHECK_EQ(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(41, F_GETFD), 0);
    CHECK_EQ(fcntl(fd, F_SETFD, 0), 0);
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
}

TEST(status_flags) {
    CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND | O_WRONLY), 0);
    int flags = fcntl(fd, F_GETFL);
    CHECK_EQ(flags & (O_ACCMODE | O_NONBLOCK | O_APPEND), O_RDWR | O_NONBLOCK | O_APPEND);
    CHECK_EQ(fcntl(fd, F_SETFL, 0), 0);
    CHECK_EQ(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND), 0);
    int r = MUST(open("f", O_RDONLY));
    CHECK_EQ(fcntl(r, F_GETFL) & O_ACCMODE, O_RDONLY);
}

TEST(creation_flags_are_not_kept) {
    int c = MUST(open("g", O_WRONLY | O_CREAT | O_TRUNC | O_EXCL, 0600));
    CHECK_EQ(fcntl(c, F_GETFL) & (O_CREAT | O_TRUNC | O_EXCL), 0);
}

TEST(owner_for_signals) {
    int p[2];
    MUST(pipe(p));
    CHECK_EQ(fcntl(p[0], F_SETOWN, getpid()), 0);
    CHECK_EQ(fcntl(p[0], F_GETOWN), getpid());
}

TEST(errors) {
    CHECK_ERR(fcntl(fd, 9999), EINVAL);
    CHECK_ERR(fcntl(900, F_GETFL), EBADF);
}
