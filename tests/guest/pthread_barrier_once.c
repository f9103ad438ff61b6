// Barriers let nobody through early, once-functions run once, semaphores count; pthread_barrier_wait(3), sem_wait(3).
// syscalls: futex
// build: static musl
// needs: threads
#include "ktap.h"
#include <pthread.h>
#include <semaphore.h>

static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static volatile int arrived, onces, serial, early;
static void only_once(void) { onces++; }

static void *body(void *arg) {
    (void)arg;
    for (int round = 1; round <= 20; round++) {
        pthread_once(&once, only_once);
        __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) __atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
        if (arrived < round * 5) early = 1;
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

TEST(barrier_of_five) {
    pthread_t t[5];
    CHECK_EQ(pthread_barrier_init(&barrier, NULL, 5), 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(pthread_create(&t[i], NULL, body, NULL), 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(pthread_join(t[i], NULL), 0);
    CHECK_EQ(arrived, 100);
    CHECK_EQ(serial, 20);
    CHECK_EQ(early, 0);
}

TEST(once_ran_once) { CHECK_EQ(onces, 1); }

static sem_t sem;
static void *poster(void *arg) {
    (void)arg;
    for (int i = 0; i < 100; i++) sem_post(&sem);
    return NULL;
}
TEST(semaphore) {
    pthread_t t;
    CHECK_EQ(sem_init(&sem, 0, 0), 0);
    CHECK_EQ(pthread_create(&t, NULL, poster, NULL), 0);
    for (int i = 0; i < 100; i++) CHECK_EQ(sem_wait(&sem), 0);
    CHECK_EQ(pthread_join(t, NULL), 0);
    CHECK_ERR(sem_trywait(&sem), EAGAIN);
}
