// O_TMPFILE makes a file without a name, which linkat can give one; open(2).
// syscalls: openat linkat
#include "ktap.h"

TEST(nameless_then_named) {
    scratch();
    int fd = MUST(open(".", O_TMPFILE | O_RDWR, 0640));
    struct stat st;
    CHECK_EQ(write(fd, "hidden", 6), 6);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_nlink, 0);
    CHECK(S_ISREG(st.st_mode));
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK_EQ(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
    CHECK(strcmp(get_file("named"), "hidden") == 0);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_nlink, 1);
}

TEST(exclusive_stays_nameless) {
    int fd = MUST(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK_ERR(linkat(AT_FDCWD, path, AT_FDCWD, "other", AT_SYMLINK_FOLLOW), ENOENT);
}

TEST(errors) {
    CHECK_ERR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
    CHECK_ERR(open("named", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
}
