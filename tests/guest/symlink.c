// Symbolic links hold any text, are followed in the middle and at the end of paths, and readlink cuts; symlink(2), readlink(2).
// syscalls: symlink readlink
// build: static musl
#include "ktap.h"

static char b[300];

TEST(text_is_kept) {
    scratch();
    CHECK_EQ(symlink("any text at all//..", "s"), 0);
    memset(b, 'z', sizeof b);
    CHECK_EQ(readlink("s", b, sizeof b), 19);
    CHECK(memcmp(b, "any text at all//..z", 20) == 0);
    CHECK_EQ(readlink("s", b, 3), 3);
    struct stat st;
    MUST(lstat("s", &st));
    CHECK_EQ(st.st_size, 19);
    CHECK_EQ(st.st_mode, S_IFLNK | 0777);
}

TEST(followed_anywhere) {
    MUST(mkdir("d", 0755));
    put_file("d/f", "found");
    MUST(symlink("d", "to-d") | symlink("f", "d/to-f") | symlink("../d/f", "d/up"));
    CHECK(strcmp(get_file("to-d/f"), "found") == 0);
    CHECK(strcmp(get_file("to-d/to-f"), "found") == 0);
    CHECK(strcmp(get_file("d/up"), "found") == 0);
    CHECK(strcmp(get_file("to-d/../d/./up"), "found") == 0);
}

TEST(forty_deep_is_enough) {
    char from[16], to[16] = "d/f";
    for (int i = 0; i < 45; i++) {
        snprintf(from, sizeof from, "chain%d", i);
        MUST(symlink(to, from));
        strcpy(to, from);
    }
    CHECK_EQ(access("chain39", F_OK), 0);
    CHECK_ERR(access("chain40", F_OK), ELOOP);
}

TEST(errors) {
    CHECK_ERR(symlink("x", "s"), EEXIST);
    CHECK_ERR(symlink("", "t"), ENOENT);
    CHECK_ERR(symlink("x", "none/t"), ENOENT);
    CHECK_ERR(readlink("d", b, sizeof b), EINVAL);
    CHECK_ERR(readlink("none", b, sizeof b), ENOENT);
    CHECK_ERR(syscall(SYS_readlink, "s", b, 0), EINVAL);
    CHECK_ERR(syscall(SYS_readlink, "s", (void *)8, 10), EFAULT);
}
