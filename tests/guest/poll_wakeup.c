// A blocked poll() wakes when another thread writes, closes, or makes room; poll(2).
// syscalls: poll
// needs: threads
#include "ktap.h"
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

static int act;
static void *later(void *arg) {
    int *p = arg;
    char b[70000];
    sleep_ms(10);
    if (act == 0) write(p[1], "x", 1);
    if (act == 1) close(p[1]);
    if (act == 2) read(p[0], b, 65536);
    return NULL;
}
static int blocked(int *p, int end, int events, int what) {
    pthread_t t;
    struct pollfd f = {p[end], events, 0};
    act = what;
    pthread_create(&t, NULL, later, p);
    int r = poll(&f, 1, 5000);
    pthread_join(t, NULL);
    return r == 1 ? f.revents : -r - 1;
}

TEST(write_wakes_a_reader) {
    int p[2];
    MUST(pipe(p));
    CHECK_EQ(blocked(p, 0, POLLIN, 0), POLLIN);
}
TEST(close_wakes_a_reader) {
    int p[2];
    MUST(pipe(p));
    CHECK_EQ(blocked(p, 0, POLLIN, 1), POLLHUP);
}
TEST(read_wakes_a_writer) {
    int p[2];
    char b[65536] = {0};
    MUST(pipe(p));
    MUST(write(p[1], b, sizeof b));
    CHECK_EQ(blocked(p, 1, POLLOUT, 2), POLLOUT);
}
TEST(socket_data_and_hang_up) {
    int s[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_EQ(blocked(s, 0, POLLIN, 0), POLLIN);
    char c;
    MUST(read(s[0], &c, 1));
    CHECK_EQ(blocked(s, 0, POLLIN | POLLRDHUP, 1), POLLIN | POLLRDHUP | POLLHUP);
}
