// Pids are positive and distinct, the parent is known to the child; getpid(2).
// syscalls: getpid getppid gettid
// build: static musl
#include "ktap.h"

ROLE(child) {
    CHECK_EQ(getppid(), atoi(ktap_argv[2]));
    CHECK(getpid() != getppid());
    CHECK_EQ(gettid(), getpid());
}

TEST(positive) {
    CHECK(getpid() > 0);
    CHECK(getpid() < 4194304);
    CHECK_EQ(syscall(SYS_gettid), getpid());
}

TEST(parent_seen_by_child) {
    char mine[16];
    snprintf(mine, sizeof mine, "%d", getpid());
    CHECK_EQ(wait_status(SPAWN("child", mine)), EXITED(0));
}

ROLE(leave) {}
TEST(twenty_children_twenty_pids) {
    pid_t pid[20];
    for (int i = 0; i < 20; i++) {
        pid[i] = SPAWN("leave");
        for (int k = 0; k < i; k++) CHECK(pid[k] != pid[i]);
    }
    for (int i = 0; i < 20; i++) CHECK_EQ(wait_status(pid[i]), EXITED(0));
}
