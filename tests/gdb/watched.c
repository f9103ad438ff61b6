// Memory for gdb to watch: more of it than the CPU has slots for, written in every way there is.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

char buf[64];
int one, two, three, four, five, six;
struct timespec then;
int *shared;

__attribute__((noinline)) void begin(void)
{
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) void filled(void)
{
    void *to = buf;
    long count = sizeof buf;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"('f') : "memory");
    __asm__ volatile("" ::: "memory");
}

static void *thread(void *arg)
{
    buf[63] = 't';
    return arg;
}

// What stands beside the watched bytes in the same page is written all the time.
static int neighbour(int rounds)
{
    static volatile int beside[16];
    int sum = 0;
    for (int i = 0; i < rounds; i++) {
        beside[i % 16] += i;
        sum += beside[(i + 1) % 16] & 1;
    }
    return sum;
}

static int buffer(void)
{
    int pipes[2];
    pthread_t t;
    begin();
    buf[8] = 'a';
    buf[0] = buf[8];
    neighbour(2000);
    filled();
    if (pipe(pipes) || write(pipes[1], "pipe", 4) != 4 || read(pipes[0], buf + 30, 4) != 4)
        return 1;
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    pid_t child = fork();
    if (child == 0) {
        memset(buf, 'c', sizeof buf);
        filled();
        _exit(buf[5]);
    }
    int status;
    waitpid(child, &status, 0);
    buf[1] = 'p';
    return WEXITSTATUS(status) != 'f' || buf[2] != 'f';
}

static int many(void)
{
    begin();
    one = 1;
    two = 2;
    three = 3;
    four = 4;
    five = 5;
    six = 6;
    clock_gettime(CLOCK_REALTIME, &then);
    return 0;
}

static int sharing(void)
{
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    begin();
    if (fork() == 0) {
        shared[40] = 7;
        _exit(0);
    }
    wait(NULL);
    return shared[40] != 7;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "buffer"))
        return buffer();
    if (!strcmp(what, "many"))
        return many();
    if (!strcmp(what, "shared"))
        return sharing();
    fprintf(stderr, "no such part: %s\n", what);
    return 2;
}
