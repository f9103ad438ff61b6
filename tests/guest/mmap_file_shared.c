// A shared file map and read()/write() see each other's bytes, also across processes; mmap(2).
// syscalls: mmap msync
#include "ktap.h"

static char *map(int size) {
    int fd = MUST(open("f", O_RDWR | O_CREAT, 0600));
    MUST(ftruncate(fd, size));
    char *p = MUST(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    close(fd);
    return p;
}

TEST(store_reaches_the_file) {
    scratch();
    char *p = map(8192);
    strcpy(p, "from memory");
    CHECK_EQ(msync(p, 8192, MS_SYNC), 0);
    CHECK(strcmp(get_file("f"), "from memory") == 0);
    CHECK_EQ(get_length, 8192);
}

TEST(write_reaches_the_map) {
    char *p = map(8192);
    int fd = MUST(open("f", O_WRONLY));
    CHECK_EQ(pwrite(fd, "written", 8, 4090), 8);
    CHECK(memcmp(p + 4090, "written", 8) == 0);
}

TEST(two_maps_of_one_file) {
    char *a = map(8192), *b = map(8192);
    CHECK(a != b);
    a[5000] = 77;
    CHECK_EQ(b[5000], 77);
}

TEST(stays_after_unmap) {
    char *p = map(8192);
    p[6000] = 88;
    MUST(munmap(p, 8192));
    CHECK_EQ(get_file("f")[6000], 88);
}

ROLE(partner) {
    volatile char *p = map(8192);
    CHECK(EVENTUALLY(p[100] == 1));
    p[101] = 2;
}
TEST(between_processes) {
    volatile char *p = map(8192);
    pid_t pid = SPAWN("partner");
    p[100] = 1;
    CHECK(EVENTUALLY(p[101] == 2));
    CHECK_EQ(wait_status(pid), EXITED(0));
}

TEST(errors) {
    char *p = map(8192);
    CHECK_ERR(msync(p + 1, 10, MS_SYNC), EINVAL);
    CHECK_ERR(msync(p, 4096, MS_SYNC | MS_ASYNC), EINVAL);
    MUST(munmap(p, 8192));
    CHECK_ERR(msync(p, 4096, MS_SYNC), ENOMEM);
}
