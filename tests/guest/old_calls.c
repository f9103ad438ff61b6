// Old forms that libraries no longer use answer as their successors do: pause, getpgrp, ustat's kin; syscalls(2).
// syscalls: getpgrp personality ioprio_get ioprio_set
#include "ktap.h"

TEST(personality_is_linux) {
    CHECK_EQ(syscall(SYS_personality, 0xffffffff), 0);
    CHECK_EQ(syscall(SYS_personality, 0), 0);
}

TEST(io_priority) {
    long now = syscall(SYS_ioprio_get, 1, 0);
    CHECK(now >= 0);
    CHECK_EQ(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7), 0);
    CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), 2 << 13 | 7);
    CHECK_ERR(syscall(SYS_ioprio_get, 9, 0), EINVAL);
}

TEST(group) { CHECK_EQ(syscall(SYS_getpgrp), getpgid(0)); }
