// pread() and pwrite() work at an offset and leave the file position alone; pread(2).
// syscalls: pread64 pwrite64
#include "ktap.h"

static int fd;

TEST(position_unmoved) {
    scratch();
    put_file("f", "abcdefgh");
    fd = MUST(open("f", O_RDWR));
    char b[4] = {0};
    CHECK_EQ(pread(fd, b, 3, 2), 3);
    CHECK(memcmp(b, "cde", 3) == 0);
    CHECK_EQ(pwrite(fd, "XY", 2, 6), 2);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
    CHECK(strcmp(get_file("f"), "abcdefXY") == 0);
}

TEST(past_the_end_reads_nothing) {
    char b[4];
    CHECK_EQ(pread(fd, b, 4, 100), 0);
}

TEST(write_past_the_end_leaves_a_hole) {
    CHECK_EQ(pwrite(fd, "Z", 1, 20), 1);
    char b[21];
    CHECK_EQ(pread(fd, b, 21, 0), 21);
    for (int i = 8; i < 20; i++) CHECK_EQ(b[i], 0);
    CHECK_EQ(b[20], 'Z');
}

TEST(negative_offset) {
    char b[4];
    CHECK_ERR(pread(fd, b, 4, -1), EINVAL);
    CHECK_ERR(pwrite(fd, b, 4, -1), EINVAL);
}

TEST(pipe_has_no_offsets) {
    int p[2];
    char b[4];
    MUST(pipe(p));
    CHECK_ERR(pread(p[0], b, 4, 0), ESPIPE);
    CHECK_ERR(pwrite(p[1], b, 4, 0), ESPIPE);
}
