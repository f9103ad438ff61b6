// vfork() suspends the parent, shares its memory, and gives the child its own descriptors and signals; vfork(2).
// syscalls: vfork exit_group
#include "ktap.h"

static volatile int shared, order;

TEST(parent_waits_for_exit) {
    pid_t pid = vfork();
    if (pid == 0) {
        sleep_ms(10);
        shared = getpid();
        order = 1;
        _exit(5);
    }
    CHECK_EQ(order, 1);
    CHECK_EQ(shared, pid);
    CHECK_EQ(wait_status(pid), EXITED(5));
}

ROLE(slow) { sleep_ms(50); }
TEST(parent_goes_on_at_exec) {
    pid_t pid = SPAWN("slow");
    int status;
    CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
    CHECK_EQ(wait_status(pid), EXITED(0));
}

TEST(descriptors_are_a_copy) {
    int fd = MUST(dup(1));
    pid_t pid = vfork();
    if (pid == 0) {
        close(fd);
        _exit(0);
    }
    CHECK_EQ(wait_status(pid), EXITED(0));
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    close(fd);
}

TEST(dispositions_are_a_copy) {
    signal(SIGUSR1, SIG_IGN);
    pid_t pid = vfork();
    if (pid == 0) {
        signal(SIGUSR1, SIG_DFL);
        _exit(0);
    }
    CHECK_EQ(wait_status(pid), EXITED(0));
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
}

TEST(failed_exec_in_the_child) {
    pid_t pid = vfork();
    if (pid == 0) {
        execl("/no/such/program", "x", NULL);
        _exit(errno == ENOENT ? 66 : 67);
    }
    CHECK_EQ(wait_status(pid), EXITED(66));
}

TEST(killed_child_releases_the_parent) {
    pid_t pid = vfork();
    if (pid == 0) {
        kill(getpid(), SIGKILL);
        _exit(0);
    }
    CHECK_EQ(wait_status(pid), SIGKILL);
}
