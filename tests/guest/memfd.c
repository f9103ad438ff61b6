// A memfd is a nameless file in memory; seals forbid shrinking, growing, writing; memfd_create(2), fcntl(2).
// syscalls: memfd_create fcntl
#include "ktap.h"

static int fd;

TEST(a_file_like_others) {
    struct stat st;
    char path[64], target[64] = {0};
    fd = MUST(memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    CHECK_EQ(write(fd, "text", 4), 4);
    CHECK_EQ(ftruncate(fd, 4096), 0);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK(S_ISREG(st.st_mode));
    CHECK_EQ(st.st_size, 4096);
    CHECK_EQ(st.st_nlink, 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK(readlink(path, target, sizeof target) > 0);
    CHECK(strcmp(target, "/memfd:guest (deleted)") == 0);
    int again = MUST(open(path, O_RDONLY));
    char b[4];
    CHECK_EQ(read(again, b, 4), 4);
}

TEST(mapped_shared) {
    char *a = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    CHECK(memcmp(a, "text", 4) == 0);
    a[0] = 'T';
    char c;
    CHECK_EQ(pread(fd, &c, 1, 0), 1);
    CHECK_EQ(c, 'T');
    MUST(munmap(a, 4096));
}

TEST(seals) {
    CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
    CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    CHECK_ERR(ftruncate(fd, 100), EPERM);
    CHECK_ERR(ftruncate(fd, 10000), EPERM);
    CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
    CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
    CHECK_ERR((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
    CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
    CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
    CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

TEST(write_seal_waits_for_maps) {
    int f = MUST(memfd_create("m", MFD_ALLOW_SEALING));
    MUST(ftruncate(f, 4096));
    char *a = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0));
    CHECK_ERR(fcntl(f, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    MUST(munmap(a, 4096));
    CHECK_EQ(fcntl(f, F_ADD_SEALS, F_SEAL_WRITE), 0);
}

TEST(errors) {
    int f = MUST(memfd_create("plain", 0));
    CHECK_ERR(fcntl(f, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
    CHECK_ERR(memfd_create("x", 0x1000), EINVAL);
    CHECK_ERR(syscall(SYS_memfd_create, (void *)8, 0), EFAULT);
}
