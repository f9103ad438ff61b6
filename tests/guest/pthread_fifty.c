// Fifty threads at once, each with its own stack, tid and errno; pthreads(7).
// syscalls: clone3 futex gettid sched_yield
// build: static dynamic musl
// needs: threads
#include "ktap.h"
#include <pthread.h>
#include <sched.h>

enum { COUNT = 50 };
static pthread_barrier_t all_here;
static int tids[COUNT];
static void *stacks[COUNT];

static void *body(void *arg) {
    long i = (long)arg;
    char on_stack[10000];
    memset(on_stack, i, sizeof on_stack);
    tids[i] = gettid();
    stacks[i] = on_stack;
    errno = 1000 + i;
    pthread_barrier_wait(&all_here);
    for (int k = 0; k < 20; k++) sched_yield();
    long ok = errno == 1000 + i && tids[i] == gettid();
    for (unsigned k = 0; k < sizeof on_stack; k++) ok &= on_stack[k] == (char)i;
    return (void *)ok;
}

TEST(fifty_at_once) {
    pthread_t t[COUNT];
    CHECK_EQ(pthread_barrier_init(&all_here, NULL, COUNT), 0);
    for (long i = 0; i < COUNT; i++) CHECK_EQ(pthread_create(&t[i], NULL, body, (void *)i), 0);
    for (int i = 0; i < COUNT; i++) {
        void *ok = NULL;
        CHECK_EQ(pthread_join(t[i], &ok), 0);
        CHECK_EQ(ok, 1);
    }
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < i; k++) CHECK(tids[i] != tids[k] && stacks[i] != stacks[k]);
}
