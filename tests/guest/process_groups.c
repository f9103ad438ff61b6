// Groups and sessions: setpgid, getpgid, setsid, getsid, and signals to a group; setpgid(2), setsid(2).
// syscalls: setpgid getpgid getpgrp setsid getsid kill
#include "ktap.h"

static volatile int calls;
static void on_signal(int sig) { (void)sig, calls++; }

ROLE(session) {
    CHECK(getsid(0) != getpid());
    CHECK_EQ(setsid(), getpid());
    CHECK_EQ(getsid(0), getpid());
    CHECK_EQ(getpgrp(), getpid());
    CHECK_ERR(setsid(), EPERM);
    CHECK_ERR(setpgid(0, 0), EPERM);
}
TEST(new_session) { CHECK_EQ(wait_status(SPAWN("session")), EXITED(0)); }

ROLE(group_signal) {
    signal(SIGUSR1, on_signal);
    CHECK_EQ(setpgid(0, 0), 0);
    CHECK_EQ(getpgid(0), getpid());
    CHECK_EQ(kill(0, SIGUSR1), 0);
    CHECK_EQ(calls, 1);
    CHECK_EQ(kill(-getpid(), SIGUSR1), 0);
    CHECK_EQ(calls, 2);
}
TEST(signal_to_own_group) { CHECK_EQ(wait_status(SPAWN("group_signal")), EXITED(0)); }

ROLE(member) {
    if (setpgid(0, atoi(ktap_argv[2]))) _exit(errno);
    for (;;) pause();
}
TEST(signal_to_another_group) {
    char leader[16];
    pid_t a = SPAWN("member", "0");
    CHECK(EVENTUALLY(getpgid(a) == a));
    snprintf(leader, sizeof leader, "%d", a);
    pid_t b = SPAWN("member", leader);
    CHECK(EVENTUALLY(getpgid(b) == a));
    CHECK_EQ(kill(-a, SIGTERM), 0);
    CHECK_EQ(wait_status(a), SIGTERM);
    CHECK_EQ(wait_status(b), SIGTERM);
    CHECK_ERR(kill(-a, 0), ESRCH);
}

TEST(wait_by_group) {
    int status;
    pid_t a = SPAWN("member", "0");
    CHECK(EVENTUALLY(getpgid(a) == a));
    kill(a, SIGKILL);
    CHECK_EQ(waitpid(-a, &status, 0), a);
}

TEST(errors) {
    CHECK_ERR(setpgid(-1, 0), EINVAL);
    CHECK_ERR(setpgid(0, -1), EINVAL);
    CHECK_ERR(setpgid(999999999, 0), ESRCH);
    CHECK_ERR(getpgid(999999999), ESRCH);
    CHECK_ERR(getsid(999999999), ESRCH);
    CHECK_EQ(syscall(SYS_getpgrp), getpgid(0));
}
