// Calls to be caught: one that a debugger changes, one that sleeps, one that a signal interrupts, a fork, an exec, the end.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int pipe_ends[2];

static void on_alarm(int sig)
{
    (void)sig;
    if (write(pipe_ends[1], "a", 1) != 1)
        _exit(4);
}

int main(int argc, char **argv)
{
    char byte = 0;
    struct timespec nap = {0, 1000000};
    if (pipe(pipe_ends))
        return 2;
    if (argc > 2) {
        printf("executed %s\n", argv[2]);
        return 0;
    }
    for (int i = 0; i < 3; i++)
        printf("uid %ld\n", syscall(SYS_getuid) == getuid() ? 0 : syscall(SYS_getuid));
    nanosleep(&nap, NULL);
    // The handler writes what the read waits for; SA_RESTART has it made again.
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_handler = on_alarm;
    act.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &act, NULL);
    ualarm(100000, 0);
    if (read(pipe_ends[0], &byte, 1) != 1)
        return 3;
    printf("read %c\n", byte);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(5);
    int status = 0;
    waitpid(pid, &status, 0);
    printf("child %d\n", WEXITSTATUS(status));
    fflush(stdout);
    if (argc > 1)
        execl(argv[0], argv[0], "again", argv[1], NULL);
    return 0;
}
