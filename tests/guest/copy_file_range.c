// copy_file_range() copies between files, by offset or position; copy_file_range(2).
// syscalls: copy_file_range
#include "ktap.h"

static int in, out;

TEST(positions) {
    scratch();
    put_file("f", "0123456789");
    in = MUST(open("f", O_RDONLY)), out = MUST(open("g", O_RDWR | O_CREAT, 0600));
    CHECK_EQ(copy_file_range(in, NULL, out, NULL, 4, 0), 4);
    CHECK_EQ(copy_file_range(in, NULL, out, NULL, 100, 0), 6);
    CHECK_EQ(copy_file_range(in, NULL, out, NULL, 100, 0), 0);
    CHECK(strcmp(get_file("g"), "0123456789") == 0);
}

TEST(offsets) {
    off_t from = 2, to = 20;
    CHECK_EQ(copy_file_range(in, &from, out, &to, 3, 0), 3);
    CHECK(from == 5 && to == 23);
    CHECK_EQ(lseek(in, 0, SEEK_CUR), 10);
    char *text = get_file("g");
    CHECK_EQ(get_length, 23);
    CHECK(memcmp(text + 20, "234", 3) == 0 && text[15] == 0);
}

TEST(errors) {
    int p[2], append = MUST(open("g", O_WRONLY | O_APPEND)), dir = MUST(open(".", O_RDONLY));
    off_t a = 0, b = 2;
    MUST(pipe(p));
    CHECK_ERR(copy_file_range(in, NULL, out, NULL, 1, 1), EINVAL);
    CHECK_ERR(copy_file_range(in, NULL, append, NULL, 1, 0), EBADF);
    CHECK_ERR(copy_file_range(in, NULL, in, NULL, 1, 0), EBADF);
    CHECK_ERR(copy_file_range(out, &a, out, &b, 10, 0), EINVAL);
    CHECK_ERR(copy_file_range(p[0], NULL, out, NULL, 1, 0), EINVAL);
    CHECK_ERR(copy_file_range(dir, NULL, out, NULL, 1, 0), EISDIR);
}
