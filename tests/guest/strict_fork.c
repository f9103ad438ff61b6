// fork() and clone() without CLONE_VM are EINVAL; vfork() and threads work. kernel/fork.c (SYSCALL_DEFINE0(fork), !CONFIG_MMU).
// strict: --mem 32M
// build: musl
#include "ktap.h"
#include <pthread.h>
#include <sched.h>
#include <spawn.h>

TEST(fork_is_refused) {
    CHECK_ERR(syscall(SYS_fork), EINVAL);
    CHECK_ERR(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), EINVAL);
    CHECK_ERR(syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0), EINVAL);
    uint64_t args[8] = {0, 0, 0, 0, SIGCHLD, 0, 0, 0};
    CHECK_ERR(syscall(SYS_clone3, args, sizeof args), EINVAL);
    CHECK_ERR(fork(), EINVAL);
    CHECK_ERR(waitpid(-1, NULL, 0), ECHILD);
}

static volatile int seen;
TEST(vfork_shares_the_memory) {
    pid_t pid = vfork();
    if (pid == 0) {
        seen = 7;
        _exit(3);
    }
    CHECK_EQ(wait_status(pid), EXITED(3));
    CHECK_EQ(seen, 7);
}

static void *thread(void *arg) {
    seen = 9;
    return arg;
}
TEST(threads_run) {
    pthread_t t;
    void *back;
    CHECK_EQ(pthread_create(&t, NULL, thread, (void *)5), 0);
    CHECK_EQ(pthread_join(t, &back), 0);
    CHECK(back == (void *)5);
    CHECK_EQ(seen, 9);
}

ROLE(child) { _exit(11); }
TEST(programs_are_started) {
    CHECK_EQ(wait_status(SPAWN("child")), EXITED(11));
    extern char **environ;
    pid_t pid;
    char *argv[] = {"guest", "child", NULL};
    CHECK_EQ(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), 0);
    CHECK_EQ(wait_status(pid), EXITED(11));
}
