// mremap() changes a whole view within its region and never moves it; mm/nommu.c (do_mremap).
// strict: --mem 32M
// build: musl
#include "ktap.h"

#define RW (PROT_READ | PROT_WRITE)

static char *remap(char *p, int old, int new, int flags, char *to) {
    return (char *)syscall(SYS_mremap, p, old * 4096L, new * 4096L, flags, to);
}

TEST(shrinks_and_comes_back) {
    char *p = MUST(mmap(NULL, 4 * 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    p[3 * 4096] = 5;
    CHECK(remap(p, 4, 2, 0, 0) == p);
    CHECK_ERR(munmap(p, 4 * 4096), EINVAL);
    CHECK(remap(p, 2, 4, 0, 0) == p);
    CHECK_EQ(p[3 * 4096], 5); // the region had it all the time
    CHECK_EQ(munmap(p, 4 * 4096), 0);
}

TEST(never_moves) {
    char *p = MUST(mmap(NULL, 4 * 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK_ERR((long)remap(p, 4, 5, 0, 0), ENOMEM);
    CHECK_ERR((long)remap(p, 4, 5, MREMAP_MAYMOVE, 0), ENOMEM);
    CHECK_ERR((long)remap(p, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, p + (1 << 20)), EINVAL);
    CHECK(remap(p, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p);
    CHECK_EQ(munmap(p, 4 * 4096), 0);
}

TEST(exactly_one_view) {
    char *p = MUST(mmap(NULL, 4 * 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK_ERR((long)remap(p, 3, 2, 0, 0), EINVAL);
    CHECK_ERR((long)remap(p + 4096, 3, 2, 0, 0), EINVAL);
    CHECK_ERR((long)remap(p + 1, 4, 2, 0, 0), EINVAL);
    CHECK_ERR((long)remap(p, 0, 2, 0, 0), EINVAL);
    CHECK_ERR((long)remap(p, 4, 0, 0, 0), EINVAL);
    CHECK_EQ(munmap(p, 4 * 4096), 0);
}

TEST(shareable_views_stay) {
    scratch();
    put_file("f", "some text");
    int fd = MUST(open("f", O_RDONLY));
    char *p = MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    CHECK_ERR((long)remap(p, 1, 1, 0, 0), EPERM);
    MUST(munmap(p, 4096));
    p = MUST(mmap(NULL, 4096, RW, MAP_PRIVATE, fd, 0));
    CHECK(remap(p, 1, 1, 0, 0) == p);
    MUST(munmap(p, 4096));
}
