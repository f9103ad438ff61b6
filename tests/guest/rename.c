// rename() replaces what it may, keeps the inode, and refuses the rest; rename(2).
// syscalls: rename
// build: static musl
#include "ktap.h"

static struct stat a, b;

TEST(replaces_a_file) {
    scratch();
    put_file("old", "old text");
    put_file("new", "new text");
    MUST(stat("old", &a));
    int fd = MUST(open("new", O_RDONLY));
    CHECK_EQ(rename("old", "new"), 0);
    CHECK_ERR(stat("old", &b), ENOENT);
    CHECK_EQ(stat("new", &b), 0);
    CHECK_EQ(a.st_ino, b.st_ino);
    char text[16] = {0};
    CHECK_EQ(read(fd, text, 16), 8);
    CHECK(strcmp(text, "new text") == 0);
}

TEST(same_file_does_nothing) {
    MUST(link("new", "twin"));
    CHECK_EQ(rename("new", "twin"), 0);
    CHECK_EQ(stat("new", &a), 0);
    CHECK_EQ(rename("new", "new"), 0);
}

TEST(directories) {
    MUST(mkdir("d", 0755) | mkdir("e", 0755) | mkdir("full", 0755));
    put_file("full/f", "");
    CHECK_EQ(rename("d", "e"), 0);
    CHECK_ERR(rename("e", "full"), ENOTEMPTY);
    CHECK_EQ(rename("full", "e"), 0);
    CHECK_EQ(access("e/f", F_OK), 0);
    CHECK_EQ(rename("e/f", "f"), 0);
    CHECK_EQ(access("f", F_OK), 0);
}

TEST(parent_of_a_moved_directory) {
    MUST(mkdir("x", 0755) | mkdir("y", 0755) | mkdir("x/inner", 0755));
    CHECK_EQ(rename("x/inner", "y/inner"), 0);
    MUST(stat("y/inner/..", &a) | stat("y", &b));
    CHECK_EQ(a.st_ino, b.st_ino);
}

TEST(errors) {
    CHECK_ERR(rename("none", "z"), ENOENT);
    CHECK_ERR(rename("f", "e"), EISDIR);
    CHECK_ERR(rename("e", "f"), ENOTDIR);
    CHECK_ERR(rename("y", "y/inner/z"), EINVAL);
    CHECK_ERR(rename("f", "none/z"), ENOENT);
    CHECK_ERR(rename("f", "new/z"), ENOTDIR);
    CHECK_ERR(rename("y/.", "z"), EBUSY);
}
