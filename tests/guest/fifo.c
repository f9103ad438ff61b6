// Opening a FIFO waits for the other side, unless O_NONBLOCK; data and end of file as in a pipe; fifo(7).
// syscalls: openat mknodat
// needs: threads
#include "ktap.h"
#include <poll.h>
#include <pthread.h>

static volatile int opened;
static void *reader(void *arg) {
    int fd = open("p", O_RDONLY);
    opened = 1;
    ssize_t n = read(fd, arg, 16);
    close(fd);
    return (void *)n;
}

TEST(open_waits_for_the_other_side) {
    scratch();
    MUST(mkfifo("p", 0600));
    pthread_t t;
    char b[16];
    void *n;
    CHECK_EQ(pthread_create(&t, NULL, reader, b), 0);
    sleep_ms(10);
    CHECK_EQ(opened, 0);
    int fd = MUST(open("p", O_WRONLY));
    CHECK_EQ(write(fd, "through", 7), 7);
    CHECK_EQ(pthread_join(t, &n), 0);
    CHECK_EQ(n, 7);
    CHECK(memcmp(b, "through", 7) == 0);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERR(write(fd, "x", 1), EPIPE);
    close(fd);
}

TEST(nonblocking) {
    char c;
    CHECK_ERR(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
    int r = MUST(open("p", O_RDONLY | O_NONBLOCK));
    CHECK_EQ(read(r, &c, 1), 0);
    int w = MUST(open("p", O_WRONLY | O_NONBLOCK));
    CHECK_ERR(read(r, &c, 1), EAGAIN);
    CHECK_EQ(write(w, "z", 1), 1);
    close(w);
    CHECK_EQ(read(r, &c, 1), 1);
    CHECK_EQ(read(r, &c, 1), 0);
    struct pollfd p = {r, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK(p.revents & POLLHUP);
}

TEST(both_ways_at_once) {
    char c;
    int fd = MUST(open("p", O_RDWR));
    CHECK_EQ(write(fd, "q", 1), 1);
    CHECK_EQ(read(fd, &c, 1), 1);
    CHECK_EQ(c, 'q');
    CHECK_ERR(lseek(fd, 0, SEEK_SET), ESPIPE);
}
