// openat() and its kin start at a directory's descriptor; absolute paths ignore it; openat(2).
// syscalls: openat mkdirat unlinkat newfstatat renameat linkat symlinkat readlinkat fchmodat fchownat mknodat futimesat
// build: static musl
#include "ktap.h"
#include <sys/time.h>

static int d;

TEST(relative_to_the_descriptor) {
    scratch();
    MUST(mkdir("d", 0755));
    d = MUST(open("d", O_RDONLY | O_DIRECTORY));
    int fd = openat(d, "f", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0);
    close(fd);
    CHECK_EQ(access("d/f", F_OK), 0);
    CHECK_EQ(faccessat(d, "f", R_OK, 0), 0);
    CHECK_EQ(mkdirat(d, "sub", 0700), 0);
    CHECK_EQ(symlinkat("f", d, "link"), 0);
    char b[8] = {0};
    CHECK_EQ(readlinkat(d, "link", b, sizeof b), 1);
    CHECK_EQ(linkat(d, "f", d, "hard", 0), 0);
    CHECK_EQ(renameat(d, "hard", d, "sub/hard"), 0);
    CHECK_EQ(access("d/sub/hard", F_OK), 0);
    CHECK_EQ(fchmodat(d, "f", 0640, 0), 0);
    CHECK_EQ(fchownat(d, "f", -1, -1, 0), 0);
    CHECK_EQ(mknodat(d, "fifo", S_IFIFO | 0600, 0), 0);
    struct timeval times[2] = {{100, 0}, {200, 0}};
    struct stat st;
    CHECK_EQ(syscall(SYS_futimesat, d, "f", times), 0);
    CHECK_EQ(fstatat(d, "f", &st, 0), 0);
    CHECK_EQ(st.st_mode & 07777, 0640);
    CHECK_EQ(st.st_nlink, 2);
    CHECK_EQ(st.st_mtime, 200);
    CHECK_EQ(fstatat(d, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
    CHECK(S_ISLNK(st.st_mode));
}

TEST(absolute_ignores_it) {
    struct stat st;
    CHECK_EQ(fstatat(-1, "/", &st, 0), 0);
    CHECK_EQ(fstatat(1, "/", &st, 0), 0);
}

TEST(empty_path_is_the_descriptor) {
    struct stat a, b;
    CHECK_EQ(fstatat(d, "", &a, AT_EMPTY_PATH), 0);
    CHECK_EQ(fstat(d, &b), 0);
    CHECK_EQ(a.st_ino, b.st_ino);
    CHECK_ERR(fstatat(d, "", &a, 0), ENOENT);
}

TEST(removal) {
    CHECK_ERR(unlinkat(d, "sub", 0), EISDIR);
    CHECK_ERR(unlinkat(d, "sub", AT_REMOVEDIR), ENOTEMPTY);
    CHECK_EQ(unlinkat(d, "sub/hard", 0), 0);
    CHECK_EQ(unlinkat(d, "sub", AT_REMOVEDIR), 0);
    CHECK_ERR(unlinkat(d, "f", AT_REMOVEDIR), ENOTDIR);
    CHECK_ERR(unlinkat(d, "f", 0x4000), EINVAL);
}

TEST(bad_descriptors) {
    int fd = MUST(open("d/f", O_RDONLY));
    CHECK_ERR(openat(-1, "f", O_RDONLY), EBADF);
    CHECK_ERR(openat(fd, "f", O_RDONLY), ENOTDIR);
}
