// MAP_FIXED replaces pages inside one's own reservation; MAP_FIXED_NOREPLACE refuses; mmap(2).
// syscalls: mmap
// build: static musl fixed
#include "ktap.h"

static char *area;

TEST(over_a_reservation) {
    area = MUST(mmap(NULL, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    char *p = MUST(mmap(area + 4096, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    CHECK(p == area + 4096);
    memset(p, 5, 8192);
    CHECK_EQ(p[8191], 5);
}

TEST(replaced_pages_are_fresh) {
    char *p = MUST(mmap(area + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    CHECK_EQ(p[0], 0);
    CHECK_EQ(p[4096], 5);
}

TEST(file_over_anonymous) {
    scratch();
    put_file("f", "fixed file");
    int fd = MUST(open("f", O_RDONLY));
    char *p = MUST(mmap(area + 8 * 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0));
    CHECK(p == area + 8 * 4096);
    CHECK(strcmp(p, "fixed file") == 0);
}

TEST(noreplace) {
    CHECK_ERR((long)mmap(area, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
    MUST(munmap(area, 4096));
    char *p = mmap(area, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(p == area);
}

TEST(unaligned) {
    CHECK_ERR((long)mmap(area + 1, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
}
