// A thread that spins without a system call does not keep another from running; sched(7).
// syscalls: 
// needs: threads
#include "ktap.h"
#include <pthread.h>

static volatile int flag;
static void *setter(void *arg) {
    (void)arg;
    flag = 1;
    return NULL;
}

TEST(spin_until_another_thread_writes) {
    pthread_t t;
    CHECK_EQ(pthread_create(&t, NULL, setter, NULL), 0);
    while (!flag) {}
    CHECK_EQ(pthread_join(t, NULL), 0);
}

static void *turn_taker(void *arg) {
    int me = (long)arg;
    for (int i = 0; i < 10; i++) {
        while (flag != me) {}
        flag = !me;
    }
    return NULL;
}
TEST(two_that_hand_over_by_spinning) {
    pthread_t a, b;
    flag = 0;
    CHECK_EQ(pthread_create(&a, NULL, turn_taker, (void *)0L), 0);
    CHECK_EQ(pthread_create(&b, NULL, turn_taker, (void *)1L), 0);
    CHECK_EQ(pthread_join(a, NULL), 0);
    CHECK_EQ(pthread_join(b, NULL), 0);
    CHECK_EQ(flag, 0);
}
