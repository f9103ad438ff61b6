// Anonymous memory is zero, writable, private to the request, and gone after munmap; mmap(2).
// syscalls: mmap munmap
// build: static musl
#include "ktap.h"

TEST(zero_filled) {
    unsigned char *p = MUST(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK_EQ((uintptr_t)p % 4096, 0);
    for (int i = 0; i < 1 << 20; i++) CHECK_EQ(p[i], 0);
    memset(p, 0xa5, 1 << 20);
    CHECK_EQ(munmap(p, 1 << 20), 0);
}

TEST(reused_memory_is_zero_again) {
    for (int round = 0; round < 20; round++) {
        unsigned char *p = MUST(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        for (int i = 0; i < 65536; i++) CHECK_EQ(p[i], 0);
        memset(p, 0xff, 65536);
        MUST(munmap(p, 65536));
    }
}

TEST(reused_memory_of_other_sizes_and_protections) {
    static const int sizes[] = {4096, 65536, 8192, 262144, 65536, 4096, 524288, 8192};
    for (int round = 0; round < 64; round++) {
        int size = sizes[round % 8], half = round % 3 == 0 ? size / 2 & -4096 : 0;
        unsigned char *p = MUST(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        for (int i = 0; i < size; i++) CHECK_EQ(p[i], 0);
        memset(p, 0xff, size - round % 2 * 4096);
        if (round % 5 == 0) MUST(mprotect(p, size, PROT_READ));
        if (half) MUST(munmap(p, half));
        MUST(munmap(p + half, size - half));
        p = MUST(mmap(NULL, size, round % 4 ? PROT_NONE : PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (round % 4 == 0) for (int i = 0; i < size; i++) CHECK_EQ(p[i], 0);
        MUST(munmap(p, size));
    }
}

TEST(gone_after_munmap) {
    volatile unsigned char *p = MUST(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memset((void *)p, 0xff, 65536);
    MUST(munmap((void *)p, 65536));
    pid_t reads = fork_child();
    if (reads == 0) _exit(p[4096]);
    CHECK_EQ(wait_status(reads), SIGSEGV);
    pid_t writes = fork_child();
    if (writes == 0) _exit(p[0] = 1);
    CHECK_EQ(wait_status(writes), SIGSEGV);
}

TEST(length_is_rounded_up) {
    char *p = MUST(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    p[4095] = 1;
    CHECK_EQ(munmap(p, 1), 0);
}

TEST(shared_anonymous) {
    int *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    CHECK_EQ(*p, 0);
    *p = 5;
    CHECK_EQ(*p, 5);
    CHECK_EQ(munmap(p, 4096), 0);
}

TEST(errors) {
    CHECK_ERR((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERR((long)mmap(NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERR((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
    CHECK_ERR(munmap((void *)1, 4096), EINVAL);
}
