// /dev/shm holds shared memory objects by name, seen by every process; shm_open(3).
// syscalls: openat mmap unlink
#include "ktap.h"

static char name[32];
static volatile int *map(int flags) {
    int fd = MUST(shm_open(name, O_RDWR | flags, 0600));
    MUST(ftruncate(fd, 4096));
    int *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    close(fd);
    return p;
}

ROLE(partner) {
    strcpy(name, ktap_argv[2]);
    volatile int *p = map(0);
    CHECK_EQ(p[0], 1);
    p[1] = 2;
}

TEST(shared_by_name) {
    snprintf(name, sizeof name, "/guest-%d", getpid());
    volatile int *p = map(O_CREAT | O_EXCL);
    p[0] = 1;
    CHECK_EQ(wait_status(SPAWN("partner", name)), EXITED(0));
    CHECK_EQ(p[1], 2);
    CHECK_EQ(shm_unlink(name), 0);
    CHECK_ERR(shm_open(name, O_RDWR, 0600), ENOENT);
    CHECK_EQ(p[1], 2);
}
