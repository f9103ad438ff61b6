// O_PATH descriptors name a file without opening it; open(2).
// syscalls: openat fchdir readlinkat newfstatat
#include "ktap.h"

TEST(no_reading) {
    scratch();
    put_file("f", "x");
    int fd = MUST(open("f", O_PATH));
    char c;
    struct stat st;
    CHECK_ERR(read(fd, &c, 1), EBADF);
    CHECK_ERR(write(fd, "y", 1), EBADF);
    CHECK_ERR(fchmod(fd, 0600), EBADF);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_size, 1);
    CHECK(fcntl(fd, F_GETFL) & O_PATH);
}

TEST(reopened_through_proc) {
    char path[64], c;
    int fd = MUST(open("f", O_PATH));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = MUST(open(path, O_RDONLY));
    CHECK_EQ(read(again, &c, 1), 1);
}

TEST(directory_as_a_base) {
    MUST(mkdir("d", 0755));
    put_file("d/inner", "in");
    int d = MUST(open("d", O_PATH | O_DIRECTORY));
    int fd = MUST(openat(d, "inner", O_RDONLY));
    CHECK(fd >= 0);
    CHECK_EQ(fchdir(d), 0);
    CHECK_EQ(access("inner", F_OK), 0);
    MUST(chdir(".."));
}

TEST(the_link_itself) {
    char target[16] = {0};
    struct stat st;
    MUST(symlink("f", "link"));
    int fd = MUST(open("link", O_PATH | O_NOFOLLOW));
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK(S_ISLNK(st.st_mode));
    CHECK_EQ(readlinkat(fd, "", target, sizeof target), 1);
    CHECK_EQ(target[0], 'f');
}
