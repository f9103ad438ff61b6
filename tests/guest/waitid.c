// waitid() chooses what to wait for, fills siginfo, and can leave the child waitable; waitid(2).
// syscalls: waitid
#include "ktap.h"
#include <sys/resource.h>

ROLE(leave) { _exit(17); }
ROLE(block) {
    for (;;) pause();
}

TEST(nowait_leaves_it) {
    siginfo_t info;
    pid_t pid = SPAWN("leave");
    for (int i = 0; i < 3; i++) {
        memset(&info, 0xff, sizeof info);
        CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
        CHECK_EQ(info.si_pid, pid);
        CHECK_EQ(info.si_signo, SIGCHLD);
        CHECK_EQ(info.si_code, CLD_EXITED);
        CHECK_EQ(info.si_status, 17);
        CHECK_EQ(info.si_uid, getuid());
    }
    CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED), 0);
    CHECK_EQ(info.si_pid, pid);
    CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
}

TEST(nohang_gives_zero_pid) {
    siginfo_t info;
    memset(&info, 0xff, sizeof info);
    pid_t pid = SPAWN("block");
    CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOHANG), 0);
    CHECK_EQ(info.si_pid, 0);
    CHECK_EQ(info.si_signo, 0);
    kill(pid, SIGKILL);
    CHECK_EQ(waitid(P_PGID, getpgrp(), &info, WEXITED), 0);
    CHECK_EQ(info.si_code, CLD_KILLED);
    CHECK_EQ(info.si_status, SIGKILL);
}

TEST(raw_call_gives_usage) {
    struct rusage u;
    memset(&u, 0xff, sizeof u);
    pid_t pid = SPAWN("leave");
    CHECK_EQ(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, &u), 0);
    CHECK(u.ru_utime.tv_sec == 0);
}

TEST(errors) {
    siginfo_t info;
    CHECK_ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
    CHECK_ERR(waitid(77, 0, &info, WEXITED), EINVAL);
    CHECK_ERR(waitid(P_PID, 0, &info, WEXITED), EINVAL);
}
