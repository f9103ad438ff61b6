// Hard links share one inode and count; link(2).
// syscalls: link linkat
// build: static musl
#include "ktap.h"

static struct stat a, b;

TEST(one_file_two_names) {
    scratch();
    put_file("f", "text");
    CHECK_EQ(link("f", "g"), 0);
    MUST(stat("f", &a) | stat("g", &b));
    CHECK_EQ(a.st_ino, b.st_ino);
    CHECK_EQ(a.st_nlink, 2);
    put_file("g", "changed");
    CHECK(strcmp(get_file("f"), "changed") == 0);
    MUST(unlink("f"));
    MUST(stat("g", &b));
    CHECK_EQ(b.st_nlink, 1);
}

TEST(of_a_symbolic_link) {
    MUST(symlink("g", "sym"));
    CHECK_EQ(linkat(AT_FDCWD, "sym", AT_FDCWD, "to-link", 0), 0);
    MUST(lstat("to-link", &a));
    CHECK(S_ISLNK(a.st_mode));
    CHECK_EQ(linkat(AT_FDCWD, "sym", AT_FDCWD, "to-file", AT_SYMLINK_FOLLOW), 0);
    MUST(lstat("to-file", &a));
    CHECK(S_ISREG(a.st_mode));
}

TEST(errors) {
    MUST(mkdir("d", 0755));
    CHECK_ERR(link("g", "sym"), EEXIST);
    CHECK_ERR(link("d", "e"), EPERM);
    CHECK_ERR(link("none", "e"), ENOENT);
    CHECK_ERR(link("g", "/dev/shm/e"), EXDEV);
    CHECK_ERR(linkat(AT_FDCWD, "g", AT_FDCWD, "e", 1), EINVAL);
}
