// The trace marker: written by anyone, never read, a whole word a write; Documentation/trace/ftrace.rst.
// syscalls: openat read write writev lseek
// build: static musl
// differs: on Linux there is no /dev/trace_marker, and the file in tracefs is for root
#include "ktap.h"
#include <sys/uio.h>

static const char *const PATHS[] = {"/dev/trace_marker", "/sys/kernel/tracing/trace_marker", "/sys/kernel/debug/tracing/trace_marker"};

TEST(everyone_may_write) {
    if (!under_llano()) return;
    for (int i = 0; i < 3; i++) {
        int fd = MUST(open(PATHS[i], O_WRONLY | O_CREAT | O_TRUNC, 0600));
        CHECK_EQ(write(fd, "B|1|slice", 9), 9);
        CHECK_EQ(write(fd, "E|1\n", 4), 4);
        CHECK_EQ(write(fd, "", 0), 0);
        struct iovec parts[2] = {{"one ", 4}, {"word", 4}};
        CHECK_EQ(writev(fd, parts, 2), 8);
        CHECK_EQ(close(fd), 0);
        struct stat st;
        CHECK_EQ(stat(PATHS[i], &st), 0);
        CHECK_EQ(st.st_mode & 0777, 0222);
    }
}

TEST(long_words_and_bad_ones) {
    if (!under_llano()) return;
    int fd = MUST(open(PATHS[0], O_WRONLY));
    static char text[100000];
    memset(text, 'x', sizeof text);
    CHECK_EQ(write(fd, text, sizeof text), sizeof text);
    CHECK_ERR(write(fd, (void *)8, 10), EFAULT);
    CHECK_ERR(lseek(fd, 1, SEEK_SET), ESPIPE);
    CHECK_ERR(pwrite(fd, "x", 1, 0), ESPIPE);
    char c;
    CHECK_ERR(read(fd, &c, 1), EBADF);
    // Root may open it for reading, but there is nothing to read.
    int both = open(PATHS[0], O_RDWR);
    if (both >= 0) CHECK_ERR(read(both, &c, 1), EINVAL);
    else CHECK_EQ(errno, EACCES);
}
