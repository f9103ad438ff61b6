// Destructors of thread-specific data run at the thread's end; pthread_key_create(3).
// syscalls: exit
// build: static musl
// needs: threads
#include "ktap.h"
#include <pthread.h>

static pthread_key_t key;
static volatile int destroyed;
static void destroy(void *value) { destroyed += (long)value; }
static void *body(void *arg) {
    if (pthread_getspecific(key) != NULL) return (void *)1;
    pthread_setspecific(key, arg);
    return NULL;
}

TEST(destructor_runs_per_thread) {
    pthread_t t[3];
    void *r;
    CHECK_EQ(pthread_key_create(&key, destroy), 0);
    for (long i = 1; i <= 3; i++) CHECK_EQ(pthread_create(&t[i - 1], NULL, body, (void *)(i * 10)), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(pthread_join(t[i], &r), 0);
        CHECK_EQ(r, 0);
    }
    CHECK_EQ(destroyed, 60);
}
