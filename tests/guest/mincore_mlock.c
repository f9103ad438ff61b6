// mincore() tells mapped from unmapped, mlock() takes mapped pages; mincore(2), mlock(2).
// syscalls: mincore mlock munlock mlockall munlockall mlock2
#include "ktap.h"

TEST(touched_pages_are_in_core) {
    unsigned char v[4] = {0};
    char *p = MUST(mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    p[0] = p[4096 * 2] = 1;
    CHECK_EQ(mincore(p, 4 * 4096, v), 0);
    CHECK(v[0] & 1 && v[2] & 1);
}

TEST(unmapped_is_enomem) {
    unsigned char v[4];
    char *p = MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    MUST(munmap(p, 4096));
    CHECK_ERR(mincore(p, 4096, v), ENOMEM);
    CHECK_ERR(mlock(p, 4096), ENOMEM);
    CHECK_ERR(mincore(p + 1, 4096, v), EINVAL);
}

TEST(lock_and_unlock) {
    char *p = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK_EQ(mlock(p, 4096), 0);
    CHECK_EQ(syscall(SYS_mlock2, p + 4096, 4096, 1), 0);
    CHECK_EQ(munlock(p, 8192), 0);
    CHECK_ERR(mlockall(0), EINVAL);
    CHECK_ERR(mlockall(64), EINVAL);
    CHECK_EQ(mlockall(MCL_CURRENT), 0);
    CHECK_EQ(munlockall(), 0);
}
