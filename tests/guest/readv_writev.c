// Vectors are read and written in order, as one transfer; readv(2).
// syscalls: readv writev preadv pwritev preadv2 pwritev2
#include "ktap.h"
#include <sys/uio.h>

static int fd;

TEST(writev_joins) {
    scratch();
    fd = MUST(open("f", O_RDWR | O_CREAT, 0600));
    struct iovec v[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    CHECK_EQ(writev(fd, v, 3), 5);
    CHECK(strcmp(get_file("f"), "abcde") == 0);
}

TEST(readv_fills_in_order) {
    char a[2], b[2], c[8];
    struct iovec v[3] = {{a, 2}, {b, 2}, {c, 8}};
    MUST(lseek(fd, 0, SEEK_SET));
    CHECK_EQ(readv(fd, v, 3), 5);
    CHECK(memcmp(a, "ab", 2) == 0 && memcmp(b, "cd", 2) == 0 && c[0] == 'e');
}

TEST(at_an_offset) {
    char a[1], b[1];
    struct iovec v[2] = {{a, 1}, {b, 1}}, w[2] = {{"1", 1}, {"2", 1}};
    CHECK_EQ(pwritev(fd, w, 2, 1), 2);
    CHECK_EQ(preadv(fd, v, 2, 1), 2);
    CHECK(a[0] == '1' && b[0] == '2');
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5);
}

TEST(minus_one_offset_of_the_second_version_is_the_position) {
    char a[8];
    struct iovec v = {a, 8}, w = {"!", 1};
    MUST(lseek(fd, 0, SEEK_SET));
    CHECK_EQ(preadv2(fd, &v, 1, -1, 0), 5);
    CHECK_EQ(pwritev2(fd, &w, 1, -1, 0), 1);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
}

TEST(limits) {
    struct iovec v = {"x", 1};
    CHECK_ERR(writev(fd, &v, -1), EINVAL);
    CHECK_ERR(writev(fd, &v, 1025), EINVAL);
    CHECK_EQ(writev(fd, &v, 0), 0);
    CHECK_ERR(readv(fd, (void *)8, 1), EFAULT);
}
