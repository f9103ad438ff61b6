// close_range() closes a range of descriptors, or marks it close-on-exec; close_range(2).
// syscalls: close_range
#include "ktap.h"

static int range(unsigned first, unsigned last, unsigned flags) { return syscall(SYS_close_range, first, last, flags); }

TEST(closes_only_the_range) {
    for (int i = 50; i < 60; i++) MUST(dup2(1, i));
    CHECK_EQ(range(52, 55, 0), 0);
    for (int i = 50; i < 60; i++) CHECK_EQ(fcntl(i, F_GETFD), i >= 52 && i <= 55 ? -1 : 0);
    CHECK_EQ(range(58, ~0U, 0), 0);
    CHECK_EQ(fcntl(57, F_GETFD), 0);
    CHECK_EQ(fcntl(58, F_GETFD), -1);
}

TEST(close_on_exec) {
    CHECK_EQ(range(50, 51, 4), 0);
    CHECK_EQ(fcntl(50, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(56, F_GETFD), 0);
}

TEST(empty_range_and_errors) {
    CHECK_EQ(range(1000, 2000, 0), 0);
    CHECK_ERR(range(10, 5, 0), EINVAL);
    CHECK_ERR(range(50, 51, 0x100), EINVAL);
    CHECK_EQ(range(50, 60, 2), 0);
}
