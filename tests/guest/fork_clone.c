// clone() without CLONE_VM: what the flags share, where tids are stored, which signal tells the end; clone(2).
// syscalls: clone clone3 fork set_tid_address
// needs: threads
#include "ktap.h"
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>

static volatile int value, child_tid, parent_tid;
static volatile int caught;

static pid_t raw_clone(unsigned long flags) {
    pid_t pid = MUST(syscall(SYS_clone, flags, 0, &parent_tid, &child_tid, 0));
    if (pid == 0) begin_child();
    return pid;
}

TEST(as_fork_does) {
    value = 1;
    pid_t pid = raw_clone(SIGCHLD);
    if (pid == 0) {
        value = 2;
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(value, 1);
}

// Linux writes each number into the memory of the one it is for.
TEST(where_tids_go) {
    parent_tid = child_tid = -1;
    struct gate go = gate();
    pid_t pid = raw_clone(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD);
    if (pid == 0) {
        pass_gate(go);
        EXPECT_EQ(child_tid, syscall(SYS_gettid));
        leave();
    }
    EXPECT_EQ(parent_tid, pid);
    EXPECT_EQ(child_tid, -1);
    open_gate(go);
    CHECK_CHILD(pid);
    CHECK_EQ(child_tid, -1);
}

// The word is cleared in the child's memory, of which nobody is left to see it; in shared memory everybody does.
TEST(cleared_at_the_end) {
    child_tid = -1;
    pid_t pid = raw_clone(CLONE_CHILD_CLEARTID | SIGCHLD);
    if (pid == 0) leave();
    CHECK_CHILD(pid);
    CHECK_EQ(child_tid, -1);
    int *shared = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    *shared = 77;
    pid = MUST(syscall(SYS_clone, CLONE_CHILD_CLEARTID | SIGCHLD, 0, NULL, shared, 0));
    if (pid == 0) {
        begin_child();
        sleep_ms(10);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(*shared, 77); // nobody else has this mm: Linux stores only for others
}

TEST(shared_descriptors) {
    int fd = MUST(dup(1));
    pid_t pid = raw_clone(CLONE_FILES | SIGCHLD);
    if (pid == 0) {
        value = MUST(dup(0));
        MUST(close(fd));
        _exit(value);
    }
    int opened = WEXITSTATUS(wait_status(pid));
    CHECK_ERR(fcntl(fd, F_GETFD), EBADF);
    CHECK_EQ(fcntl(opened, F_GETFD), 0);
    MUST(close(opened));
    pid = raw_clone(SIGCHLD);
    if (pid == 0) {
        close(1);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(fcntl(1, F_GETFD), 0);
}

TEST(shared_working_directory) {
    scratch();
    char path[100];
    MUST(mkdir("below", 0700));
    pid_t pid = raw_clone(CLONE_FS | SIGCHLD);
    if (pid == 0) {
        MUST(chdir("below"));
        umask(0123);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK(getcwd(path, sizeof path) && strstr(path, "/below"));
    CHECK_EQ(umask(022), 0123);
    MUST(chdir(".."));
    pid = raw_clone(SIGCHLD);
    if (pid == 0) {
        MUST(chdir("below"));
        umask(0);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK(getcwd(path, sizeof path) && !strstr(path, "/below"));
    CHECK_EQ(umask(022), 022);
}

TEST(sibling_of_its_maker) {
    int report[2];
    pid_t number;
    MUST(pipe(report));
    pid_t middle = fork_child();
    if (middle == 0) {
        pid_t pid = raw_clone(CLONE_PARENT | SIGCHLD);
        if (pid == 0) {
            sleep_ms(10);
            _exit(51);
        }
        CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
        MUST(write(report[1], &pid, sizeof pid));
        leave();
    }
    CHECK_CHILD(middle);
    CHECK_EQ(read(report[0], &number, sizeof number), sizeof number);
    CHECK_EQ(wait_status(number), EXITED(51));
}

static void catch(int sig) { caught = sig; }
TEST(exit_signal) {
    signal(SIGUSR1, catch);
    caught = 0;
    pid_t pid = raw_clone(SIGUSR1);
    if (pid == 0) leave();
    CHECK(EVENTUALLY(caught == SIGUSR1));
    CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
    int status = -1;
    CHECK_EQ(waitpid(pid, &status, __WCLONE), pid);
    CHECK_EQ(status, 0);
    pid = raw_clone(0);
    if (pid == 0) _exit(3);
    CHECK_EQ(waitpid(pid, &status, __WALL), pid);
    CHECK_EQ(status, EXITED(3));
}

// A stack of its own, though memory is a copy.
static char stack[65536] __attribute__((aligned(16)));
static int on_own_stack(void *arg) {
    char here;
    value = 9;
    return &here > stack && &here < stack + sizeof stack ? *(int *)arg : 1;
}
TEST(with_a_stack) {
    int arg = 61;
    value = 1;
    pid_t pid = MUST(clone(on_own_stack, stack + sizeof stack, SIGCHLD, &arg));
    CHECK_EQ(wait_status(pid), EXITED(61));
    CHECK_EQ(value, 1);
}

TEST(clone3_and_pidfd) {
    int pidfd = -1;
    struct clone_args args = {.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
    signal(SIGUSR1, catch);
    signal(SIGUSR2, SIG_IGN);
    pid_t pid = MUST(syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0) {
        begin_child();
        struct sigaction sa;
        MUST(sigaction(SIGUSR1, NULL, &sa));
        EXPECT(sa.sa_handler == SIG_DFL);
        MUST(sigaction(SIGUSR2, NULL, &sa));
        EXPECT(sa.sa_handler == SIG_IGN);
        leave();
    }
    struct pollfd p = {pidfd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 5000), 1);
    CHECK_CHILD(pid);
    close(pidfd);
    signal(SIGUSR2, SIG_DFL);
}

TEST(bad_combinations) {
    CHECK_ERR(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), EINVAL);
    CHECK_ERR(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0), EINVAL);
    CHECK_ERR(syscall(SYS_clone, CLONE_FS | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0), EINVAL);
}
