// What a null call and a byte through two pipes and back cost, in nanoseconds: "calls null|pipe COUNT".
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int there[2], back[2];

static void *echo(void *arg)
{
    char byte;
    while (read(there[0], &byte, 1) == 1)
        if (write(back[1], &byte, 1) != 1)
            break;
    return arg;
}

int main(int argc, char **argv)
{
    struct timespec a, b;
    pthread_t other;
    char byte = 0;
    long count = argc == 3 ? atol(argv[2]) : 0;
    int null = argc == 3 && argv[1][0] == 'n';
    if (!null && (pipe(there) || pipe(back) || pthread_create(&other, NULL, echo, NULL)))
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (long i = 0; i < count; i++) {
        if (null)
            syscall(SYS_getppid);
        else if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%f\n", ((b.tv_sec - a.tv_sec) * 1e9 + b.tv_nsec - a.tv_nsec) / count);
    return 0;
}
