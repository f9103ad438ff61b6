// munmap() takes any pages out of a map: the head, the tail, the middle, several maps at once; munmap(2).
// syscalls: munmap mincore
// build: static musl
#include "ktap.h"

static char *pages(int n) {
    char *p = MUST(mmap(NULL, n * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (int i = 0; i < n; i++) p[i * 4096] = i + 1;
    return p;
}
static int mapped(char *p) {
    unsigned char v;
    return mincore(p, 4096, &v) == 0;
}

TEST(head_and_tail) {
    char *p = pages(5);
    CHECK_EQ(munmap(p, 4096), 0);
    CHECK_EQ(munmap(p + 4 * 4096, 4096), 0);
    for (int i = 1; i < 4; i++) CHECK_EQ(p[i * 4096], i + 1);
    CHECK(!mapped(p) && !mapped(p + 4 * 4096));
    MUST(munmap(p + 4096, 3 * 4096));
}

TEST(middle) {
    char *p = pages(5);
    CHECK_EQ(munmap(p + 2 * 4096, 4096), 0);
    CHECK(mapped(p) && mapped(p + 4096) && !mapped(p + 2 * 4096) && mapped(p + 3 * 4096));
    CHECK(p[4096] == 2 && p[3 * 4096] == 4 && p[4 * 4096] == 5);
    CHECK_EQ(munmap(p, 5 * 4096), 0);
    for (int i = 0; i < 5; i++) CHECK(!mapped(p + i * 4096));
}

TEST(nothing_there_is_fine) {
    char *p = pages(3);
    MUST(munmap(p, 3 * 4096));
    CHECK_EQ(munmap(p, 3 * 4096), 0);
}

TEST(hole_can_be_filled) {
    char *p = pages(3);
    MUST(munmap(p + 4096, 4096));
    char *q = MUST(mmap(p + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    CHECK(q == p + 4096);
    CHECK_EQ(*q, 0);
    CHECK(p[0] == 1 && p[8192] == 3);
    MUST(munmap(p, 3 * 4096));
}

TEST(errors) {
    CHECK_ERR(munmap((void *)4096, 0), EINVAL);
    CHECK_ERR(munmap((void *)0xffff800000000000, 4096), EINVAL);
}
