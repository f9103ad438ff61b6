// Extended attributes of user.*: set, get, list, remove, by path, link and descriptor; xattr(7).
// syscalls: setxattr getxattr listxattr removexattr fsetxattr fgetxattr flistxattr fremovexattr lsetxattr lgetxattr llistxattr lremovexattr
#include "ktap.h"
#include <sys/xattr.h>

static char b[256];
static int fd;

TEST(set_and_get) {
    scratch();
    put_file("f", "");
    if (setxattr("f", "user.one", "value", 5, 0) == -1 && errno == ENOTSUP) SKIP("no user.* attributes here");
    CHECK_EQ(getxattr("f", "user.one", b, sizeof b), 5);
    CHECK(memcmp(b, "value", 5) == 0);
    CHECK_EQ(getxattr("f", "user.one", NULL, 0), 5);
    CHECK_ERR(getxattr("f", "user.one", b, 2), ERANGE);
    CHECK_ERR(getxattr("f", "user.none", b, sizeof b), ENODATA);
}

TEST(create_and_replace) {
    CHECK_ERR(setxattr("f", "user.one", "x", 1, XATTR_CREATE), EEXIST);
    CHECK_ERR(setxattr("f", "user.two", "x", 1, XATTR_REPLACE), ENODATA);
    CHECK_EQ(setxattr("f", "user.two", "", 0, XATTR_CREATE), 0);
    CHECK_EQ(getxattr("f", "user.two", b, sizeof b), 0);
}

TEST(list) {
    CHECK_EQ(listxattr("f", NULL, 0), 18);
    CHECK_EQ(listxattr("f", b, sizeof b), 18);
    CHECK(memcmp(b, "user.one\0user.two", 18) == 0 || memcmp(b, "user.two\0user.one", 18) == 0);
    CHECK_ERR(listxattr("f", b, 5), ERANGE);
}

TEST(by_descriptor) {
    fd = MUST(open("f", O_RDONLY));
    CHECK_EQ(fsetxattr(fd, "user.three", "3", 1, 0), 0);
    CHECK_EQ(fgetxattr(fd, "user.three", b, sizeof b), 1);
    CHECK_EQ(flistxattr(fd, b, sizeof b), 29);
    CHECK_EQ(fremovexattr(fd, "user.three"), 0);
    CHECK_ERR(fgetxattr(fd, "user.three", b, sizeof b), ENODATA);
}

TEST(remove) {
    CHECK_EQ(removexattr("f", "user.one"), 0);
    CHECK_ERR(removexattr("f", "user.one"), ENODATA);
    CHECK_EQ(lremovexattr("f", "user.two"), 0);
    CHECK_EQ(llistxattr("f", b, sizeof b), 0);
}

TEST(links_have_no_user_attributes) {
    MUST(symlink("f", "link"));
    CHECK_ERR(lsetxattr("link", "user.x", "1", 1, 0), EPERM);
    CHECK_ERR(lgetxattr("link", "user.x", b, sizeof b), ENODATA);
    CHECK_EQ(setxattr("link", "user.x", "1", 1, 0), 0);
    CHECK_EQ(getxattr("f", "user.x", b, sizeof b), 1);
}

TEST(errors) {
    CHECK_ERR(setxattr("f", "nonsense", "x", 1, 0), EOPNOTSUPP);
    CHECK_ERR(setxattr("none", "user.x", "x", 1, 0), ENOENT);
    CHECK_ERR(setxattr("f", "user.x", "x", 1, 77), EINVAL);
}
