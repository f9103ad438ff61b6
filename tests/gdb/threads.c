// A main thread that waits, one that sleeps in a pipe, one that spins; all with names.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

volatile int spinning = 1;
volatile unsigned long turns;
static int pipe_ends[2];

static void *sleeper(void *arg)
{
    char byte;
    (void)arg;
    ssize_t n = read(pipe_ends[0], &byte, 1);
    printf("sleeper read %zd\n", n);
    return NULL;
}

static void *spinner(void *arg)
{
    (void)arg;
    while (spinning)
        turns++;
    return NULL;
}

int main(void)
{
    pthread_t a, b;
    if (pipe(pipe_ends))
        return 2;
    pthread_create(&a, NULL, sleeper, NULL);
    pthread_setname_np(a, "sleeper");
    pthread_create(&b, NULL, spinner, NULL);
    pthread_setname_np(b, "spinner");
    pthread_join(b, NULL);
    if (write(pipe_ends[1], "x", 1) != 1)
        return 3;
    pthread_join(a, NULL);
    puts("all joined");
    return 0;
}
