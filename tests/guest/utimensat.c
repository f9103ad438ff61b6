// Times are set to given moments, to now, or left alone; utimensat(2), utime(2).
// syscalls: utimensat utimes utime
// build: static musl
#include "ktap.h"
#include <sys/time.h>
#include <utime.h>

static struct stat st;

TEST(given_moments) {
    scratch();
    put_file("f", "");
    struct timespec t[2] = {{1000, 111}, {2000, 222}};
    CHECK_EQ(utimensat(AT_FDCWD, "f", t, 0), 0);
    MUST(stat("f", &st));
    CHECK(st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 111);
    CHECK(st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 222);
}

TEST(omit_and_now) {
    struct timespec t[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    CHECK_EQ(utimensat(AT_FDCWD, "f", t, 0), 0);
    MUST(stat("f", &st));
    CHECK_EQ(st.st_atim.tv_sec, 1000);
    CHECK(st.st_mtim.tv_sec > 1600000000);
}

TEST(null_is_now) {
    int fd = MUST(open("f", O_RDWR));
    CHECK_EQ(futimens(fd, NULL), 0);
    MUST(stat("f", &st));
    CHECK(st.st_atim.tv_sec > 1600000000);
}

TEST(link_itself) {
    MUST(symlink("f", "link"));
    struct timespec t[2] = {{10, 0}, {20, 0}};
    CHECK_EQ(utimensat(AT_FDCWD, "link", t, AT_SYMLINK_NOFOLLOW), 0);
    MUST(lstat("link", &st));
    CHECK_EQ(st.st_mtim.tv_sec, 20);
    MUST(stat("f", &st));
    CHECK(st.st_mtim.tv_sec > 1600000000);
}

TEST(older_calls) {
    struct timeval v[2] = {{30, 5}, {40, 6}};
    struct utimbuf u = {50, 60};
    CHECK_EQ(syscall(SYS_utimes, "f", v), 0);
    MUST(stat("f", &st));
    CHECK(st.st_mtim.tv_sec == 40 && st.st_mtim.tv_nsec == 6000);
    CHECK_EQ(syscall(SYS_utime, "f", &u), 0);
    MUST(stat("f", &st));
    CHECK(st.st_atim.tv_sec == 50 && st.st_mtim.tv_sec == 60);
}

TEST(errors) {
    struct timespec t[2] = {{0, 1000000000}, {0, 0}};
    CHECK_ERR(utimensat(AT_FDCWD, "f", t, 0), EINVAL);
    CHECK_ERR(utimensat(AT_FDCWD, "none", NULL, 0), ENOENT);
    CHECK_ERR(utimensat(AT_FDCWD, "f", NULL, 0x4000), EINVAL);
}
