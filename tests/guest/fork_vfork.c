// vfork() in a forked child, fork() in a vforked one, and exec from both; vfork(2).
// syscalls: vfork fork execve
// build: static dynamic musl fixed
#include "ktap.h"
#include <sched.h>

#ifndef CLONE_VFORK
#define CLONE_VFORK 0x4000
#endif

static volatile int value = 1;

ROLE(answer) { _exit(40 + atoi(ktap_argv[2])); }

TEST(vfork_in_a_forked_child) {
    pid_t pid = fork_child();
    if (pid == 0) {
        value = 2;
        pid_t borrowed = vfork();
        if (borrowed == 0) {
            value = 3;
            _exit(4);
        }
        EXPECT_EQ(wait_status(borrowed), EXITED(4));
        EXPECT_EQ(value, 3);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(value, 1);
}

TEST(exec_from_there) {
    pid_t pid = fork_child();
    if (pid == 0) {
        value = 2;
        pid_t role = SPAWN("answer", "2");
        EXPECT_EQ(wait_status(role), EXITED(42));
        EXPECT_EQ(value, 2);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(value, 1);
}

// The vforked child forks: the grandchild has a copy of the memory that both parents share.
static pid_t __attribute__((noinline)) vfork_and_fork(int fd) {
    pid_t pid = vfork();
    if (pid == 0) {
        value = 10;
        pid_t grandchild = fork();
        if (grandchild == 0) {
            value = 20;
            sleep_ms(20);
            _exit(write(fd, (const void *)&value, sizeof value) == sizeof value && value == 20 ? 5 : 6);
        }
        int status = -1;
        waitpid(grandchild, &status, 0);
        value += 1;
        _exit(WEXITSTATUS(status));
    }
    return pid;
}
TEST(fork_in_a_vforked_child) {
    int p[2], got = 0;
    MUST(pipe(p));
    pid_t pid = vfork_and_fork(p[1]);
    CHECK_EQ(value, 11);
    CHECK_EQ(wait_status(pid), EXITED(5));
    CHECK_EQ(read(p[0], &got, sizeof got), sizeof got);
    CHECK_EQ(got, 20);
    value = 1;
}

// While the child has the memory, the parent stands still; a sibling of both goes on.
TEST(a_sibling_goes_on) {
    struct gate go = gate(), done = gate();
    pid_t sibling = fork_child();
    if (sibling == 0) {
        pass_gate(go);
        value = 7;
        open_gate(done);
        EXPECT_EQ(value, 7);
        leave();
    }
    pid_t pid = vfork();
    if (pid == 0) {
        open_gate(go);
        pass_gate(done);
        value = 8;
        _exit(value == 8 ? 0 : 1);
    }
    CHECK_EQ(value, 8);
    CHECK_CHILD(pid);
    CHECK_CHILD(sibling);
    CHECK_EQ(value, 8);
}

TEST(hundred_times_both) {
    for (int i = 0; i < 100; i++) {
        value = i;
        pid_t forked = fork();
        if (forked == 0) {
            value = -1;
            char number[8];
            snprintf(number, sizeof number, "%d", i % 10);
            execl("/proc/self/exe", "guest", "answer", number, NULL);
            _exit(1);
        }
        char number[8];
        snprintf(number, sizeof number, "%d", (i + 1) % 10);
        pid_t vforked = SPAWN("answer", number);
        CHECK_EQ(wait_status(forked), EXITED(40 + i % 10));
        CHECK_EQ(wait_status(vforked), EXITED(40 + (i + 1) % 10));
        CHECK_EQ(value, i);
    }
}

// CLONE_VFORK without CLONE_VM: the parent waits for a child with memory of its own.
TEST(parent_waits_for_a_copy) {
    int before = value;
    pid_t pid = syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        value++;
        _exit(6);
    }
    CHECK_EQ(wait_status(pid), EXITED(6));
    CHECK_EQ(value, before);
}

static int is_uninterruptible(pid_t pid) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    return strstr(get_file(path), "State:\tD") != NULL;
}

// Nothing interrupts that wait but what kills.
TEST(parent_can_be_killed) {
    for (int i = 0; i < 2; i++) {
        struct gate go = gate();
        pid_t pid = fork_child();
        if (pid == 0) {
            if (vfork() == 0) {
                pass_gate(go);
                _exit(0);
            }
            leave();
        }
        CHECK(EVENTUALLY(is_uninterruptible(pid)));
        int status;
        kill(pid, SIGCONT);
        sleep_ms(10);
        CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
        kill(pid, i ? SIGKILL : SIGTERM);
        CHECK_EQ(wait_status(pid), i ? SIGKILL : SIGTERM);
        open_gate(go);
        close(go.in);
        close(go.out);
    }
}
