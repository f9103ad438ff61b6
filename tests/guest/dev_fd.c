// /dev/fd, /dev/stdin and /dev/stdout lead to the process's own descriptors; fd(4).
// syscalls: openat readlink
#include "ktap.h"

TEST(links) {
    char b[64] = {0};
    CHECK(readlink("/dev/fd", b, sizeof b - 1) > 0);
    CHECK(strcmp(b, "/proc/self/fd") == 0);
    memset(b, 0, sizeof b);
    CHECK(readlink("/dev/stdin", b, sizeof b - 1) > 0);
    CHECK(strcmp(b, "/proc/self/fd/0") == 0);
}

TEST(a_pipe_by_name) {
    int p[2];
    char path[32], b[8] = {0};
    MUST(pipe(p));
    snprintf(path, sizeof path, "/dev/fd/%d", p[1]);
    int w = MUST(open(path, O_WRONLY));
    MUST(write(w, "named", 5));
    close(w);
    close(p[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", p[0]);
    int r = MUST(open(path, O_RDONLY));
    CHECK_EQ(read(r, b, 8), 5);
    CHECK_EQ(read(r, b, 8), 0);
}

TEST(standard_input) {
    scratch();
    put_file("f", "input");
    char b[8] = {0};
    int f = MUST(open("f", O_RDONLY)), save = MUST(dup(0));
    MUST(dup2(f, 0));
    int fd = MUST(open("/dev/stdin", O_RDONLY));
    MUST(dup2(save, 0));
    CHECK_EQ(read(fd, b, 8), 5);
    CHECK_EQ(lseek(f, 0, SEEK_CUR), 0);
    CHECK_ERR(open("/dev/fd/777", O_RDONLY), ENOENT);
}
