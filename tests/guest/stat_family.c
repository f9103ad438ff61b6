// stat, fstat and lstat agree on type, size, links, times and blocks; stat(2).
// syscalls: stat fstat lstat newfstatat
// build: static musl
#include "ktap.h"

static struct stat st;

TEST(regular_file) {
    scratch();
    umask(022);
    put_file("f", "12345");
    CHECK_EQ(syscall(SYS_stat, "f", &st), 0);
    CHECK_EQ(st.st_mode, S_IFREG | 0644);
    CHECK_EQ(st.st_size, 5);
    CHECK_EQ(st.st_nlink, 1);
    CHECK_EQ(st.st_uid, geteuid());
    CHECK_EQ(st.st_gid, getegid());
    CHECK(st.st_blksize >= 512);
    CHECK(st.st_ino != 0);
    CHECK(st.st_mtim.tv_sec > 1600000000);
}

TEST(by_descriptor_the_same) {
    struct stat other;
    int fd = MUST(open("f", O_RDONLY));
    CHECK_EQ(syscall(SYS_fstat, fd, &other), 0);
    CHECK(other.st_ino == st.st_ino && other.st_dev == st.st_dev && other.st_size == st.st_size);
}

TEST(directory_and_link) {
    MUST(mkdir("d", 0755));
    MUST(symlink("f", "link"));
    CHECK_EQ(stat("d", &st), 0);
    CHECK(S_ISDIR(st.st_mode));
    CHECK_EQ(syscall(SYS_lstat, "link", &st), 0);
    CHECK(S_ISLNK(st.st_mode));
    CHECK_EQ(st.st_size, 1);
    CHECK_EQ(stat("link", &st), 0);
    CHECK(S_ISREG(st.st_mode));
}

TEST(devices_and_pipes) {
    int p[2];
    CHECK_EQ(stat("/dev/null", &st), 0);
    CHECK(S_ISCHR(st.st_mode));
    CHECK_EQ(st.st_rdev, 0x103);
    MUST(pipe(p));
    CHECK_EQ(fstat(p[0], &st), 0);
    CHECK(S_ISFIFO(st.st_mode));
}

TEST(errors) {
    CHECK_ERR(stat("none", &st), ENOENT);
    CHECK_ERR(stat("f/x", &st), ENOTDIR);
    CHECK_ERR(stat("", &st), ENOENT);
    CHECK_ERR(fstat(-1, &st), EBADF);
    CHECK_ERR(syscall(SYS_stat, "f", (void *)8), EFAULT);
    CHECK_ERR(syscall(SYS_stat, (void *)8, &st), EFAULT);
}
