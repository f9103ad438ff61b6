// splice() moves bytes between a pipe and anything; tee() copies them; vmsplice() feeds them; splice(2), tee(2).
// syscalls: splice tee vmsplice
#include "ktap.h"
#include <sys/uio.h>

static int a[2], b[2], file;
static char text[64];

TEST(file_to_pipe_to_file) {
    scratch();
    put_file("f", "0123456789");
    file = MUST(open("f", O_RDONLY));
    MUST(pipe(a) | pipe(b));
    loff_t offset = 3;
    CHECK_EQ(splice(file, &offset, a[1], NULL, 5, 0), 5);
    CHECK_EQ(offset, 8);
    int out = MUST(open("g", O_WRONLY | O_CREAT, 0600));
    CHECK_EQ(splice(a[0], NULL, out, NULL, 100, 0), 5);
    CHECK(strcmp(get_file("g"), "34567") == 0);
}

TEST(pipe_to_pipe) {
    MUST(write(a[1], "abcdef", 6));
    CHECK_EQ(splice(a[0], NULL, b[1], NULL, 4, 0), 4);
    CHECK_EQ(read(b[0], text, sizeof text), 4);
    CHECK(memcmp(text, "abcd", 4) == 0);
    CHECK_EQ(read(a[0], text, sizeof text), 2);
}

TEST(tee_leaves_the_source) {
    MUST(write(a[1], "twice", 5));
    CHECK_EQ(tee(a[0], b[1], 100, 0), 5);
    CHECK_EQ(read(a[0], text, sizeof text), 5);
    CHECK_EQ(read(b[0], text, sizeof text), 5);
    CHECK(memcmp(text, "twice", 5) == 0);
}

TEST(vmsplice_from_memory) {
    struct iovec v[2] = {{"from", 4}, {"mem", 3}};
    CHECK_EQ(vmsplice(a[1], v, 2, 0), 7);
    CHECK_EQ(read(a[0], text, sizeof text), 7);
    CHECK(memcmp(text, "frommem", 7) == 0);
}

TEST(nonblocking_and_end) {
    CHECK_ERR(splice(a[0], NULL, b[1], NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
    CHECK_ERR(tee(a[0], b[1], 10, SPLICE_F_NONBLOCK), EAGAIN);
    close(a[1]);
    CHECK_EQ(splice(a[0], NULL, b[1], NULL, 10, 0), 0);
}

TEST(errors) {
    int other = MUST(open("g", O_RDWR));
    loff_t offset = 0;
    CHECK_ERR(splice(file, NULL, other, NULL, 1, 0), EINVAL);
    CHECK_ERR(splice(b[0], &offset, other, NULL, 1, 0), ESPIPE);
    CHECK_ERR(splice(900, NULL, b[1], NULL, 1, 0), EBADF);
    CHECK_ERR(tee(file, b[1], 1, 0), EINVAL);
}
