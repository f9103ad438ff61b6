// sendfile() copies from a file to any descriptor, from its position or an offset; sendfile(2).
// syscalls: sendfile
#include "ktap.h"
#include <sys/sendfile.h>

static int in, p[2];
static char b[64];

TEST(from_the_position) {
    scratch();
    put_file("f", "0123456789");
    in = MUST(open("f", O_RDONLY));
    MUST(pipe(p));
    MUST(lseek(in, 2, SEEK_SET));
    CHECK_EQ(sendfile(p[1], in, NULL, 4), 4);
    CHECK_EQ(read(p[0], b, sizeof b), 4);
    CHECK(memcmp(b, "2345", 4) == 0);
    CHECK_EQ(lseek(in, 0, SEEK_CUR), 6);
}

TEST(from_an_offset) {
    off_t offset = 8;
    CHECK_EQ(sendfile(p[1], in, &offset, 100), 2);
    CHECK_EQ(offset, 10);
    CHECK_EQ(lseek(in, 0, SEEK_CUR), 6);
    CHECK_EQ(read(p[0], b, sizeof b), 2);
    CHECK_EQ(sendfile(p[1], in, &offset, 100), 0);
}

TEST(file_to_file) {
    int out = MUST(open("g", O_WRONLY | O_CREAT, 0600));
    off_t offset = 0;
    CHECK_EQ(sendfile(out, in, &offset, 10), 10);
    CHECK(strcmp(get_file("g"), "0123456789") == 0);
}

TEST(large) {
    int big = MUST(open("big", O_RDWR | O_CREAT, 0600)), out = MUST(open("copy", O_RDWR | O_CREAT, 0600));
    MUST(ftruncate(big, 1000000));
    MUST(pwrite(big, "end", 3, 999997));
    off_t offset = 0;
    while (offset < 1000000) CHECK(sendfile(out, big, &offset, 1000000) > 0);
    CHECK_EQ(pread(out, b, 3, 999997), 3);
    CHECK(memcmp(b, "end", 3) == 0);
}

TEST(errors) {
    off_t offset = 0;
    CHECK_ERR(sendfile(p[0], in, &offset, 1), EBADF);
    CHECK_ERR(sendfile(p[1], p[0], &offset, 1), ESPIPE);
    CHECK_ERR(sendfile(p[1], -1, &offset, 1), EBADF);
    CHECK_ERR(syscall(SYS_sendfile, p[1], in, (void *)8, 1), EFAULT);
}
