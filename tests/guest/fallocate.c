// fallocate() extends, keeps the size on request, and punches holes of zeros; fallocate(2).
// syscalls: fallocate
#include "ktap.h"

static int fd;
static long size(void) {
    struct stat st;
    MUST(fstat(fd, &st));
    return st.st_size;
}

TEST(extends_with_zeros) {
    scratch();
    fd = MUST(open("f", O_RDWR | O_CREAT, 0600));
    CHECK_EQ(fallocate(fd, 0, 0, 10000), 0);
    CHECK_EQ(size(), 10000);
    char b[10000];
    CHECK_EQ(read(fd, b, sizeof b), 10000);
    for (int i = 0; i < 10000; i++) CHECK_EQ(b[i], 0);
    CHECK_EQ(fallocate(fd, 0, 0, 10), 0);
    CHECK_EQ(size(), 10000);
}

TEST(keep_size) {
    CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 10000, 50000), 0);
    CHECK_EQ(size(), 10000);
}

TEST(punch_hole) {
    char b[10000];
    memset(b, 'x', sizeof b);
    CHECK_EQ(pwrite(fd, b, sizeof b, 0), 10000);
    CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 5000), 0);
    CHECK_EQ(pread(fd, b, sizeof b, 0), 10000);
    for (int i = 0; i < 10000; i++) CHECK_EQ(b[i], i >= 100 && i < 5100 ? 0 : 'x');
}

TEST(errors) {
    int p[2], r = MUST(open("f", O_RDONLY));
    MUST(pipe(p));
    CHECK_ERR(fallocate(fd, 0, 0, 0), EINVAL);
    CHECK_ERR(fallocate(fd, 0, -1, 10), EINVAL);
    CHECK_ERR(fallocate(r, 0, 0, 10), EBADF);
    CHECK_ERR(fallocate(p[1], 0, 0, 10), ESPIPE);
    CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10), EOPNOTSUPP);
}
