// SEEK_SET, SEEK_CUR, SEEK_END, and where seeking is refused; lseek(2).
// syscalls: lseek
#include "ktap.h"

static int fd;

TEST(three_origins) {
    scratch();
    put_file("f", "0123456789");
    fd = MUST(open("f", O_RDWR));
    CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
    CHECK_EQ(lseek(fd, 2, SEEK_CUR), 5);
    CHECK_EQ(lseek(fd, -1, SEEK_END), 9);
    char c;
    CHECK_EQ(read(fd, &c, 1), 1);
    CHECK_EQ(c, '9');
}

TEST(before_the_start) {
    CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_ERR(lseek(fd, -11, SEEK_END), EINVAL);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10);
}

TEST(past_the_end_does_not_grow) {
    CHECK_EQ(lseek(fd, 1000, SEEK_SET), 1000);
    struct stat st;
    MUST(fstat(fd, &st));
    CHECK_EQ(st.st_size, 10);
}

TEST(unknown_origin) { CHECK_ERR(lseek(fd, 0, 99), EINVAL); }

TEST(pipe) {
    int p[2];
    MUST(pipe(p));
    CHECK_ERR(lseek(p[0], 0, SEEK_CUR), ESPIPE);
}

TEST(data_and_hole) {
    CHECK_EQ(lseek(fd, 0, SEEK_DATA), 0);
    CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 10);
    CHECK_ERR(lseek(fd, 10, SEEK_DATA), ENXIO);
}
