// Reading, writing and renaming touch the right one of atime, mtime and ctime; stat(2), inode(7).
// syscalls: newfstatat
#include "ktap.h"

static int later(struct timespec a, struct timespec b) { return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec); }

TEST(write_sets_mtime_and_ctime) {
    scratch();
    struct stat before, after;
    put_file("f", "a");
    MUST(stat("f", &before));
    sleep_ms(20);
    int fd = MUST(open("f", O_WRONLY | O_APPEND));
    MUST(write(fd, "b", 1));
    close(fd);
    MUST(stat("f", &after));
    CHECK(later(after.st_mtim, before.st_mtim));
    CHECK(later(after.st_ctim, before.st_ctim));
}

TEST(chmod_sets_only_ctime) {
    struct stat before, after;
    MUST(stat("f", &before));
    sleep_ms(20);
    MUST(chmod("f", 0600));
    MUST(stat("f", &after));
    CHECK(!later(after.st_mtim, before.st_mtim));
    CHECK(later(after.st_ctim, before.st_ctim));
}

TEST(creation_sets_the_directorys) {
    struct stat before, after;
    MUST(stat(".", &before));
    sleep_ms(20);
    put_file("g", "");
    MUST(stat(".", &after));
    CHECK(later(after.st_mtim, before.st_mtim));
    sleep_ms(20);
    MUST(unlink("g"));
    MUST(stat(".", &before));
    CHECK(later(before.st_mtim, after.st_mtim));
}
