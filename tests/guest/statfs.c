// statfs() describes the file system below a path or descriptor; statfs(2).
// syscalls: statfs fstatfs
#include "ktap.h"
#include <sys/statfs.h>

TEST(known_types) {
    struct statfs s;
    CHECK_EQ(statfs("/proc", &s), 0);
    CHECK_EQ(s.f_type, 0x9fa0);
    CHECK_EQ(statfs("/dev/shm", &s), 0);
    CHECK_EQ(s.f_type, 0x01021994);
}

TEST(sane_numbers) {
    struct statfs a, b;
    CHECK_EQ(statfs("/", &a), 0);
    CHECK(a.f_bsize >= 512);
    CHECK(a.f_blocks >= a.f_bfree && a.f_bfree >= a.f_bavail);
    CHECK(a.f_namelen >= 255);
    int fd = MUST(open("/", O_RDONLY));
    CHECK_EQ(fstatfs(fd, &b), 0);
    CHECK_EQ(a.f_type, b.f_type);
}

TEST(errors) {
    struct statfs s;
    CHECK_ERR(statfs("/none", &s), ENOENT);
    CHECK_ERR(fstatfs(-1, &s), EBADF);
    CHECK_ERR(statfs("/", (void *)8), EFAULT);
}
