// Signals with and without handlers, a fault that a handler repairs, and a program executed by vfork.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int usr1, alarms;
static sigjmp_buf back;

static void on_usr1(int sig) { (void)sig; usr1++; }
static void on_alarm(int sig) { (void)sig; alarms++; }
static void on_segv(int sig) { (void)sig; siglongjmp(back, 1); }

__attribute__((noipa)) static void wild(int *p) { *p = 1; }

int main(int argc, char **argv)
{
    signal(SIGUSR1, on_usr1);
    signal(SIGALRM, on_alarm);
    signal(SIGSEGV, on_segv);
    raise(SIGUSR1);
    alarm(1);
    pause();
    if (!sigsetjmp(back, 1))
        wild((int *)8);
    printf("usr1 %d alarms %d\n", usr1, alarms);
    fflush(stdout);
    if (argc > 1) {
        pid_t pid = vfork();
        if (pid == 0) {
            execv(argv[1], argv + 1);
            _exit(9);
        }
        int status = 0;
        waitpid(pid, &status, 0);
        printf("child %d\n", WEXITSTATUS(status));
        fflush(stdout);
    }
    return usr1 == 1 ? 0 : 1;
}
