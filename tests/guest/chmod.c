// Modes change by path and descriptor, set-ID bits included, and only for the owner; chmod(2).
// syscalls: chmod fchmod
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
