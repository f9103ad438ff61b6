// truncate() and ftruncate() cut and extend with zeros; truncate(2).
// syscalls: truncate ftruncate
// build: static musl
#include "ktap.h"

static struct stat st;

TEST(cut_and_extend) {
    scratch();
    put_file("f", "0123456789");
    CHECK_EQ(truncate("f", 4), 0);
    CHECK(strcmp(get_file("f"), "0123") == 0);
    int fd = MUST(open("f", O_RDWR));
    CHECK_EQ(ftruncate(fd, 5000), 0);
    MUST(fstat(fd, &st));
    CHECK_EQ(st.st_size, 5000);
    char *text = get_file("f");
    CHECK_EQ(get_length, 5000);
    for (int i = 4; i < 5000; i++) CHECK_EQ(text[i], 0);
}

TEST(position_is_kept) {
    int fd = MUST(open("f", O_RDWR));
    MUST(lseek(fd, 100, SEEK_SET));
    CHECK_EQ(ftruncate(fd, 10), 0);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 100);
    char c;
    CHECK_EQ(read(fd, &c, 1), 0);
    CHECK_EQ(write(fd, "x", 1), 1);
    MUST(fstat(fd, &st));
    CHECK_EQ(st.st_size, 101);
}

TEST(errors) {
    int r = MUST(open("f", O_RDONLY)), p[2];
    MUST(pipe(p));
    MUST(mkdir("d", 0755));
    CHECK_ERR(ftruncate(r, 0), EINVAL);
    CHECK_ERR(ftruncate(p[1], 0), EINVAL);
    CHECK_ERR(truncate("f", -1), EINVAL);
    CHECK_ERR(truncate("d", 0), EISDIR);
    CHECK_ERR(truncate("none", 0), ENOENT);
}
