// poll() reports readiness of pipes, files and closed numbers; timeouts; POLLHUP and POLLERR unasked; poll(2).
// syscalls: poll
// build: static musl
#include "ktap.h"
#include <poll.h>

static int p[2];

TEST(pipe_states) {
    MUST(pipe(p));
    struct pollfd f[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
    CHECK_EQ(syscall(SYS_poll, f, 2, 0), 1);
    CHECK_EQ(f[0].revents, 0);
    CHECK_EQ(f[1].revents, POLLOUT);
    MUST(write(p[1], "x", 1));
    CHECK_EQ(poll(f, 2, -1), 2);
    CHECK_EQ(f[0].revents, POLLIN);
}

TEST(full_pipe_is_not_writable) {
    char b[65536] = {0};
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    MUST(write(p[1], b, sizeof b));
    struct pollfd f = {p[1], POLLOUT, 0};
    CHECK_EQ(poll(&f, 1, 0), 0);
    MUST(read(p[0], b, 8192));
    CHECK_EQ(poll(&f, 1, 0), 1);
}

TEST(hang_up_and_error) {
    int q[2], r[2];
    MUST(pipe(q) | pipe(r));
    close(q[1]);
    close(r[0]);
    struct pollfd f[2] = {{q[0], POLLIN, 0}, {r[1], POLLOUT, 0}};
    CHECK_EQ(poll(f, 2, 0), 2);
    CHECK_EQ(f[0].revents, POLLHUP);
    CHECK_EQ(f[1].revents, POLLOUT | POLLERR);
}

TEST(files_are_always_ready) {
    scratch();
    put_file("f", "");
    struct pollfd f = {MUST(open("f", O_RDWR)), POLLIN | POLLOUT, 0};
    CHECK_EQ(poll(&f, 1, 0), 1);
    CHECK_EQ(f.revents, POLLIN | POLLOUT);
}

TEST(closed_and_negative_numbers) {
    struct pollfd f[2] = {{900, POLLIN, 0}, {-1, POLLIN, 77}};
    CHECK_EQ(poll(f, 2, 1000), 1);
    CHECK_EQ(f[0].revents, POLLNVAL);
    CHECK_EQ(f[1].revents, 0);
}

TEST(timeout) {
    int64_t start = now_ns();
    CHECK_EQ(poll(NULL, 0, 20), 0);
    CHECK(now_ns() - start >= 20000000);
}

TEST(errors) {
    CHECK_ERR(poll((void *)8, 1, 0), EFAULT);
    CHECK_ERR(poll((void *)8, 1 << 30, 0), EINVAL);
}
