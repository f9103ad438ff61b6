// Condition variables: a ping-pong, a broadcast, a timed wait; pthread_cond_wait(3).
// syscalls: futex
// build: static musl
// needs: threads
#include "ktap.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int turn, rounds, waiting, go;

static void *player(void *arg) {
    long me = (long)arg;
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&m);
        while (turn != me) pthread_cond_wait(&c, &m);
        turn = !me;
        rounds++;
        pthread_cond_signal(&c);
        pthread_mutex_unlock(&m);
    }
    return NULL;
}

TEST(ping_pong) {
    pthread_t t[2];
    for (long i = 0; i < 2; i++) CHECK_EQ(pthread_create(&t[i], NULL, player, (void *)i), 0);
    for (int i = 0; i < 2; i++) CHECK_EQ(pthread_join(t[i], NULL), 0);
    CHECK_EQ(rounds, 1000);
}

static void *waiter(void *arg) {
    (void)arg;
    pthread_mutex_lock(&m);
    waiting++;
    while (!go) pthread_cond_wait(&c, &m);
    pthread_mutex_unlock(&m);
    return NULL;
}
TEST(broadcast_wakes_all) {
    pthread_t t[8];
    for (int i = 0; i < 8; i++) CHECK_EQ(pthread_create(&t[i], NULL, waiter, NULL), 0);
    CHECK(EVENTUALLY(__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) == 8));
    pthread_mutex_lock(&m);
    go = 1;
    pthread_cond_broadcast(&c);
    pthread_mutex_unlock(&m);
    for (int i = 0; i < 8; i++) CHECK_EQ(pthread_join(t[i], NULL), 0);
}

TEST(timed_wait) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 10000000;
    if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
    pthread_mutex_lock(&m);
    CHECK_EQ(pthread_cond_timedwait(&c, &m, &t), ETIMEDOUT);
    CHECK_EQ(pthread_mutex_unlock(&m), 0);
}
