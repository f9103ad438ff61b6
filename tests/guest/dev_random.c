// /dev/random and /dev/urandom give bytes that differ, any amount, and take some; random(4).
// syscalls: read write
#include "ktap.h"

static void try_device(const char *path) {
    unsigned char a[300] = {0}, b[300] = {0};
    int fd = MUST(open(path, O_RDWR));
    CHECK_EQ(read(fd, a, sizeof a), sizeof a);
    CHECK_EQ(read(fd, b, sizeof b), sizeof b);
    CHECK(memcmp(a, b, sizeof a) != 0);
    int zeros = 0;
    for (unsigned i = 0; i < sizeof a; i++) zeros += a[i] == 0;
    CHECK(zeros < 20);
    CHECK_EQ(write(fd, a, sizeof a), sizeof a);
    close(fd);
}

TEST(random) { try_device("/dev/random"); }
TEST(urandom) { try_device("/dev/urandom"); }
