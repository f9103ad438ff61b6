// Dumpable, no-new-privileges, timer slack, seccomp state, unknown options; prctl(2).
// syscalls: prctl
#include "ktap.h"
#include <sys/prctl.h>

TEST(dumpable) {
    CHECK_EQ(prctl(PR_SET_DUMPABLE, 0), 0);
    CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
    CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
    CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
    CHECK_ERR(prctl(PR_SET_DUMPABLE, 9), EINVAL);
}

ROLE(look) { CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1); }
TEST(no_new_privileges_is_inherited) {
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    CHECK_EQ(wait_status(SPAWN("look")), EXITED(0));
    CHECK_ERR(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
}

TEST(timer_slack) {
    CHECK_EQ(prctl(PR_SET_TIMERSLACK, 100000), 0);
    CHECK_EQ(prctl(PR_GET_TIMERSLACK), 100000);
    CHECK_EQ(prctl(PR_SET_TIMERSLACK, 0), 0);
    CHECK_EQ(prctl(PR_GET_TIMERSLACK), 50000);
}

TEST(keep_capabilities) {
    CHECK_EQ(prctl(PR_GET_KEEPCAPS), 0);
    CHECK_EQ(prctl(PR_SET_KEEPCAPS, 1), 0);
    CHECK_EQ(prctl(PR_GET_KEEPCAPS), 1);
    CHECK_EQ(prctl(PR_SET_KEEPCAPS, 0), 0);
}

TEST(unknown) {
    CHECK_ERR(prctl(99999), EINVAL);
    CHECK_ERR(prctl(PR_SET_NAME, 8), EFAULT);
}
