// statx() gives what stat gives, by mask, by descriptor or path; statx(2).
// syscalls: statx
#include "ktap.h"
#include <sys/sysmacros.h>

TEST(agrees_with_stat) {
    scratch();
    put_file("f", "123");
    struct statx x;
    struct stat st;
    memset(&x, 0xff, sizeof x);
    CHECK_EQ(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x), 0);
    MUST(stat("f", &st));
    CHECK_EQ(x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
    CHECK_EQ(x.stx_size, 3);
    CHECK_EQ(x.stx_mode, st.st_mode);
    CHECK_EQ(x.stx_ino, st.st_ino);
    CHECK_EQ(x.stx_nlink, 1);
    CHECK_EQ(x.stx_uid, st.st_uid);
    CHECK_EQ(x.stx_mtime.tv_sec, st.st_mtim.tv_sec);
    CHECK_EQ(x.stx_mtime.tv_nsec, st.st_mtim.tv_nsec);
    CHECK_EQ(makedev(x.stx_dev_major, x.stx_dev_minor), st.st_dev);
}

TEST(by_descriptor) {
    struct statx x;
    int fd = MUST(open("f", O_RDONLY));
    CHECK_EQ(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x), 0);
    CHECK_EQ(x.stx_size, 3);
    CHECK_ERR(statx(fd, "", 0, STATX_SIZE, &x), ENOENT);
}

TEST(link_itself) {
    struct statx x;
    MUST(symlink("f", "link"));
    CHECK_EQ(statx(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &x), 0);
    CHECK(S_ISLNK(x.stx_mode));
}

TEST(errors) {
    struct statx x;
    CHECK_ERR(statx(AT_FDCWD, "none", 0, STATX_SIZE, &x), ENOENT);
    CHECK_ERR(statx(AT_FDCWD, "f", 0x1, STATX_SIZE, &x), EINVAL);
    CHECK_ERR(statx(AT_FDCWD, "f", 0, 1U << 31, &x), EINVAL);
    CHECK_ERR(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_SIZE, (void *)8), EFAULT);
}
