// Sparse files beyond 4 GiB: offsets of 64 bits all the way; lseek(2).
// syscalls: lseek pread64 pwrite64 ftruncate
#include "ktap.h"

TEST(beyond_four_gigabytes) {
    scratch();
    int fd = MUST(open("f", O_RDWR | O_CREAT, 0600));
    off_t far = 5LL << 30;
    char b[4] = {0};
    struct stat st;
    CHECK_EQ(pwrite(fd, "far", 3, far), 3);
    CHECK_EQ(lseek(fd, far + 1, SEEK_SET), far + 1);
    CHECK_EQ(read(fd, b, 4), 2);
    CHECK(memcmp(b, "ar", 2) == 0);
    MUST(fstat(fd, &st));
    CHECK_EQ(st.st_size, far + 3);
    CHECK(st.st_blocks * 512 < 1 << 24);
    CHECK_EQ(pread(fd, b, 4, 1LL << 31), 4);
    CHECK_EQ(b[0], 0);
}

TEST(mapped_there) {
    int fd = MUST(open("f", O_RDWR));
    char *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 5LL << 30));
    CHECK(memcmp(p, "far", 3) == 0);
    MUST(munmap(p, 4096));
    CHECK_EQ(ftruncate(fd, 1), 0);
}
