// What packets beside the common ones are about: siginfo, thread-local storage, something to find.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static __thread int counted = 7;
static __thread long zeroed;
static char haystack[8192] = "first";
static volatile int seen_code, seen_value, usr2s;
static pthread_barrier_t both;

static void on_usr1(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    seen_code = info->si_code;
    seen_value = info->si_value.sival_int;
}

static void on_usr2(int sig) { (void)sig; usr2s++; }

__attribute__((noipa)) static void checkpoint(int where) { (void)where; }

__attribute__((noipa, used)) static int twice(int n) { return 2 * n; }

static void *other(void *arg)
{
    counted = 8;
    zeroed = 80;
    errno = 4;
    checkpoint(2);
    pthread_barrier_wait(&both);
    pthread_barrier_wait(&both);
    return arg;
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGUSR2, on_usr2);
    memcpy(haystack + 5000, "needle", 6);
    counted++;
    zeroed = 70;
    errno = 5;
    checkpoint(1);
    counted--;
    sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 42 });
    raise(SIGUSR2);
    raise(SIGUSR2);
    pthread_barrier_init(&both, NULL, 2);
    pthread_t thread;
    pthread_create(&thread, NULL, other, NULL);
    pthread_barrier_wait(&both);
    if (argc > 1) {
        void *library = dlopen(argv[1], RTLD_NOW);
        int (*count)(void) = library ? (int (*)(void))dlsym(library, "library_count") : NULL;
        if (count && count() == 101)
            checkpoint(3);
    }
    pthread_barrier_wait(&both);
    pthread_join(thread, NULL);
    printf("code %d value %d usr2 %d\n", seen_code, seen_value, usr2s);
    return 0;
}
