// Hundreds of maps of mixed sizes, freed in mixed order, never overlap; malloc on top of them holds up; mmap(2).
// syscalls: mmap munmap brk
// build: static musl
#include "ktap.h"

enum { COUNT = 300 };
static char *maps[COUNT];
static size_t sizes[COUNT];
static uint32_t seed = 12345;
static uint32_t next(void) { return (seed = seed * 1664525 + 1013904223) >> 8; }

static int stamped(int i) {
    uint32_t *first = (uint32_t *)maps[i], *last = (uint32_t *)(maps[i] + sizes[i] - 4);
    return *first == (uint32_t)i + 1 && *last == (uint32_t)i + 1;
}

TEST(no_overlap) {
    for (int step = 0; step < 3000; step++) {
        int i = next() % COUNT;
        if (maps[i]) {
            CHECK(stamped(i));
            CHECK_EQ(munmap(maps[i], sizes[i]), 0);
            maps[i] = NULL;
        } else {
            sizes[i] = (next() % 32 + 1) * 4096;
            maps[i] = MUST(mmap(NULL, sizes[i], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
            CHECK_EQ(*(uint32_t *)maps[i], 0);
            CHECK_EQ(*(uint32_t *)(maps[i] + sizes[i] - 4), 0);
            *(uint32_t *)maps[i] = *(uint32_t *)(maps[i] + sizes[i] - 4) = i + 1;
        }
    }
    for (int i = 0; i < COUNT; i++)
        if (maps[i]) {
            CHECK(stamped(i));
            MUST(munmap(maps[i], sizes[i]));
        }
}

TEST(malloc_of_all_sizes) {
    static char *blocks[200];
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 200; i++) {
            size_t size = 1 + next() % (i % 10 ? 5000 : 300000);
            CHECK((blocks[i] = malloc(size)) != NULL);
            memset(blocks[i], i, size);
        }
        for (int i = 0; i < 200; i++) {
            CHECK_EQ((unsigned char)blocks[i][0], i);
            free(blocks[i]);
        }
    }
}

TEST(large_reservation_costs_nothing) {
    char *p = MUST(mmap(NULL, 1UL << 32, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    MUST(mprotect(p + (1UL << 31), 4096, PROT_READ | PROT_WRITE));
    p[1UL << 31] = 1;
    CHECK_EQ(munmap(p, 1UL << 32), 0);
}

TEST(impossible_request) {
    CHECK_ERR((long)mmap(NULL, 1UL << 48, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
    CHECK_ERR((long)mmap(NULL, ~0UL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
}
