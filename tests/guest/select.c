// select() keeps only ready descriptors in its sets, and writes back the time left; select(2).
// syscalls: select
// build: static musl
#include "ktap.h"
#include <sys/select.h>

static int p[2];
static fd_set r, w;

TEST(sets_are_narrowed) {
    int q[2];
    MUST(pipe(p) | pipe(q));
    MUST(write(q[1], "x", 1));
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(p[0], &r);
    FD_SET(q[0], &r);
    FD_SET(p[1], &w);
    CHECK_EQ(select(q[1] + 1, &r, &w, NULL, NULL), 2);
    CHECK(!FD_ISSET(p[0], &r) && FD_ISSET(q[0], &r) && FD_ISSET(p[1], &w));
}

TEST(timeout_clears_and_counts_down) {
    struct timeval t = {0, 20000};
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    int64_t start = now_ns();
    CHECK_EQ(syscall(SYS_select, p[0] + 1, &r, NULL, NULL, &t), 0);
    CHECK(now_ns() - start >= 20000000);
    CHECK(!FD_ISSET(p[0], &r));
    CHECK(t.tv_sec == 0 && t.tv_usec == 0);
    t = (struct timeval){10, 0};
    FD_SET(p[1], &w);
    CHECK_EQ(syscall(SYS_select, p[1] + 1, NULL, &w, NULL, &t), 1);
    CHECK(t.tv_sec == 9 || t.tv_sec == 10);
}

TEST(end_of_file_is_readable) {
    int q[2];
    MUST(pipe(q));
    close(q[1]);
    FD_ZERO(&r);
    FD_SET(q[0], &r);
    CHECK_EQ(select(q[0] + 1, &r, NULL, NULL, NULL), 1);
}

TEST(errors) {
    struct timeval bad = {-1, 0}, zero = {0, 0};
    FD_ZERO(&r);
    FD_SET(40, &r);
    CHECK_ERR(select(41, &r, NULL, NULL, &zero), EBADF);
    CHECK_ERR(select(-1, NULL, NULL, NULL, &zero), EINVAL);
    CHECK_ERR(select(0, NULL, NULL, NULL, &bad), EINVAL);
    CHECK_ERR(syscall(SYS_select, 10, (void *)8, NULL, NULL, &zero), EFAULT);
}
