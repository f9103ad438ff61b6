// SIGCHLD carries the child's pid, how it ended, and its status; sigaction(2), waitpid(2).
// syscalls: rt_sigtimedwait wait4
#include "ktap.h"

ROLE(leave) { _exit(23); }
ROLE(die) { raise(SIGTERM); }
ROLE(crash) { abort(); }

static siginfo_t info;
static pid_t run(const char *role) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    pid_t pid = SPAWN(role);
    struct timespec t = {5, 0};
    EXPECT_EQ(sigtimedwait(&set, &info, &t), SIGCHLD);
    return pid;
}

TEST(exited) {
    pid_t pid = run("leave");
    CHECK_EQ(info.si_code, CLD_EXITED);
    CHECK_EQ(info.si_pid, pid);
    CHECK_EQ(info.si_status, 23);
    CHECK_EQ(info.si_uid, getuid());
    CHECK_EQ(wait_status(pid), EXITED(23));
}

TEST(killed) {
    pid_t pid = run("die");
    CHECK_EQ(info.si_code, CLD_KILLED);
    CHECK_EQ(info.si_pid, pid);
    CHECK_EQ(info.si_status, SIGTERM);
    CHECK_EQ(wait_status(pid), SIGTERM);
}

TEST(aborted) {
    pid_t pid = run("crash");
    CHECK(info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
    CHECK_EQ(info.si_status, SIGABRT);
    CHECK_EQ(wait_status(pid) & 0x7f, SIGABRT);
}
