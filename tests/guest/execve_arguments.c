// argv and the environment arrive unchanged, also many and long; too many is E2BIG; execve(2).
// syscalls: execve
// build: static dynamic musl musl-dynamic
#include "ktap.h"

extern char **environ;
static pid_t run(char **argv, char **env) {
    pid_t pid = vfork();
    if (pid == 0) {
        execve("/proc/self/exe", argv, env);
        _exit(errno);
    }
    return pid;
}

ROLE(exact) {
    CHECK_EQ(ktap_argc, 5);
    CHECK(strcmp(ktap_argv[0], "") == 0);
    CHECK(strcmp(ktap_argv[2], "two words") == 0);
    CHECK(strcmp(ktap_argv[3], "") == 0);
    CHECK(strcmp(ktap_argv[4], "\xff\x01=") == 0);
    CHECK(ktap_argv[5] == NULL);
    CHECK(environ[0] && strcmp(environ[0], "A=1") == 0);
    CHECK(environ[1] && strcmp(environ[1], "no equals") == 0);
    CHECK(environ[2] == NULL);
}
TEST(strings_arrive) {
    char *argv[] = {"", "exact", "two words", "", "\xff\x01=", NULL}, *env[] = {"A=1", "no equals", NULL};
    CHECK_EQ(wait_status(run(argv, env)), EXITED(0));
}

ROLE(many) {
    CHECK_EQ(ktap_argc, 5002);
    for (int i = 2; i < 5002; i++) CHECK_EQ(atoi(ktap_argv[i]), i);
    CHECK_EQ(strlen(environ[0]), 100000);
}
TEST(five_thousand_arguments_and_a_long_variable) {
    static char *argv[5003], text[5003][6], big[100001], *env[] = {big, NULL};
    memset(big, 'e', 100000);
    argv[0] = "guest", argv[1] = "many";
    for (int i = 2; i < 5002; i++) snprintf(argv[i] = text[i], 6, "%d", i);
    CHECK_EQ(wait_status(run(argv, env)), EXITED(0));
}

TEST(string_too_long) {
    char *big = MUST(mmap(NULL, 200000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memset(big, 'x', 131072);
    char *argv[] = {"guest", "exact", big, NULL}, *env[] = {NULL};
    CHECK_EQ(wait_status(run(argv, env)), EXITED(E2BIG));
}

TEST(all_together_too_long) {
    static char *argv[200], *env[] = {NULL};
    char *big = MUST(mmap(NULL, 200000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memset(big, 'x', 100000);
    for (int i = 0; i < 199; i++) argv[i] = big;
    CHECK_EQ(wait_status(run(argv, env)), EXITED(E2BIG));
}

TEST(bad_pointers) {
    char *argv[] = {"guest", (char *)16, NULL}, *good[] = {"guest", NULL}, *env[] = {NULL};
    CHECK_ERR(execve("/proc/self/exe", argv, env), EFAULT);
    CHECK_ERR(execve("/proc/self/exe", (char **)16, env), EFAULT);
    CHECK_ERR(execve((char *)16, good, env), EFAULT);
    CHECK_ERR(execve("", good, env), ENOENT);
}
