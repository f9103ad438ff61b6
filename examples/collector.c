// Two producers write lines into one pipe; a collector counts them. It leaves too early: gdb finds out why.
//
//     gcc -g -O0 -static-pie -o collector examples/collector.c
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINES = 40 };

static struct {
    char last[8]; // the line that came last
    int left;     // how many are still to come
} state = { "", 2 * LINES };

static int ends[2];

static void take(const char *line)
{
    strcpy(state.last, line);
    state.left--;
}

static void collect(void)
{
    char line[64];
    int lines = 0;
    FILE *in = fdopen(ends[0], "r");
    close(ends[1]);
    while (state.left > 0 && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = 0;
        take(line);
        lines++;
    }
    fclose(in);
    printf("collector: %d of %d lines\n", lines, 2 * LINES);
}

static void produce(const char *name, int pause_us)
{
    prctl(PR_SET_NAME, name);
    close(ends[0]);
    for (int i = 1; i <= LINES; i++) {
        usleep(pause_us);
        dprintf(ends[1], "%s-%d\n", name, i);
    }
    exit(0);
}

int main(void)
{
    if (pipe(ends))
        return 2;
    if (fork() == 0)
        produce("red", 2000);
    if (fork() == 0)
        produce("green", 5000);
    collect();
    int status, failed = 0;
    pid_t pid;
    while ((pid = wait(&status)) > 0)
        if (WIFSIGNALED(status)) {
            printf("producer %d: %s\n", pid, strsignal(WTERMSIG(status)));
            failed = 1;
        }
    return failed;
}
