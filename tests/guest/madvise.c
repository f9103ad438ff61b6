// MADV_DONTNEED empties private memory to zeros and rereads file maps; advice is checked; madvise(2).
// syscalls: madvise
// build: static musl
#include "ktap.h"

TEST(anonymous_becomes_zero) {
    char *p = MUST(mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memset(p, 7, 4 * 4096);
    CHECK_EQ(madvise(p + 4096, 8192, MADV_DONTNEED), 0);
    CHECK(p[4095] == 7 && p[3 * 4096] == 7);
    for (int i = 4096; i < 3 * 4096; i++) CHECK_EQ(p[i], 0);
    p[4096] = 1;
    CHECK_EQ(p[4096], 1);
}

TEST(private_file_map_shows_the_file_again) {
    scratch();
    put_file("f", "original");
    int fd = MUST(open("f", O_RDONLY));
    char *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    p[0] = 'X';
    CHECK_EQ(madvise(p, 4096, MADV_DONTNEED), 0);
    CHECK_EQ(p[0], 'o');
}

TEST(hints_are_taken) {
    char *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    p[0] = 3;
    int hints[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTFORK, MADV_DOFORK, MADV_DONTDUMP};
    for (unsigned i = 0; i < sizeof hints / sizeof *hints; i++) CHECK_EQ(madvise(p, 4096, hints[i]), 0);
    CHECK_EQ(p[0], 3);
}

TEST(free_keeps_or_zeroes) {
    char *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    p[0] = 3;
    CHECK_EQ(madvise(p, 4096, MADV_FREE), 0);
    CHECK(p[0] == 3 || p[0] == 0);
    p[0] = 4;
    CHECK_EQ(p[0], 4);
}

TEST(errors) {
    char *p = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK_ERR(madvise(p + 1, 4096, MADV_DONTNEED), EINVAL);
    CHECK_ERR(madvise(p, 4096, 9999), EINVAL);
    MUST(munmap(p + 4096, 4096));
    CHECK_ERR(madvise(p, 8192, MADV_DONTNEED), ENOMEM);
}
