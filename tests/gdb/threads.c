// A main thread that waits, one that sleeps in a pipe, one that spins; all with names. The last one spins only when the
// others sleep, so that what a debugger sees at its first line does not hang on who ran first.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

volatile int spinning = 1;
volatile unsigned long turns;
static volatile pid_t sleeping;
static int pipe_ends[2];

// Waits until a thread of this process sleeps (proc(5): state S in /proc/PID/task/TID/stat).
static void until_asleep(volatile pid_t *tid)
{
    for (;;) {
        char path[64], line[256] = "", *state;
        snprintf(path, sizeof path, "/proc/self/task/%d/stat", *tid);
        FILE *stat = *tid ? fopen(path, "r") : NULL;
        if (stat) {
            state = fgets(line, sizeof line, stat) ? strrchr(line, ')') : NULL;
            fclose(stat);
            if (state && state[2] == 'S')
                return;
        }
        usleep(1000);
    }
}

__attribute__((noipa)) static void *sleeper(void *arg)
{
    char byte;
    (void)arg;
    sleeping = syscall(SYS_gettid);
    ssize_t n = read(pipe_ends[0], &byte, 1);
    printf("sleeper read %zd\n", n);
    return NULL;
}

__attribute__((noipa)) static void *spinner(void *arg)
{
    (void)arg;
    while (spinning)
        turns++;
    return NULL;
}

static void *waits_then_spins(void *arg)
{
    volatile pid_t first = getpid();
    until_asleep(&sleeping);
    until_asleep(&first);
    return spinner(arg);
}

int main(void)
{
    pthread_t a, b;
    if (pipe(pipe_ends))
        return 2;
    pthread_create(&a, NULL, sleeper, NULL);
    pthread_setname_np(a, "sleeper");
    pthread_create(&b, NULL, waits_then_spins, NULL);
    pthread_setname_np(b, "spinner");
    pthread_join(b, NULL);
    if (write(pipe_ends[1], "x", 1) != 1)
        return 3;
    pthread_join(a, NULL);
    puts("all joined");
    return 0;
}
