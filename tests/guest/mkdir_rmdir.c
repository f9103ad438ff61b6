// Directories are made with the masked mode, counted in the parent, and removed only when empty; mkdir(2), rmdir(2).
// syscalls: mkdir rmdir umask
// build: static musl
#include "ktap.h"

static struct stat st;

TEST(mode_and_links) {
    scratch();
    umask(027);
    CHECK_EQ(mkdir("d", 0777), 0);
    MUST(stat("d", &st));
    CHECK_EQ(st.st_mode, S_IFDIR | 0750);
    CHECK_EQ(umask(022), 027);
}

TEST(existing) {
    put_file("f", "");
    CHECK_ERR(mkdir("d", 0755), EEXIST);
    CHECK_ERR(mkdir("f", 0755), EEXIST);
    CHECK_ERR(mkdir("f/x", 0755), ENOTDIR);
    CHECK_ERR(mkdir("none/x", 0755), ENOENT);
    CHECK_EQ(mkdir("slash/", 0755), 0);
}

TEST(only_empty_ones_go) {
    MUST(mkdir("d/sub", 0755));
    CHECK_ERR(rmdir("d"), ENOTEMPTY);
    CHECK_EQ(rmdir("d/sub"), 0);
    CHECK_EQ(rmdir("d"), 0);
    CHECK_ERR(stat("d", &st), ENOENT);
}

TEST(rmdir_errors) {
    CHECK_ERR(rmdir("none"), ENOENT);
    CHECK_ERR(rmdir("f"), ENOTDIR);
    CHECK_ERR(rmdir("slash/."), EINVAL);
    CHECK_ERR(rmdir("slash/.."), ENOTEMPTY);
    CHECK_ERR(rmdir("/"), EBUSY);
}

TEST(parent_of_a_removed_one) {
    MUST(mkdir("a", 0755) | mkdir("a/b", 0755));
    int fd = MUST(open("a/b", O_RDONLY));
    MUST(rmdir("a/b"));
    CHECK_ERR(openat(fd, "new", O_WRONLY | O_CREAT, 0600), ENOENT);
    CHECK_EQ(faccessat(fd, "../b", F_OK, 0), -1);
}
