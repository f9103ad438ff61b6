// An eventfd adds up, gives its sum and clears, or counts down as a semaphore; eventfd(2).
// syscalls: eventfd2 eventfd
// needs: threads
#include "ktap.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

static int fd;
static uint64_t v;
static void put(uint64_t n) { EXPECT_EQ(write(fd, &n, 8), 8); }

TEST(sum) {
    fd = MUST(eventfd(5, EFD_NONBLOCK | EFD_CLOEXEC));
    put(7);
    CHECK_EQ(read(fd, &v, 8), 8);
    CHECK_EQ(v, 12);
    CHECK_ERR(read(fd, &v, 8), EAGAIN);
    put(0);
    CHECK_ERR(read(fd, &v, 8), EAGAIN);
}

TEST(limit) {
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLOUT);
    put(0xfffffffffffffffe);
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLIN);
    v = 1;
    CHECK_ERR(write(fd, &v, 8), EAGAIN);
    v = -1;
    CHECK_ERR(write(fd, &v, 8), EINVAL);
    CHECK_EQ(read(fd, &v, 8), 8);
    CHECK_EQ(v, 0xfffffffffffffffe);
    CHECK_ERR(write(fd, &v, 4), EINVAL);
    CHECK_ERR(read(fd, &v, 4), EINVAL);
}

TEST(semaphore) {
    fd = MUST(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
    CHECK_EQ(read(fd, &v, 8), 8);
    CHECK_EQ(v, 1);
    CHECK_EQ(read(fd, &v, 8), 8);
    CHECK_ERR(read(fd, &v, 8), EAGAIN);
}

static void *later(void *arg) {
    (void)arg;
    sleep_ms(10);
    put(3);
    return NULL;
}
TEST(read_blocks) {
    pthread_t t;
    fd = MUST(syscall(SYS_eventfd, 0));
    CHECK_EQ(pthread_create(&t, NULL, later, NULL), 0);
    CHECK_EQ(read(fd, &v, 8), 8);
    CHECK_EQ(v, 3);
    CHECK_EQ(pthread_join(t, NULL), 0);
    CHECK_ERR(eventfd(0, 0x4000), EINVAL);
}
