// Contended mutexes exclude: four threads lose no update; recursive and error-checking kinds; pthread_mutex_lock(3).
// syscalls: futex
// build: static dynamic musl
// needs: threads
#include "ktap.h"
#include <pthread.h>
#include <sched.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static long counter;
static void *adder(void *arg) {
    (void)arg;
    for (int i = 0; i < 5000; i++) {
        pthread_mutex_lock(&m);
        long v = counter;
        if (i % 50 == 0) sched_yield();
        counter = v + 1;
        pthread_mutex_unlock(&m);
    }
    return NULL;
}

TEST(no_update_lost) {
    pthread_t t[4];
    for (int i = 0; i < 4; i++) CHECK_EQ(pthread_create(&t[i], NULL, adder, NULL), 0);
    for (int i = 0; i < 4; i++) CHECK_EQ(pthread_join(t[i], NULL), 0);
    CHECK_EQ(counter, 20000);
}

TEST(recursive) {
    pthread_mutexattr_t attr;
    pthread_mutex_t r;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&r, &attr);
    CHECK_EQ(pthread_mutex_lock(&r), 0);
    CHECK_EQ(pthread_mutex_lock(&r), 0);
    CHECK_EQ(pthread_mutex_unlock(&r), 0);
    CHECK_EQ(pthread_mutex_unlock(&r), 0);
    CHECK_EQ(pthread_mutex_unlock(&r), EPERM);
}

TEST(error_checking) {
    pthread_mutexattr_t attr;
    pthread_mutex_t e;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&e, &attr);
    CHECK_EQ(pthread_mutex_lock(&e), 0);
    CHECK_EQ(pthread_mutex_lock(&e), EDEADLK);
    CHECK_EQ(pthread_mutex_trylock(&e), EBUSY);
    CHECK_EQ(pthread_mutex_unlock(&e), 0);
}

TEST(timed_lock) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    pthread_mutex_lock(&m);
    CHECK_EQ(pthread_mutex_timedlock(&m, &t), ETIMEDOUT);
    pthread_mutex_unlock(&m);
}
