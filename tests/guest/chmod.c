// Modes change by path and descriptor, set-ID bits included, and only for the owner; chmod(2).
// syscalls: chmod fchmod fchmodat2
// build: static musl
#include "ktap.h"

static struct stat st;
static int mode(const char *path) {
    MUST(stat(path, &st));
    return st.st_mode & 07777;
}

TEST(by_path_and_descriptor) {
    scratch();
    put_file("f", "");
    CHECK_EQ(chmod("f", 0751), 0);
    CHECK_EQ(mode("f"), 0751);
    int fd = MUST(open("f", O_RDONLY));
    CHECK_EQ(fchmod(fd, 0640), 0);
    CHECK_EQ(mode("f"), 0640);
    CHECK_EQ(chmod("f", 04755), 0);
    CHECK_EQ(mode("f"), 04755);
    CHECK_EQ(chmod("f", 0600), 0);
}

// Since Linux 6.6; an older host is told from the answer to a descriptor that cannot be.
TEST(without_following_links) {
    enum { FCHMODAT2 = 452 };
    if (syscall(FCHMODAT2, -1, "f", 0600, 0) == -1 && errno == ENOSYS) return;
    put_file("target", "");
    MUST(symlink("target", "other-link"));
    CHECK_EQ(syscall(FCHMODAT2, AT_FDCWD, "other-link", 0611, 0), 0);
    CHECK_EQ(mode("target"), 0611);
    CHECK_ERR(syscall(FCHMODAT2, AT_FDCWD, "other-link", 0600, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
    CHECK_ERR(syscall(FCHMODAT2, AT_FDCWD, "target", 0600, 0x80), EINVAL);
    int fd = MUST(open("target", O_RDONLY));
    CHECK_EQ(syscall(FCHMODAT2, fd, "", 0640, AT_EMPTY_PATH), 0);
    CHECK_EQ(mode("target"), 0640);
}

TEST(sticky_directory) {
    MUST(mkdir("d", 0755));
    CHECK_EQ(chmod("d", 01777), 0);
    CHECK_EQ(mode("d"), 01777);
}

TEST(through_a_link) {
    MUST(symlink("f", "link"));
    CHECK_EQ(chmod("link", 0644), 0);
    CHECK_EQ(mode("f"), 0644);
}

TEST(mode_of_an_open_file_is_the_one_at_open) {
    int fd = MUST(open("f", O_RDWR));
    MUST(fchmod(fd, 0));
    CHECK_EQ(write(fd, "x", 1), 1);
}

TEST(errors) {
    CHECK_ERR(chmod("none", 0600), ENOENT);
    CHECK_ERR(fchmod(-1, 0600), EBADF);
    if (geteuid() != 0) CHECK_ERR(chmod("/etc/passwd", 0666), EPERM);
}
