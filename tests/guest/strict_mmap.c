// mmap() chooses the place alone, in blocks of powers of two; mm/nommu.c (validate_mmap_request, do_mmap, do_mmap_private).
// strict: --mem 64M
// build: musl
#include "ktap.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static char *map(size_t len) { return MUST(mmap(NULL, len, RW, ANON, -1, 0)); }

TEST(no_chosen_addresses) {
    char *p = map(65536);
    CHECK_ERR((long)mmap(p, 4096, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
    CHECK_ERR((long)mmap(p + 1, 4096, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
    CHECK_ERR((long)mmap(p, 0, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
    CHECK_ERR((long)mmap(p, 4096, RW, MAP_PRIVATE | MAP_FIXED, 99, 0), EBADF);
    // The flag is mm/mmap.c's alone; here the address is a hint.
    char *q = mmap(p, 4096, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(q != MAP_FAILED && (q < p || q >= p + 65536));
    MUST(munmap(q, 4096));
    MUST(munmap(p, 65536));
}

TEST(hints_are_ignored) {
    char *p = map(1 << 20);
    MUST(munmap(p, 1 << 20));
    char *q = MUST(mmap(p + (1 << 19), 4096, RW, ANON, -1, 0));
    CHECK(q != p + (1 << 19));
    char *r = MUST(mmap((void *)0x10000000, 4096, RW, ANON | MAP_32BIT, -1, 0));
    CHECK((uintptr_t)r > 0x80000000);
    MUST(munmap(q, 4096));
    MUST(munmap(r, 4096));
}

TEST(blocks_are_aligned_to_their_size) {
    for (size_t len = 4096; len <= 4 << 20; len += len / 2) {
        size_t block = 4096;
        while (block < len) block *= 2;
        char *p = map(len);
        CHECK_EQ((uintptr_t)p % block, 0);
        MUST(munmap(p, len));
    }
}

TEST(memory_is_zero) {
    for (int i = 0; i < 3; i++) {
        char *p = map(40000);
        for (int j = 0; j < 40960; j++) CHECK_EQ(p[j], 0);
        memset(p, 0x55, 40960);
        MUST(munmap(p, 40000));
    }
}

TEST(types) {
    CHECK_ERR((long)mmap(NULL, 4096, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERR((long)mmap(NULL, 4096, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERR((long)mmap(NULL, 0, RW, ANON, -1, 0), EINVAL);
    CHECK_ERR((long)mmap(NULL, ~0UL, RW, ANON, -1, 0), ENOMEM);
    CHECK_ERR((long)mmap(NULL, 4096, RW, ANON, -1, 17), EINVAL);
    char *p = MUST(mmap(NULL, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    strcpy(p, "as private");
    MUST(munmap(p, 4096));
}
