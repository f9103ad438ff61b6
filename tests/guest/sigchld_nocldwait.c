// Children of a parent that ignores SIGCHLD, or asks SA_NOCLDWAIT, leave no zombie; sigaction(2).
// syscalls: wait4 rt_sigaction
#include "ktap.h"

ROLE(leave) { _exit(3); }

TEST(ignored_sigchld) {
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = SPAWN("leave");
    int status;
    CHECK_ERR(waitpid(pid, &status, 0), ECHILD);
    CHECK_ERR(kill(pid, 0), ESRCH);
}

static volatile int calls;
static void on_signal(int sig) { (void)sig, calls++; }

TEST(nocldwait_still_signals) {
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_NOCLDWAIT | SA_RESTART};
    MUST(sigaction(SIGCHLD, &sa, NULL));
    pid_t pid = SPAWN("leave");
    int status;
    CHECK_ERR(waitpid(pid, &status, 0), ECHILD);
    CHECK_EQ(calls, 1);
}

TEST(zombie_by_default) {
    signal(SIGCHLD, SIG_DFL);
    pid_t pid = SPAWN("leave");
    siginfo_t info;
    CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
    CHECK_EQ(kill(pid, 0), 0);
    CHECK_EQ(wait_status(pid), EXITED(3));
    CHECK_ERR(kill(pid, 0), ESRCH);
}
