// Readers share, a writer excludes, a spin lock spins; pthread_rwlock_rdlock(3).
// syscalls: futex
// build: static musl
// needs: threads
#include "ktap.h"
#include <pthread.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static volatile long first, second, torn, spun;

static void *reader(void *arg) {
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        pthread_rwlock_rdlock(&lock);
        if (first != second) torn = 1;
        pthread_rwlock_unlock(&lock);
    }
    return NULL;
}
static void *writer(void *arg) {
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        pthread_rwlock_wrlock(&lock);
        first++;
        second++;
        pthread_rwlock_unlock(&lock);
        pthread_spin_lock(&spin);
        spun++;
        pthread_spin_unlock(&spin);
    }
    return NULL;
}

TEST(readers_and_writers) {
    pthread_t t[4];
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    for (int i = 0; i < 4; i++) CHECK_EQ(pthread_create(&t[i], NULL, i < 2 ? reader : writer, NULL), 0);
    for (int i = 0; i < 4; i++) CHECK_EQ(pthread_join(t[i], NULL), 0);
    CHECK_EQ(torn, 0);
    CHECK_EQ(first, 2000);
    CHECK_EQ(spun, 2000);
}

TEST(readers_share) {
    CHECK_EQ(pthread_rwlock_rdlock(&lock), 0);
    CHECK_EQ(pthread_rwlock_tryrdlock(&lock), 0);
    CHECK_EQ(pthread_rwlock_trywrlock(&lock), EBUSY);
    pthread_rwlock_unlock(&lock);
    pthread_rwlock_unlock(&lock);
    CHECK_EQ(pthread_rwlock_trywrlock(&lock), 0);
    pthread_rwlock_unlock(&lock);
}
