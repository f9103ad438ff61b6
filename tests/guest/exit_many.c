// A hundred processes one after another, and twenty at a time, leave nothing behind; wait(2).
// syscalls: vfork execve wait4 exit_group
#include "ktap.h"

ROLE(leave) { _exit(atoi(ktap_argv[2])); }

TEST(one_after_another) {
    for (int i = 0; i < 100; i++) {
        char code[8];
        snprintf(code, sizeof code, "%d", i);
        CHECK_EQ(wait_status(SPAWN("leave", code)), EXITED(i));
    }
}

TEST(twenty_at_a_time) {
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) SPAWN("leave", "1");
        for (int i = 0; i < 20; i++) {
            int status;
            CHECK(waitpid(-1, &status, 0) > 0);
            CHECK_EQ(status, EXITED(1));
        }
        CHECK_ERR(waitpid(-1, NULL, 0), ECHILD);
    }
}

TEST(descriptors_stay_low) { CHECK(dup(1) < 10); }
