// Nice values are kept per process, clamped, and lowered only with privilege; getpriority(2).
// syscalls: getpriority setpriority
#include "ktap.h"
#include <sys/resource.h>

TEST(raise_and_read) {
    errno = 0;
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
    CHECK_EQ(errno, 0);
    CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
    CHECK_EQ(syscall(SYS_getpriority, PRIO_PROCESS, 0), 15);
    CHECK_EQ(nice(3), 8);
    CHECK_EQ(setpriority(PRIO_PROCESS, getpid(), 100), 0);
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
}

ROLE(look) { CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19); }
TEST(inherited) { CHECK_EQ(wait_status(SPAWN("look")), EXITED(0)); }

TEST(lowering) {
    if (geteuid() == 0)
        CHECK_EQ(setpriority(PRIO_PROCESS, 0, 0), 0);
    else
        CHECK_ERR(setpriority(PRIO_PROCESS, 0, 0), EACCES);
}

TEST(errors) {
    CHECK_ERR(getpriority(9, 0), EINVAL);
    CHECK_ERR(setpriority(9, 0, 0), EINVAL);
    CHECK_ERR(getpriority(PRIO_PROCESS, 999999999), ESRCH);
}
