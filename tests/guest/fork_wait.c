// Waiting for forked children: statuses, SIGCHLD, WNOHANG, stops, groups, and whose children they are; wait(2).
// syscalls: wait4 waitid fork kill
// build: static musl
#include "ktap.h"
#include <sys/resource.h>

static volatile int chlds;
static siginfo_t last;

TEST(statuses) {
    for (int i = 0; i < 256; i += 51) {
        pid_t pid = fork_child();
        if (pid == 0) _exit(i);
        CHECK_EQ(wait_status(pid), EXITED(i));
    }
    for (int sig = SIGHUP; sig <= SIGTERM; sig++) {
        if (sig == SIGCHLD) continue;
        pid_t pid = fork_child();
        if (pid == 0) {
            struct rlimit none = {0, 0};
            MUST(setrlimit(RLIMIT_CORE, &none));
            signal(sig, SIG_DFL);
            raise(sig);
            leave();
        }
        CHECK_EQ(wait_status(pid) & 0x7f, sig);
    }
}

static void on_chld(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    last = *info;
    chlds++;
}
TEST(sigchld_tells_who_and_how) {
    struct sigaction sa = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_RESTART};
    MUST(sigaction(SIGCHLD, &sa, NULL));
    pid_t pid = fork_child();
    if (pid == 0) _exit(17);
    CHECK(EVENTUALLY(chlds == 1));
    CHECK(last.si_code == CLD_EXITED && last.si_status == 17 && last.si_pid == pid && last.si_uid == getuid());
    CHECK_EQ(wait_status(pid), EXITED(17));
    pid = fork_child();
    if (pid == 0)
        for (;;) pause();
    MUST(kill(pid, SIGSTOP));
    CHECK(EVENTUALLY(chlds == 2));
    CHECK(last.si_code == CLD_STOPPED && last.si_status == SIGSTOP && last.si_pid == pid);
    MUST(kill(pid, SIGKILL));
    CHECK(EVENTUALLY(chlds == 3));
    CHECK(last.si_code == CLD_KILLED && last.si_status == SIGKILL);
    CHECK_EQ(wait_status(pid), SIGKILL);
    signal(SIGCHLD, SIG_DFL);
}

TEST(nohang_and_nowait) {
    struct gate go = gate();
    siginfo_t info = {0};
    int status;
    pid_t pid = fork_child();
    if (pid == 0) {
        pass_gate(go);
        _exit(5);
    }
    CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
    open_gate(go);
    CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
    CHECK(info.si_pid == pid && info.si_status == 5 && info.si_code == CLD_EXITED);
    CHECK_EQ(waitpid(-1, &status, WNOHANG), pid);
    CHECK_EQ(status, EXITED(5));
    CHECK_ERR(waitpid(-1, &status, WNOHANG), ECHILD);
}

TEST(stop_and_continue) {
    int status;
    pid_t pid = fork_child();
    if (pid == 0) {
        raise(SIGSTOP);
        _exit(8);
    }
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    MUST(kill(pid, SIGCONT));
    CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
    CHECK(WIFCONTINUED(status));
    CHECK_EQ(wait_status(pid), EXITED(8));
}

TEST(not_the_brothers_children) {
    struct gate go = gate();
    pid_t brother = fork_child();
    if (brother == 0) {
        pass_gate(go);
        leave();
    }
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT_ERR(waitpid(brother, NULL, WNOHANG), ECHILD);
        EXPECT_ERR(waitpid(-1, NULL, WNOHANG), ECHILD);
        EXPECT_ERR(waitpid(getppid(), NULL, WNOHANG), ECHILD);
        leave();
    }
    CHECK_CHILD(pid);
    open_gate(go);
    CHECK_CHILD(brother);
}

TEST(by_group) {
    pid_t group = 0;
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork_child();
        if (pid == 0) {
            setpgid(0, group);
            _exit(30 + i);
        }
        setpgid(pid, group);
        if (!group) group = pid;
    }
    pid_t other = fork_child();
    if (other == 0) _exit(1);
    int sum = 0;
    for (int i = 0; i < 3; i++) {
        int status = -1;
        CHECK(waitpid(-group, &status, 0) > 0);
        sum += WEXITSTATUS(status);
    }
    CHECK_EQ(sum, 93);
    CHECK_ERR(waitpid(-group, NULL, 0), ECHILD);
    CHECK_EQ(wait_status(other), EXITED(1));
}

TEST(usage_of_children) {
    struct rusage before, used, after;
    MUST(getrusage(RUSAGE_CHILDREN, &before));
    pid_t pid = fork_child();
    if (pid == 0) {
        burn_ms(30);
        leave();
    }
    int status;
    CHECK_EQ(wait4(pid, &status, 0, &used), pid);
    MUST(getrusage(RUSAGE_CHILDREN, &after));
    CHECK(used.ru_utime.tv_sec + used.ru_stime.tv_sec > 0 || used.ru_utime.tv_usec + used.ru_stime.tv_usec >= 20000);
    CHECK(after.ru_utime.tv_sec * 1000000L + after.ru_utime.tv_usec > before.ru_utime.tv_sec * 1000000L + before.ru_utime.tv_usec);
}

// Status words go to the waiting process, wherever a running child has the same address.
TEST(status_arrives_while_another_runs) {
    static int status;
    status = -1;
    struct gate go = gate();
    pid_t busy = fork_child();
    if (busy == 0) {
        status = 12345;
        open_gate(go);
        for (int i = 0; i < 50; i++) {
            burn_ms(1);
            CHECK_EQ(status, 12345);
        }
        leave();
    }
    pass_gate(go);
    pid_t pid = fork_child();
    if (pid == 0) {
        burn_ms(5);
        _exit(77);
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, EXITED(77));
    CHECK_CHILD(busy);
}
