// getrandom() fills any length with bytes that differ; getrandom(2).
// syscalls: getrandom
// build: static musl
#include "ktap.h"
#include <sys/random.h>

TEST(fills_and_differs) {
    unsigned char a[256] = {0}, b[256] = {0};
    CHECK_EQ(getrandom(a, sizeof a, 0), 256);
    CHECK_EQ(getrandom(b, sizeof b, GRND_NONBLOCK), 256);
    CHECK(memcmp(a, b, sizeof a) != 0);
    int distinct = 0;
    char seen[256] = {0};
    for (int i = 0; i < 256; i++)
        if (!seen[a[i]]) seen[a[i]] = 1, distinct++;
    CHECK(distinct > 64);
}

TEST(large) {
    static unsigned char big[1 << 20];
    CHECK_EQ(getrandom(big, sizeof big, 0), sizeof big);
    long ones = 0;
    for (unsigned i = 0; i < sizeof big; i++) ones += __builtin_popcount(big[i]);
    CHECK(ones > 4100000 && ones < 4290000);
}

TEST(errors) {
    char c;
    CHECK_ERR(getrandom(&c, 1, 0x100), EINVAL);
    CHECK_ERR(syscall(SYS_getrandom, (void *)8, 10, 0), EFAULT);
}
