// posix_spawn() with file actions, attributes and a failing program; posix_spawn(3).
// syscalls: clone3 execve
// build: static dynamic musl
#include "ktap.h"
#include <spawn.h>

extern char **environ;
ROLE(echo) { CHECK_EQ(write(1, ktap_argv[2], strlen(ktap_argv[2])), strlen(ktap_argv[2])); }
ROLE(attributes) {
    sigset_t mask;
    CHECK_EQ(getpgrp(), getpid());
    MUST(sigprocmask(SIG_SETMASK, NULL, &mask));
    CHECK(sigismember(&mask, SIGUSR2));
    struct sigaction sa;
    MUST(sigaction(SIGUSR1, NULL, &sa));
    CHECK(sa.sa_handler == SIG_DFL);
}

TEST(file_actions) {
    int p[2];
    pid_t pid;
    char text[16] = {0}, *argv[] = {"guest", "echo", "spawned", NULL};
    MUST(pipe(p));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, p[1], 1);
    posix_spawn_file_actions_addclose(&actions, p[0]);
    posix_spawn_file_actions_addclose(&actions, p[1]);
    CHECK_EQ(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
    close(p[1]);
    CHECK_EQ(read(p[0], text, sizeof text), 7);
    CHECK(strcmp(text, "spawned") == 0);
    CHECK_EQ(wait_status(pid), EXITED(0));
}

TEST(attributes_are_applied) {
    pid_t pid;
    char *argv[] = {"guest", "attributes", NULL};
    posix_spawnattr_t attr;
    sigset_t mask, defaults;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setsigmask(&attr, &mask);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    CHECK_EQ(posix_spawn(&pid, "/proc/self/exe", NULL, &attr, argv, environ), 0);
    CHECK_EQ(wait_status(pid), EXITED(0));
}

TEST(missing_program) {
    pid_t pid;
    char *argv[] = {"x", NULL};
    CHECK_EQ(posix_spawn(&pid, "/no/such/program", NULL, NULL, argv, environ), ENOENT);
}
