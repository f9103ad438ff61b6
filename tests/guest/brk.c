// The program break grows, shrinks, and gives zeroed memory; brk(2).
// syscalls: brk
#include "ktap.h"

static char *raw_brk(void *to) { return (char *)syscall(SYS_brk, to); }

TEST(grow_and_write) {
    char *start = raw_brk(0);
    CHECK(start != NULL);
    CHECK(raw_brk(start + 65536) == start + 65536);
    for (int i = 0; i < 65536; i++) CHECK_EQ(start[i], 0);
    memset(start, 7, 65536);
    CHECK(raw_brk(start) == start);
}

TEST(regrown_memory_is_zero) {
    char *start = (char *)(((uintptr_t)raw_brk(0) + 4095) & ~4095UL);
    CHECK(raw_brk(start + 8192) == start + 8192);
    memset(start, 9, 8192);
    CHECK(raw_brk(start) == start);
    CHECK(raw_brk(start + 8192) == start + 8192);
    for (int i = 0; i < 8192; i++) CHECK_EQ(start[i], 0);
    raw_brk(start);
}

TEST(absurd_request_changes_nothing) {
    char *start = raw_brk(0);
    CHECK(raw_brk((void *)~0UL) == start);
    CHECK(raw_brk((void *)1) == start);
    CHECK(raw_brk(0) == start);
}

TEST(sbrk_of_libc) {
    char *before = sbrk(0);
    CHECK(sbrk(4096) == before);
    before[4095] = 1;
    CHECK(sbrk(-4096) == before + 4096);
}
