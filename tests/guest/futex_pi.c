// A priority-inheritance mutex locks, excludes, and is handed on; futex(2). Where a kernel has none, ENOSYS is told.
// syscalls: futex
// needs: threads
// differs: llano may answer ENOSYS, which pthread_mutex_init then reports
#include "ktap.h"
#include <linux/futex.h>
#include <pthread.h>

static pthread_mutex_t m;
static volatile int value, held;
static void *contender(void *arg) {
    (void)arg;
    held = 1;
    pthread_mutex_lock(&m);
    value = value * 10 + 2;
    pthread_mutex_unlock(&m);
    return NULL;
}

TEST(lock_and_hand_over_or_refusal) {
    pthread_mutexattr_t attr;
    pthread_t t;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    int r = pthread_mutex_init(&m, &attr);
    if (under_llano() && r == ENOTSUP) return;
    CHECK_EQ(r, 0);
    CHECK_EQ(pthread_mutex_lock(&m), 0);
    CHECK_EQ(pthread_create(&t, NULL, contender, NULL), 0);
    CHECK(EVENTUALLY(held));
    sleep_ms(10);
    value = 1;
    CHECK_EQ(pthread_mutex_unlock(&m), 0);
    CHECK_EQ(pthread_join(t, NULL), 0);
    CHECK_EQ(value, 12);
}
