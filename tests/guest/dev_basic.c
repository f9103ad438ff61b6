// /dev/null, zero and full: reading, writing, mapping; null(4), full(4).
// syscalls: read write mmap lseek
// build: static musl
#include "ktap.h"
#include <poll.h>

static char b[5000];

TEST(null) {
    int fd = MUST(open("/dev/null", O_RDWR));
    CHECK_EQ(write(fd, b, sizeof b), sizeof b);
    CHECK_EQ(read(fd, b, sizeof b), 0);
    CHECK_EQ(lseek(fd, 100, SEEK_SET), 0);
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLIN | POLLOUT);
    CHECK_EQ(fd = open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600), fd);
    CHECK(fd >= 0);
}

TEST(zero) {
    int fd = MUST(open("/dev/zero", O_RDWR));
    memset(b, 1, sizeof b);
    CHECK_EQ(read(fd, b, sizeof b), sizeof b);
    for (unsigned i = 0; i < sizeof b; i++) CHECK_EQ(b[i], 0);
    CHECK_EQ(write(fd, b, 10), 10);
    char *p = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    CHECK_EQ(p[8191], 0);
    p[8191] = 1;
    char *s = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    CHECK_EQ(s[0], 0);
}

TEST(full) {
    int fd = MUST(open("/dev/full", O_RDWR));
    CHECK_ERR(write(fd, "x", 1), ENOSPC);
    b[0] = 1;
    CHECK_EQ(read(fd, b, 10), 10);
    CHECK_EQ(b[0], 0);
}

TEST(numbers) {
    const struct { const char *path; int number; } devices[] = {
        {"/dev/null", 0x103}, {"/dev/zero", 0x105}, {"/dev/full", 0x107}, {"/dev/random", 0x108}, {"/dev/urandom", 0x109}, {"/dev/tty", 0x500}, {"/dev/ptmx", 0x502}};
    for (unsigned i = 0; i < sizeof devices / sizeof *devices; i++) {
        struct stat st;
        CHECK_EQ(stat(devices[i].path, &st), 0);
        CHECK(S_ISCHR(st.st_mode));
        CHECK_EQ(st.st_rdev, devices[i].number);
    }
}
