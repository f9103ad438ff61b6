// mremap() grows and shrinks maps, keeps their bytes, and moves them when allowed; mremap(2).
// syscalls: mremap
// build: static musl
#include "ktap.h"

static char *pages(int n) {
    char *p = MUST(mmap(NULL, n * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (int i = 0; i < n * 4096; i++) p[i] = i / 7;
    return p;
}
static int intact(char *p, int n) {
    for (int i = 0; i < n * 4096; i++)
        if (p[i] != (char)(i / 7)) return 0;
    return 1;
}

TEST(shrink_in_place) {
    char *p = pages(4);
    CHECK(mremap(p, 4 * 4096, 2 * 4096, 0) == p);
    CHECK(intact(p, 2));
    unsigned char v;
    CHECK_ERR(mincore(p + 2 * 4096, 4096, &v), ENOMEM);
    MUST(munmap(p, 2 * 4096));
}

TEST(grow_and_perhaps_move) {
    char *p = pages(4);
    char *q = MUST(mremap(p, 4 * 4096, 400 * 4096, MREMAP_MAYMOVE));
    CHECK(intact(q, 4));
    for (int i = 4 * 4096; i < 400 * 4096; i += 64) CHECK_EQ(q[i], 0);
    q[400 * 4096 - 1] = 1;
    MUST(munmap(q, 400 * 4096));
}

TEST(no_room_in_place) {
    char *p = pages(4);
    CHECK_ERR((long)mremap(p, 4096, 3 * 4096, 0), ENOMEM);
    CHECK(intact(p, 4));
    char *q = MUST(mremap(p, 4096, 3 * 4096, MREMAP_MAYMOVE));
    CHECK(q != p);
    CHECK(intact(q, 1));
    MUST(munmap(q, 3 * 4096));
    MUST(munmap(p, 4 * 4096));
}

TEST(to_a_fixed_place) {
    char *p = pages(2), *room = MUST(mmap(NULL, 8 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(mremap(p, 2 * 4096, 3 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, room + 2 * 4096) == room + 2 * 4096);
    CHECK(intact(room + 2 * 4096, 2));
    unsigned char v;
    CHECK_ERR(mincore(p, 4096, &v), ENOMEM);
}

TEST(shared_map_stays_shared) {
    scratch();
    int fd = MUST(open("f", O_RDWR | O_CREAT, 0600));
    MUST(ftruncate(fd, 4 * 4096));
    char *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    p = MUST(mremap(p, 4096, 4 * 4096, MREMAP_MAYMOVE));
    strcpy(p + 3 * 4096, "grown");
    CHECK(strcmp(get_file("f") + 3 * 4096, "grown") == 0);
}

TEST(errors) {
    char *p = pages(2);
    CHECK_ERR((long)mremap(p + 1, 4096, 8192, MREMAP_MAYMOVE), EINVAL);
    CHECK_ERR((long)mremap(p, 4096, 0, MREMAP_MAYMOVE), EINVAL);
    CHECK_ERR((long)mremap(p, 4096, 8192, 128), EINVAL);
    MUST(munmap(p, 8192));
    CHECK_ERR((long)mremap(p, 8192, 4096 * 3, MREMAP_MAYMOVE), EFAULT);
}
