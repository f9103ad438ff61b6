// Making processes: spawn ROW BUDGET_MS PROGRAM. Prints ns per process, from creation to wait.

#include "bench.h"
#include <sys/wait.h>

static char *program;
extern char **environ;

static void reap(pid_t pid)
{
    int status = -1;
    MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

// A function of its own: its caller's loop counter must not live in registers across vfork.
static __attribute__((noinline)) void vfork_and_exec(char *const argv[])
{
    pid_t pid = vfork();
    if (pid == 0) {
        execve(argv[0], argv, environ);
        _exit(127);
    }
    MUST(pid > 0);
    reap(pid);
}

static long vfork_exec(long n)
{
    char *argv[] = {program, NULL};
    for (long i = 0; i < n; i++)
        vfork_and_exec(argv);
    return n;
}

static long shell(long n)
{
    char *argv[] = {"/bin/sh", "-c", program, NULL};
    for (long i = 0; i < n; i++)
        vfork_and_exec(argv);
    return n;
}

static pid_t fork_or_leave(void)
{
    pid_t pid = fork();
    if (pid < 0)
        not_available("fork");
    return pid;
}

static long fork_exit(long n)
{
    for (long i = 0; i < n; i++) {
        pid_t pid = fork_or_leave();
        if (pid == 0)
            _exit(0);
        reap(pid);
    }
    return n;
}

static long fork_exec(long n)
{
    char *argv[] = {program, NULL};
    for (long i = 0; i < n; i++) {
        pid_t pid = fork_or_leave();
        if (pid == 0) {
            execve(program, argv, environ);
            _exit(127);
        }
        reap(pid);
    }
    return n;
}

static void nothing(void) {}

static const struct row rows[] = {
    {"vfork-exec", nothing, vfork_exec},
    {"fork-exit", nothing, fork_exit},
    {"fork-exec", nothing, fork_exec},
    {"sh", nothing, shell},
    {0},
};

int main(int argc, char **argv)
{
    MUST(argc == 4);
    program = argv[3];
    printf("%.2f\n", ns_per_unit(find_row(rows, argv[1])->run, atol(argv[2])));
    return 0;
}
