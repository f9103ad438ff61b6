// fchmodat2() takes flags: the link itself, which has no mode to change, or the descriptor alone; fchmodat(2).
// syscalls: fchmodat2
#include "ktap.h"

static long change(int dir, const char *path, int mode, int flags) { return syscall(452, dir, path, mode, flags); }
static struct stat st;
static int mode(const char *path) {
    MUST(stat(path, &st));
    return st.st_mode & 07777;
}

TEST(follows_links_without_flags) {
    scratch();
    put_file("f", "");
    MUST(symlink("f", "link"));
    CHECK_EQ(change(AT_FDCWD, "link", 0640, 0), 0);
    CHECK_EQ(mode("f"), 0640);
}

TEST(nofollow) {
    CHECK_EQ(change(AT_FDCWD, "f", 0604, AT_SYMLINK_NOFOLLOW), 0);
    CHECK_EQ(mode("f"), 0604);
    CHECK_ERR(change(AT_FDCWD, "link", 0777, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
    CHECK_EQ(mode("f"), 0604);
}

TEST(empty_path) {
    int fd = MUST(open("f", O_RDONLY)), place = MUST(open("f", O_PATH));
    CHECK_EQ(change(fd, "", 0600, AT_EMPTY_PATH), 0);
    CHECK_EQ(mode("f"), 0600);
    CHECK_EQ(change(place, "", 0644, AT_EMPTY_PATH), 0);
    CHECK_EQ(mode("f"), 0644);
    CHECK_ERR(change(fd, "", 0600, 0), ENOENT);
}

TEST(errors) {
    CHECK_ERR(change(AT_FDCWD, "f", 0600, AT_REMOVEDIR), EINVAL);
    CHECK_ERR(change(AT_FDCWD, "none", 0600, 0), ENOENT);
    CHECK_ERR(change(-1, "f", 0600, 0), EBADF);
    CHECK_ERR(change(AT_FDCWD, (char *)8, 0600, 0), EFAULT);
}
