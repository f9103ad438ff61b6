// One program twice, each process with a global of its own; the second is executed by a forked child.
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int mine;

static int next(int by)
{
    mine += by;
    return mine;
}

static void work(int n)
{
    for (int i = 0; i < 3; i++)
        next(n);
}

int main(int argc, char **argv)
{
    mine = 100;
    if (argc > 1) {
        mine = atoi(argv[1]);
        work(2);
        return mine & 0x7f;
    }
    work(1);
    pid_t pid = fork();
    if (pid == 0) {
        execl(argv[0], argv[0], "500", NULL);
        _exit(9);
    }
    work(1);
    int status = 0;
    waitpid(pid, &status, 0);
    printf("child %d, mine %d\n", WEXITSTATUS(status), mine);
    return 0;
}
