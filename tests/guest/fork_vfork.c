// vfork() in a forked child, fork() in a vforked one, and exec from both; vfork(2).
// syscalls: vfork fork execve
// build: static dynamic musl fixed
#include "ktap.h"

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
