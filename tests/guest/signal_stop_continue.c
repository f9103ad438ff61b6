// SIGSTOP stops a process, SIGCONT resumes it, and its parent can wait for both; waitpid(2), kill(2).
// syscalls: kill wait4 waitid
#include "ktap.h"

ROLE(wait_forever) {
    setpgid(0, 0);  // SIGTSTP does not stop a process of an orphaned group
    for (;;) pause();
}

static pid_t pid;

TEST(stopped_is_reported) {
    pid = SPAWN("wait_forever");
    CHECK(EVENTUALLY(getpgid(pid) == pid));
    int status = 0;
    CHECK_EQ(kill(pid, SIGSTOP), 0);
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status));
    CHECK_EQ(WSTOPSIG(status), SIGSTOP);
}

TEST(reported_once) {
    int status;
    CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
}

TEST(continued_is_reported) {
    int status = 0;
    CHECK_EQ(kill(pid, SIGCONT), 0);
    CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
    CHECK(WIFCONTINUED(status));
    CHECK_EQ(status, 0xffff);
}

TEST(waitid_tells_the_same) {
    siginfo_t info = {0};
    MUST(kill(pid, SIGTSTP));
    CHECK_EQ(waitid(P_PID, pid, &info, WSTOPPED), 0);
    CHECK_EQ(info.si_code, CLD_STOPPED);
    CHECK_EQ(info.si_status, SIGTSTP);
    CHECK_EQ(info.si_pid, pid);
    MUST(kill(pid, SIGCONT));
    CHECK_EQ(waitid(P_PID, pid, &info, WCONTINUED), 0);
    CHECK_EQ(info.si_code, CLD_CONTINUED);
    CHECK_EQ(info.si_status, SIGCONT);
}

TEST(a_stopped_process_can_be_killed) {
    int status;
    MUST(kill(pid, SIGSTOP));
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    MUST(kill(pid, SIGTERM));
    CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
    MUST(kill(pid, SIGKILL));
    CHECK_EQ(wait_status(pid), SIGKILL);
}
