// /proc/self/mem reads and writes the process's own memory by address; proc(5).
// syscalls: pread64 pwrite64
#include "ktap.h"

static int cell = 4711;

TEST(read_and_write) {
    int fd = MUST(open("/proc/self/mem", O_RDWR)), v = 0;
    CHECK_EQ(pread(fd, &v, sizeof v, (off_t)&cell), sizeof v);
    CHECK_EQ(v, 4711);
    v = 815;
    CHECK_EQ(pwrite(fd, &v, sizeof v, (off_t)&cell), sizeof v);
    CHECK_EQ(*(volatile int *)&cell, 815);
}

TEST(nothing_there) {
    int fd = MUST(open("/proc/self/mem", O_RDONLY)), v;
    CHECK_ERR(pread(fd, &v, sizeof v, 0), EIO);
}
