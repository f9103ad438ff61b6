// clone(CLONE_VM | CLONE_VFORK) gives a process of its own in the same memory; clone(2).
// syscalls: clone wait4
#include "ktap.h"
#include <sched.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile int pid_inside, value, fd_inside;

static int body(void *arg) {
    (void)arg;
    pid_inside = getpid();
    value = 7;
    close(fd_inside);
    chdir("/");
    _exit(9);
}

TEST(own_pid_shared_memory) {
    scratch();
    fd_inside = MUST(dup(1));
    int pid = clone(body, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    CHECK(pid > 0);
    CHECK_EQ(pid_inside, pid);
    CHECK_EQ(value, 7);
    CHECK_EQ(wait_status(pid), EXITED(9));
}

TEST(descriptors_and_directory_are_copies) {
    char here[256];
    CHECK_EQ(fcntl(fd_inside, F_GETFD), 0);
    CHECK(strcmp(getcwd(here, sizeof here), scratch_path) == 0);
}

TEST(shared_descriptors_on_request) {
    int pid = clone(body, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_FS | SIGCHLD, NULL);
    CHECK(pid > 0);
    CHECK_EQ(wait_status(pid), EXITED(9));
    char here[256];
    CHECK_ERR(fcntl(fd_inside, F_GETFD), EBADF);
    CHECK(strcmp(getcwd(here, sizeof here), "/") == 0);
}

TEST(another_exit_signal_needs_wclone) {
    int status = 0;
    fd_inside = MUST(dup(1));
    int pid = clone(body, stack + sizeof stack, CLONE_VM | CLONE_VFORK, NULL);
    CHECK(pid > 0);
    CHECK_ERR(waitpid(pid, &status, 0), ECHILD);
    CHECK_EQ(waitpid(pid, &status, __WCLONE), pid);
    CHECK_EQ(status, EXITED(9));
}
